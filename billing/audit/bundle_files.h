// The files of a bundle by their names, each used once: what is left over when all has been checked does not
// belong into it. FORMAT.md lists the names. Private to billing/audit and to who builds bundles.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "metering/core/ids.h"
#include "metering/core/time.h"
#include "metering/journal/journal.h"

namespace voucherd::billing {

/// An event file is full with this size; the record that fills it still belongs to it.
inline constexpr std::size_t event_file_bytes = 1u << 20;
inline constexpr std::size_t salt_bytes = 32;

inline constexpr const char* bundle_checkpoint = "checkpoint";
inline constexpr const char* bundle_manifest = "manifest.json";
inline constexpr const char* bundle_statement = "statement.json";
/// "records/00000000000000000012": with .leaf and .path.
std::string bundle_record(Position position);
/// "closes/00000000000000000012-00000003", "facts/…": with .part or .json, .path and .salt.
std::string bundle_part(const std::string& folder, Position position, std::uint32_t index);
/// "earlier/2026-02.json".
std::string bundle_earlier(Month month);
/// "events/2026-03/000001.bin"; numbers count from 1.
std::string bundle_events(Month month, std::uint32_t number);

struct BundleManifest {
  FirmId firm;
  Month period;
  Position close = 0;
  std::uint64_t tree_size = 0;
};
/// Canonical: equal manifests are equal bytes.
std::string to_json(const BundleManifest& manifest);

class BundleFiles {
 public:
  /// Throws Refused.
  explicit BundleFiles(std::string_view container);

  /// Throws Refused where there is none, or it was taken already.
  std::string_view take(const std::string& name);
  std::string_view look_at(const std::string& name) const;
  /// Names that are not taken yet and begin and end so, in order.
  std::vector<std::string> names(std::string_view beginning, std::string_view ending) const;
  /// Throws Refused unless every file was taken.
  void refuse_others() const;

 private:
  std::map<std::string, std::string_view, std::less<>> files_;
};

}  // namespace voucherd::billing
