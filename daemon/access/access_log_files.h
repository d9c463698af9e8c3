// The files of the access log in a directory: access-YYYY-MM-DD.jsonl, in the order of their days.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "metering/core/time.h"

namespace voucherd::access {

struct AccessLogFile {
  LocalDay day;
  std::string path;
};

std::string access_log_path(const std::string& directory, LocalDay day);
/// Oldest first. Fault "access_log_failed".
Result<std::vector<AccessLogFile>> access_log_files(const std::string& directory);

/// Where a chain stands.
struct ChainEnd {
  std::uint64_t number = 0;  // of the last line; 0: there is none
  std::string sha256 = std::string(64, '0');
};

/// A line's number and what it says of the line before; nullopt: it is none.
struct ChainLink {
  std::uint64_t number;
  std::string before;
  std::string at;
  std::string event;
  std::uint64_t entries = 0;        // lost, or refused without a line of their own
  std::uint64_t cut_off_bytes = 0;  // that a crash had left behind the line before
};
std::optional<ChainLink> read_chain_link(std::string_view line);

/// What a check of files found, in the order in which they were given.
struct ChainReport {
  std::uint64_t first = 0, last = 0;  // numbers of lines
  std::string first_at, last_at;
  std::string sha256;  // of the last line: who notes it can tell later that none is missing behind it
  std::string fault;   // "FILE:12: …", the first one; "": the chain is whole
  /// "FILE:12: …": what is missing though the chain is whole, and why.
  std::vector<std::string> notes;
};
Result<ChainReport> check_access_log(const std::vector<std::string>& files);

}  // namespace voucherd::access
