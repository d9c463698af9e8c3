// Cuts a stream of NDJSON into requests: whole lines, at most batch_lines_max of them and about
// batch_bytes_max bytes. Only the batch at hand is in memory, however long the file is.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "metering/core/result.h"

namespace voucherd::ctl {

inline constexpr std::size_t batch_lines_max = 1000;
inline constexpr std::size_t batch_bytes_max = 1U << 20U;
/// A longer line would never be taken: it is a Fault that names the line.
inline constexpr std::size_t line_bytes_max = 8U << 20U;

struct EventBatch {
  std::uint64_t begin = 0, end = 0;         // bytes of the file that it covers, empty lines included
  std::uint64_t lines_before = 0;           // lines of the file before `begin`
  std::vector<std::uint64_t> line_numbers;  // of each event, from 1
  std::string body;                         // lines, each with its line end
};

class BatchReader {
 public:
  /// Reads on from where `in` stands: byte `offset`, after `lines_before` lines.
  BatchReader(std::istream& in, std::uint64_t offset, std::uint64_t lines_before)
      : in_(in), offset_(offset), line_(lines_before) {}

  /// The next batch; nullopt at the end. Faults "line_too_long", "read_failed".
  Result<std::optional<EventBatch>> next();

 private:
  /// Reads one line into line_text_, without its line end; false at the end of the stream.
  Result<bool> read_line();

  std::istream& in_;
  std::uint64_t offset_, line_;
  std::string line_text_;
};

}  // namespace voucherd::ctl
