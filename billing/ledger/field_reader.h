// Reads the members of a JSON object one by one and keeps every fault with its pointer
// (RFC 6901), so that whoever sent the body learns of all of them at once. What is not
// asked for by the end is an unknown member, and unknown members are faults.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "billing/core/money.h"
#include "billing/ledger/fact_codec.h"

namespace voucherd::billing {

/// Names, titles, districts and documents, in bytes.
inline constexpr std::size_t fact_text_bytes_max = 512;
/// Keys of facts, categories and programmes, in bytes.
inline constexpr std::size_t fact_key_bytes_max = 128;
inline constexpr std::size_t fact_unit_bytes_max = 64;

/// What is wrong with `text` as a text of `bytes_min` to `bytes_max` bytes; "" where nothing:
/// UTF-8, without control characters (C0, DEL and C1: they break tables, logs and headers).
std::string text_fault(std::string_view text, std::size_t bytes_min, std::size_t bytes_max);

/// Bytes of `text` up to the first that is not UTF-8.
std::size_t utf8_prefix(std::string_view text);

/// "/prices" + "gpu/a800" is "/prices/gpu~1a800".
std::string pointer_to(const std::string& parent, std::string_view member);
std::string pointer_to(const std::string& parent, std::size_t index);

enum class Need { required, optional };

class FieldReader {
 public:
  /// Faults where `body` is no object; then every member reads as absent, without further faults.
  FieldReader(const nlohmann::json& body, std::string pointer, std::vector<FieldFault>& faults);

  bool is_object() const { return body_ != nullptr; }
  const std::string& pointer() const { return pointer_; }
  std::string at(std::string_view member) const { return pointer_to(pointer_, member); }
  void fault(std::string_view member, std::string detail);

  /// The member, or nullptr where it is absent (a fault where it is required). `what` completes
  /// "it must be …".
  const nlohmann::json* find(const std::string& member, Need need, std::string_view what);

  /// Each of these returns what it could read; nullopt or "" where absent or faulty.
  std::string text(const std::string& member, Need need, std::size_t bytes_min, std::size_t bytes_max);
  std::string one_of(const std::string& member, Need need, const std::vector<std::string>& choices,
                     const std::string& absent);
  bool boolean(const std::string& member, bool absent);
  std::optional<LocalDay> day(const std::string& member, Need need, bool null_allowed = false);
  /// `from` and `until`; a fault at `until` where the interval is empty; nullopt where faulty.
  std::optional<DayInterval> interval();
  std::optional<Fen> amount(const std::string& member, Need need, bool null_allowed = false);
  std::optional<Rate> rate(const std::string& member, Need need);
  FirmId firm(const std::string& member);
  std::string sha256(const std::string& member);
  /// An array; calls `item` for each element with its pointer.
  void array(const std::string& member, Need need, std::string_view what,
             const std::function<void(const nlohmann::json&, const std::string&)>& item);
  /// A decimal's text: a string, since a number would have gone through a binary float.
  std::optional<std::string> decimal(const std::string& member, Need need, std::string_view what);

  /// Every member that was not asked for is a fault.
  void refuse_others();

 private:
  const nlohmann::json* body_ = nullptr;
  std::string pointer_;
  std::vector<FieldFault>& faults_;
  std::set<std::string> asked_;
};

/// Faults for pairs of intervals that share a day; `pointers` in step with `intervals`.
void refuse_overlaps(const std::vector<DayInterval>& intervals, const std::vector<std::string>& pointers,
                     std::string_view what, std::vector<FieldFault>& faults);
/// True where both cover some day.
bool overlap(const DayInterval& a, const DayInterval& b);
/// "from 2026-01-01 until 2026-07-01".
std::string describe(const DayInterval& days);

}  // namespace voucherd::billing
