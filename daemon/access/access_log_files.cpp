// Names, and the chain from line to line.
#include "daemon/access/access_log_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "daemon/access/token_text.h"

namespace voucherd::access {

namespace {

constexpr std::string_view name_begin = "access-", name_end = ".jsonl";

std::optional<LocalDay> day_of(const std::string& name) {
  if (!name.starts_with(name_begin) || !name.ends_with(name_end)) return std::nullopt;
  const auto day = parse_day(
      std::string_view(name).substr(name_begin.size(), name.size() - name_begin.size() - name_end.size()));
  if (!day) return std::nullopt;
  return *day;
}

/// Follows the lines of one file after another.
class ChainCheck {
 public:
  Result<void> file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Fault{"file_unreadable", "can't open " + path};
    std::uint64_t number = 0;
    for (std::string line; report_.fault.empty() && std::getline(in, line);) {
      ++number;
      const std::string fault = in.eof() ? "the line is cut off" : link(line);
      if (!fault.empty()) report_.fault = path + ":" + std::to_string(number) + ": " + fault;
    }
    return {};
  }
  const ChainReport& report() const { return report_; }

 private:
  /// What is wrong with the line; "": nothing.
  std::string link(const std::string& line) {
    const auto found = read_chain_link(line);
    if (!found) return "this is no line of an access log";
    if (report_.last == 0) {
      report_.first = found->number;
      report_.first_at = found->at;
      if (found->number == 1 && found->before != ChainEnd{}.sha256)
        return "the first line names one before it";
    } else if (found->number != report_.last + 1) {
      return "line " + std::to_string(found->number) + " follows line " + std::to_string(report_.last);
    } else if (found->before != report_.sha256) {
      return "the line before is not the one that was written there";
    }
    report_.last = found->number;
    report_.last_at = found->at;
    report_.sha256 = sha256_hex(line);
    return {};
  }

  ChainReport report_;
};

}  // namespace

std::string access_log_path(const std::string& directory, LocalDay day) {
  return directory + "/" + std::string(name_begin) + to_string(day) + std::string(name_end);
}

Result<std::vector<AccessLogFile>> access_log_files(const std::string& directory) {
  std::vector<AccessLogFile> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (const auto day = day_of(entry->path().filename().string()))
      files.push_back({*day, entry->path().string()});
  }
  if (error) return Fault{"access_log_failed", directory + " can't be listed: " + error.message()};
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.day < b.day; });
  return files;
}

std::optional<ChainLink> read_chain_link(std::string_view line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto number = json.find("line"), before = json.find("before"), at = json.find("at");
  if (number == json.end() || !number->is_number_unsigned() || *number == 0) return std::nullopt;
  if (before == json.end() || !before->is_string() || at == json.end() || !at->is_string())
    return std::nullopt;
  return ChainLink{number->get<std::uint64_t>(), before->get<std::string>(), at->get<std::string>()};
}

Result<ChainReport> check_access_log(const std::vector<std::string>& files) {
  ChainCheck check;
  for (const std::string& path : files) {
    if (auto read = check.file(path); !read) return read.error();
    if (!check.report().fault.empty()) break;
  }
  return check.report();
}

}  // namespace voucherd::access
