// A body in memory of exactly its size and the promised padding, so that the address sanitizer
// sees a read beyond it; and the padding is hostile: brackets and quotes, which a parser that
// trusts what it finds behind the body would take for part of it.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "metering/wire/decode.h"

namespace voucherd::wire {

class DecodedBody {
 public:
  explicit DecodedBody(std::string_view body, BodyFormat format, char padding = '}')
      : bytes_(new char[body.size() + body_padding_bytes]), size_(body.size()) {
    std::memcpy(bytes_.get(), body.data(), body.size());
    std::memset(bytes_.get() + body.size(), padding, body_padding_bytes);
    auto decoded = Decoder().decode({bytes_.get(), size_}, format);
    if (decoded) {
      batch_ = std::move(*decoded);
    } else {
      fault_ = decoded.error().detail;
    }
  }

  bool refused() const { return !fault_.empty(); }
  const std::string& fault() const { return fault_; }
  const Batch& batch() const { return batch_; }
  const Item& item(std::size_t index = 0) const { return batch_.items.at(index); }
  std::string_view body() const { return {bytes_.get(), size_}; }

  /// "" for a good event.
  std::string_view code(std::size_t index = 0) const {
    const Item& found = item(index);
    return found.problem ? to_string(found.problem->code) : std::string_view();
  }
  std::string detail(std::size_t index = 0) const {
    return item(index).problem ? item(index).problem->detail : "";
  }
  bool lies_in_body(std::string_view view) const {
    return view.data() >= bytes_.get() && view.data() + view.size() <= bytes_.get() + size_;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
  Batch batch_;
  std::string fault_;
};

inline constexpr std::string_view good_usage =
    R"({"specversion":"1.0","type":"compute.usage.v1","source":"/centre/rongzhi/slurm",)"
    R"("id":"job-81723/step-0/2026-03-01T08","subject":"9150000020286320X6","time":"2026-03-01T09:00:00+08:00",)"
    R"("data":{"sku":"gpu.a800","quantity":"8","start":"2026-03-01T08:00:00+08:00",)"
    R"("end":"2026-03-01T09:00:00+08:00","project":"agent-platform","node":"gpu-017","job":"81723"}})";

inline constexpr std::string_view good_correction =
    R"({"specversion":"1.0","type":"compute.correction.v1","source":"/centre/rongzhi/finance","id":"corr-17",)"
    R"("subject":"9150000020286320X6","time":"2026-03-04T10:00:00+08:00",)"
    R"("data":{"corrects":{"source":"/centre/rongzhi/slurm","id":"job-81723"},"quantity":"0",)"
    R"("reason":"node failure"}})";

/// `text` with the one place that holds `from` replaced. Throws where it isn't there.
inline std::string with(std::string_view text, std::string_view from, std::string_view to) {
  std::string changed(text);
  return changed.replace(changed.find(from), from.size(), to);
}

inline DecodedBody one(std::string_view body) { return DecodedBody(body, BodyFormat::event); }

}  // namespace voucherd::wire
