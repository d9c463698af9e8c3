#include "billing/audit/bundle_files.h"

#include <nlohmann/json.hpp>

#include "billing/audit/container.h"
#include "billing/audit/refused.h"
#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

std::string padded(std::uint64_t number, std::size_t digits) {
  const std::string text = std::to_string(number);
  VOUCHERD_ASSERT(text.size() <= digits);
  return std::string(digits - text.size(), '0') + text;
}

constexpr std::size_t position_digits = 20, index_digits = 8, number_digits = 6;

}  // namespace

std::string bundle_record(Position position) { return "records/" + padded(position, position_digits); }

std::string bundle_part(const std::string& folder, Position position, std::uint32_t index) {
  return folder + "/" + padded(position, position_digits) + "-" + padded(index, index_digits);
}

std::string bundle_earlier(Month month) { return "earlier/" + to_string(month) + ".json"; }

std::string bundle_events(Month month, std::uint32_t number) {
  return "events/" + to_string(month) + "/" + padded(number, number_digits) + ".bin";
}

std::string to_json(const BundleManifest& manifest) {
  return nlohmann::ordered_json{{"format", "voucherd bundle 1"},
                                {"firm", manifest.firm.value},
                                {"period", to_string(manifest.period)},
                                {"close", manifest.close},
                                {"tree_size", manifest.tree_size}}
      .dump();
}

BundleFiles::BundleFiles(std::string_view container) {
  const auto read = read_container(container);
  if (!read) throw Refused{"container", read.error().detail};
  for (const ContainerFile& file : *read) files_.emplace(file.name, file.bytes);
}

std::string_view BundleFiles::take(const std::string& name) {
  const std::string_view bytes = look_at(name);
  files_.erase(name);
  return bytes;
}

std::string_view BundleFiles::look_at(const std::string& name) const {
  const auto found = files_.find(name);
  refuse_unless(found != files_.end(), name, "is not in the bundle, or is needed twice");
  return found->second;
}

std::vector<std::string> BundleFiles::names(std::string_view beginning, std::string_view ending) const {
  std::vector<std::string> names;
  for (auto file = files_.lower_bound(beginning); file != files_.end(); ++file) {
    if (!file->first.starts_with(beginning)) break;
    if (file->first.ends_with(ending)) names.push_back(file->first);
  }
  return names;
}

void BundleFiles::refuse_others() const {
  refuse_unless(files_.empty(), files_.empty() ? "" : files_.begin()->first,
                "does not belong into this bundle");
}

}  // namespace voucherd::billing
