// Lines are read through the stream buffer, so that a line that never ends is noticed at
// line_bytes_max and not when memory is gone.
#include "daemon/ctl/event_batches.h"

namespace voucherd::ctl {

Result<bool> BatchReader::read_line() {
  line_text_.clear();
  auto& bytes = *in_.rdbuf();
  constexpr auto end = std::istream::traits_type::eof();
  bool any = false;
  for (auto c = bytes.sbumpc(); c != end; c = bytes.sbumpc()) {
    any = true;
    ++offset_;
    if (c == '\n') break;
    line_text_ += std::istream::traits_type::to_char_type(c);
    if (line_text_.size() > line_bytes_max) {
      return Fault{"line_too_long", "line " + std::to_string(line_ + 1) + " is longer than " +
                                        std::to_string(line_bytes_max) +
                                        " bytes; each line has to be one event"};
    }
  }
  if (any) ++line_;
  return any;
}

Result<std::optional<EventBatch>> BatchReader::next() {
  EventBatch batch;
  batch.begin = offset_;
  batch.lines_before = line_;
  while (batch.line_numbers.size() < batch_lines_max && batch.body.size() < batch_bytes_max) {
    const auto any = read_line();
    if (!any) return any.error();
    if (!*any) break;
    if (line_text_.find_first_not_of(" \t\r") == std::string::npos) continue;
    batch.line_numbers.push_back(line_);
    batch.body += line_text_;
    batch.body += '\n';
  }
  if (in_.bad()) return Fault{"read_failed", "reading failed after line " + std::to_string(line_)};
  batch.end = offset_;
  if (batch.end == batch.begin) return std::optional<EventBatch>();
  return std::optional<EventBatch>(std::move(batch));
}

}  // namespace voucherd::ctl
