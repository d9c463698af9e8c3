// Configuration is a table: one row per key drives parsing, constraints, the sample file and
// the reference in the READMEs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"

namespace voucherd::config {

struct Parsed {
  Options options;
  /// All that is wrong, each with file, line and key; empty: usable.
  std::vector<std::string> faults;
};

/// Reads TOML. Unknown keys are faults.
Parsed parse(std::string_view toml, const std::string& file_name);
Parsed parse_file(const std::string& path);

/// What holds between keys and for values that came from the command line too: addresses, beyond
/// loopback (refused until access control exists), ranges.
std::vector<std::string> check(const Options& options);

/// A complete file with every key at its default, with comments: config/voucherd.sample.toml.
std::string sample_file();
/// Markdown of all keys, as it stands between the READMEs' markers.
enum class Language { english, chinese };
std::string reference_markdown(Language language);

}  // namespace voucherd::config
