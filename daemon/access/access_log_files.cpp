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

constexpr const char* not_a_line = "this is no line of an access log";
constexpr const char* never_on_disk =
    "there are zero bytes: the machine stopped before the lines that were written here had reached the disk";

/// What the line says of others that are not there; "": nothing.
std::string note_of(const ChainLink& link) {
  if (link.cut_off_bytes > 0) {
    return "the daemon was started after a crash, and cut off " + std::to_string(link.cut_off_bytes) +
           " bytes that were no whole line; where the machine had stopped, lines of its last second may be "
           "missing before this one";
  }
  if (link.event == "lost")
    return std::to_string(link.entries) +
           " lines could not be written before this one; what needed one was refused";
  if (link.event == "others_refused")
    return std::to_string(link.entries) + " more requests were refused than lines are written of in a second";
  return {};
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
      const std::string at = path + ":" + std::to_string(number) + ": ";
      const std::string fault = in.eof() ? "the line is cut off" : link(line, at);
      if (!fault.empty()) report_.fault = at + fault;
    }
    return {};
  }
  const ChainReport& report() const { return report_; }

 private:
  /// What is wrong with the line; "": nothing. `at` is where it stands.
  std::string link(const std::string& line, const std::string& at) {
    const auto found = read_chain_link(line);
    if (!found) return line.find('\0') == std::string::npos ? not_a_line : never_on_disk;
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
    if (const std::string note = note_of(*found); !note.empty()) report_.notes.push_back(at + note);
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
  ChainLink link{number->get<std::uint64_t>(), before->get<std::string>(), at->get<std::string>(), {}};
  const auto number_of = [&](const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
  };
  if (const auto event = json.find("event"); event != json.end() && event->is_string())
    link.event = event->get<std::string>();
  link.entries = number_of("entries");
  link.cut_off_bytes = number_of("cut_off_bytes");
  return link;
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
