// Names of files → bodies of facts → changes. A file's path and digest go into each change's origin, so
// that the facts' histories say what a file said last; that is all that an import has to remember.
#include "daemon/imports/fact_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "metering/proof/sha256.h"

namespace voucherd {

namespace {

namespace fs = std::filesystem;
using billing::FactKind;
using nlohmann::json;

constexpr const char* file_actor = "file";
constexpr const char* settings_key = "settings";

/// Parses without taking the last of two members of one name for the only one.
std::optional<std::string> parse_strictly(const std::string& text, json& out) {
  std::vector<std::set<std::string>> members;
  std::string twice;
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) members.emplace_back();
    if (event == json::parse_event_t::object_end) members.pop_back();
    if (event == json::parse_event_t::key && !members.back().insert(parsed.get<std::string>()).second) {
      twice = parsed.get<std::string>();
    }
    return true;
  };
  try {
    out = json::parse(text, watch);
  } catch (const json::parse_error& error) {
    return "is not JSON: " + std::string(error.what());
  }
  if (!twice.empty()) return "has the member " + twice + " twice in one object";
  if (!out.is_object()) return "must hold a JSON object";
  return std::nullopt;
}

/// The files that a name of the configuration stands for, in order.
std::vector<std::string> files_of(const std::string& name, std::vector<std::string>& faults) {
  std::error_code error;
  if (!fs::is_directory(name, error)) return {name};
  std::vector<std::string> files;
  fs::recursive_directory_iterator entry(name, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const bool hidden = entry->path().filename().string().starts_with('.');
    if (hidden) entry.disable_recursion_pending();
    if (!hidden && entry->path().extension() == ".json") files.push_back(entry->path().string());
  }
  if (error) faults.push_back(name + ": can't be read: " + error.message());
  std::sort(files.begin(), files.end());
  return files;
}

class Reader {
 public:
  FactFiles read(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      for (const std::string& file : files_of(name, out_.faults)) read_file(file);
    }
    return std::move(out_);
  }

 private:
  void fault(std::string_view what) { out_.faults.push_back(file_ + ": " + std::string(what)); }

  void read_file(const std::string& file) {
    ++out_.files;
    file_ = file;
    // A pipe or a device would hold up the daemon, or never end.
    std::error_code error;
    if (!fs::is_regular_file(file, error))
      return fault("is no file that can be read; name files and folders that exist");
    if (fs::file_size(file, error) > fact_file_bytes_max) {
      return fault("has over " + std::to_string(fact_file_bytes_max) + " bytes");
    }
    std::ifstream in(file, std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();  // fails on an empty file, which is not JSON
    if (!in.is_open() || in.bad()) return fault("can't be read; check its permissions");
    const std::string text = std::move(bytes).str();
    digest_ = to_hex(sha256(text));
    json whole;
    if (const auto wrong = parse_strictly(text, whole)) return fault(*wrong);
    reason_.clear();
    take_reason(whole, "");
    const fs::path path(file);
    if (path.filename() == "settings.json") return add(FactKind::settings, settings_key, "", whole);
    if (const auto kind = billing::fact_kind_of_path(path.parent_path().filename().string())) {
      return add(*kind, path.stem().string(), "", whole);
    }
    read_many(whole);
  }

  /// Moves a member `reason` out of the body into reason_.
  void take_reason(json& body, const std::string& pointer) {
    const auto given = body.find("reason");
    if (given == body.end()) return;
    if (given->is_string()) {
      reason_ = given->get<std::string>();
    } else {
      fault(pointer + "/reason: must be a string");
    }
    body.erase(given);
  }

  void read_many(const json& whole) {
    const std::string reason_of_all = reason_;
    for (const auto& [name, value] : whole.items()) {
      const auto kind = billing::fact_kind_of_path(name);
      if (!kind) {
        fault("/" + name +
              ": is no kind of facts; there are firms, skus, price-books, contracts, policies, "
              "external-awards and settings");
      } else if (!value.is_object()) {
        fault("/" + name + ": must be an object of bodies by key");
      } else if (*kind == FactKind::settings) {
        add(*kind, settings_key, "/settings", value);
      } else {
        for (const auto& [key, given] : value.items()) {
          json body = given;
          reason_ = reason_of_all;
          if (body.is_object()) take_reason(body, "/" + name + "/" + key);
          add(*kind, key, "/" + name + "/" + key, body);
        }
      }
    }
  }

  void add(FactKind kind, const std::string& key, const std::string& pointer, const json& body) {
    std::vector<billing::FieldFault> faults;
    read_fact(kind, key, body, faults);
    for (const auto& each : faults) {
      const std::string where = pointer + each.pointer;
      fault((where.empty() ? "" : where + ": ") + each.detail);
    }
    const auto [known, is_new] = seen_.try_emplace({kind, key}, file_);
    if (!is_new)
      fault((pointer.empty() ? "" : pointer + ": ") + "the same fact stands in " + known->second + " too");
    const billing::Actor who{file_actor, file_ + " sha256:" + digest_};
    out_.facts.push_back({file_, digest_, pointer, {kind, key, body, billing::Origin{who, reason_}}});
  }

  FactFiles out_;
  std::string file_, digest_, reason_;
  std::map<std::pair<FactKind, std::string>, std::string> seen_;  // and the file
};

/// What the file said of the fact at its last import; nullptr: it never said anything.
const nlohmann::ordered_json* last_said(const FileFact& fact, const billing::Ledger& ledger) {
  const auto* versions = ledger.history(fact.change.kind, fact.change.key);
  if (versions == nullptr) return nullptr;
  const std::string prefix = fact.file + " sha256:";
  for (auto version = versions->rbegin(); version != versions->rend(); ++version) {
    if (version->by.kind == file_actor && version->by.id.starts_with(prefix)) return &version->shown;
  }
  return nullptr;
}

}  // namespace

FactFiles read_fact_files(const std::vector<std::string>& names) { return Reader().read(names); }

std::vector<FileFact> changed_since_import(std::vector<FileFact> facts, const billing::Ledger& ledger) {
  std::erase_if(facts, [&](const FileFact& fact) {
    std::vector<billing::FieldFault> faults;
    const auto read = read_fact(fact.change.kind, fact.change.key, fact.change.body, faults);
    const auto* said = last_said(fact, ledger);
    return read && said != nullptr && *said == show_fact(*read);
  });
  return facts;
}

std::vector<std::string> told_by_file(const billing::Refusal& refusal, const std::vector<FileFact>& facts) {
  std::vector<std::string> told;
  for (const auto& fault : refusal.faults) {
    std::string_view pointer = fault.pointer;
    std::size_t index = 0;
    if (facts.size() > 1) {
      std::size_t at = 1;
      for (; at < pointer.size() && pointer[at] >= '0' && pointer[at] <= '9'; ++at) {
        index = index * 10 + static_cast<std::size_t>(pointer[at] - '0');
      }
      if (at <= 1) {
        told.push_back(fault.detail);  // of the import as a whole: a reason that is missing
        continue;
      }
      pointer.remove_prefix(at);
    }
    const std::string where = facts[index].pointer + std::string(pointer);
    told.push_back(facts[index].file + ": " + (where.empty() ? "" : where + ": ") + fault.detail);
  }
  if (told.empty()) told.push_back(refusal.detail);
  return told;
}

}  // namespace voucherd
