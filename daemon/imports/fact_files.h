// Facts that stand in files named by the configuration: read whole, compared with what each file said
// at its last import, and handed on as changes that are made together or not at all.
#pragma once

#include <string>
#include <vector>

#include "billing/ledger/ledger.h"

namespace voucherd {

/// Bytes of one file of facts.
inline constexpr std::size_t fact_file_bytes_max = std::size_t{64} << 20;

/// One fact as a file has it.
struct FileFact {
  std::string file;     // as named, or below the named folder
  std::string digest;   // SHA-256 of the file, hex
  std::string pointer;  // of the body in the file: "" where the file is the body
  billing::FactChange change;
};

struct FactFiles {
  std::size_t files = 0;
  std::vector<FileFact> facts;
  /// All that is wrong in the files themselves, each with the file and its pointer.
  std::vector<std::string> faults;
};

/// Reads every file named, and every *.json below a folder named, in the order of their names.
FactFiles read_fact_files(const std::vector<std::string>& names);

/// Those that differ from what their file said at its last import, with the file and its digest as who.
std::vector<FileFact> changed_since_import(std::vector<FileFact> facts, const billing::Ledger& ledger);

/// The judge's faults about changes made of `facts` in their order, told by file.
std::vector<std::string> told_by_file(const billing::Refusal& refusal, const std::vector<FileFact>& facts);

}  // namespace voucherd
