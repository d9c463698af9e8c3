// Identifiers, each a type of its own, so that a firm can't be passed where a SKU
// is wanted; and the check of the 统一社会信用代码 (rules §9).
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "metering/core/result.h"

namespace voucherd {

template <class Tag>
struct Id {
  std::string value;
  Id() = default;
  explicit Id(std::string v) : value(std::move(v)) {}
  explicit Id(std::string_view v) : value(v) {}
  explicit Id(const char* v) : value(v) {}
  bool empty() const { return value.empty(); }
  friend auto operator<=>(const Id&, const Id&) = default;
  friend bool operator==(const Id&, const Id&) = default;
};

using FirmId = Id<struct FirmTag>;                 // a 统一社会信用代码
using SkuId = Id<struct SkuTag>;                   // "gpu.a800"
using ProjectId = Id<struct ProjectTag>;           // a label; empty: usage without a project
using PriceBookVersion = Id<struct PriceBookTag>;  // "2026-q1"
using ContractNumber = Id<struct ContractTag>;     // empty: no contract (list price)
using PolicyId = Id<struct PolicyTag>;             // "cq-2025-12"
using AwardId = Id<struct AwardTag>;

inline constexpr std::size_t event_source_bytes_max = 256;
inline constexpr std::size_t event_id_bytes_max = 256;
inline constexpr std::size_t event_label_bytes_max = 128;  // sku, project, node, job
inline constexpr std::size_t event_reason_bytes_max = 1024;

/// GB 32100-2015: 18 characters of its alphabet and a right check character.
/// Fault "uscc_malformed" or "uscc_check_character" (the detail gives the right one).
Result<void> check_uscc(std::string_view text);
/// The same as a bool, without building a text: for the hot path.
bool is_uscc(std::string_view text);

}  // namespace voucherd

template <class Tag>
struct std::hash<voucherd::Id<Tag>> {
  std::size_t operator()(const voucherd::Id<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.value);
  }
};
