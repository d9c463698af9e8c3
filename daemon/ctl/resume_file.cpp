// The point is tied to the file by the hash of the last acknowledged block: an edited or
// rotated file under the same name does not match.
#include "daemon/ctl/resume_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "metering/proof/tree.h"

namespace voucherd::ctl {

namespace {

/// The hash of the block that ends at `offset`; nullopt where the file is shorter.
std::optional<std::string> block_hash(const std::string& file, std::uint64_t offset) {
  std::ifstream in(file, std::ios::binary);
  const std::uint64_t length = std::min(offset, resume_block_bytes);
  std::string block(length, '\0');
  in.seekg(static_cast<std::streamoff>(offset - length));
  in.read(block.data(), static_cast<std::streamsize>(length));
  if (!in) return std::nullopt;
  return to_hex(leaf_hash(block));
}

}  // namespace

ResumeFile::ResumeFile(std::string events_file)
    : events_file_(std::move(events_file)), path_(events_file_ + ".voucherctl-resume") {}

std::optional<ResumePoint> ResumeFile::load(const std::string& server) const {
  std::ifstream in(path_);
  const auto json = nlohmann::json::parse(in, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  ResumePoint point;
  std::string hash;
  try {
    point = {json.at("server"), json.at("offset"), json.at("lines"), json.at("position")};
    hash = json.at("block_sha256");
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
  if (point.server != server || block_hash(events_file_, point.offset) != hash) return std::nullopt;
  return point;
}

Result<void> ResumeFile::save(const ResumePoint& point) const {
  const auto hash = block_hash(events_file_, point.offset);
  if (!hash) return Fault{"file_changed", events_file_ + " became shorter while it was sent"};
  const nlohmann::ordered_json json{{"server", point.server},
                                    {"offset", point.offset},
                                    {"lines", point.lines},
                                    {"position", point.position},
                                    {"block_sha256", *hash}};
  const std::string fresh = path_ + ".new";
  {
    std::ofstream out(fresh, std::ios::trunc);
    out << json.dump() << '\n';
    out.close();
    if (!out) return Fault{"resume_failed", "can't write " + fresh};
  }
  std::error_code fault;
  std::filesystem::rename(fresh, path_, fault);
  if (fault) return Fault{"resume_failed", "can't write " + path_ + ": " + fault.message()};
  return {};
}

void ResumeFile::remove() const {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace voucherd::ctl
