// The table of what ingest must reach, filled in from results: a row a promise, with its bar, its aim, what
// was found and a plain word about it. Makes no figure of its own.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/driver/bench.h"

namespace voucherd::bench {

struct Row {
  std::string work, unit;
  bool at_least = false;    // else at most
  double bar = 0, aim = 0;  // aim 0: none
  std::vector<double> values;

  double median() const;
  double lowest() const;
  double highest() const;
  /// "aim", "bar", "missed" or "not measured".
  std::string verdict() const;
};

/// The promises, then figures that nothing was promised of.
std::vector<Row> promised_rows(const Results& results);
std::vector<Row> other_rows(const Results& results);

/// The machine, in a line.
std::string machine();

std::string text_table(const Results& results);
std::string markdown_table(const Results& results);
/// Everything: machine, rows, and every run's figures. Can be read again by the driver's --from.
Json all_as_json(const Results& results);

}  // namespace voucherd::bench
