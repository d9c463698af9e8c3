// Loops over the rows: TOML in, faults out, sample and reference out.
#include "config/table.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <sstream>

#include <toml++/toml.h>

#include "config/address.h"
#include "config/rows.h"

namespace voucherd::config {
namespace {

class FileReader {
 public:
  explicit FileReader(const std::string& file_name) : file_name_(file_name) {}

  Parsed read(const toml::table& root) {
    for (const auto& [key, node] : root) {
      const std::string section(key.str());
      if (!is_section(section)) {
        fault(key.source(), section, "is unknown; the sections are " + section_names());
      } else if (const auto* table = node.as_table()) {
        read_section(section, *table);
      } else {
        fault(key.source(), section, "must be a section: [" + section + "]");
      }
    }
    return std::move(parsed_);
  }

 private:
  void read_section(const std::string& section, const toml::table& table) {
    for (const auto& [key, node] : table) {
      const auto all = rows();
      const auto row =
          std::find_if(all.begin(), all.end(), [&, name = std::string_view(key.str())](const Row& r) {
            return r.section == section && r.key == name;
          });
      if (row == all.end()) {
        fault(key.source(), section + "." + std::string(key.str()),
              "is unknown; [" + section + "] has " + key_names(section));
      } else {
        read_value(*row, node);
      }
    }
  }

  void read_value(const Row& row, const toml::node& node) {
    // On a copy: a wrong value leaves the default, so that check() does not report it again.
    Options changed = parsed_.options;
    if (const auto wrong = assign(row, node, changed)) return fault(node.source(), name_of(row), *wrong);
    if (const auto wrong = fault_of(row, changed)) return fault(node.source(), name_of(row), *wrong);
    parsed_.options = std::move(changed);
  }

  static std::optional<std::string> assign(const Row& row, const toml::node& node, Options& options) {
    const auto wrong_type = [&] { return "is " + describe(node) + "; it must be " + expectation(row); };
    if (const auto* number = std::get_if<NumberField>(&row.field)) {
      const auto value = node.value_exact<std::int64_t>();
      if (!value) return wrong_type();
      if (*value < 0) return "is " + std::to_string(*value) + "; it must be " + expectation(row);
      options.*number->member = static_cast<std::uint64_t>(*value);
      return std::nullopt;
    }
    if (const auto* texts = std::get_if<TextsField>(&row.field)) {
      const auto* list = node.as_array();
      if (list == nullptr) return wrong_type();
      std::vector<std::string> values;
      for (const auto& each : *list) {
        auto value = each.value_exact<std::string>();
        if (!value) return "holds " + describe(each) + "; it must be " + expectation(row);
        values.push_back(std::move(*value));
      }
      options.*texts->member = std::move(values);
      return std::nullopt;
    }
    if (const auto* flag = std::get_if<FlagField>(&row.field)) {
      const auto value = node.value_exact<bool>();
      if (!value) return wrong_type();
      options.*flag->member = *value;
      return std::nullopt;
    }
    auto value = node.value_exact<std::string>();
    if (!value) return wrong_type();
    if (const auto* text = std::get_if<TextField>(&row.field)) {
      options.*text->member = std::move(*value);
      return std::nullopt;
    }
    const auto offset = parse_utc_offset(*value);
    if (!offset) return "is '" + *value + "'; it must be " + expectation(row);
    options.*std::get<OffsetField>(row.field).member = *offset;
    return std::nullopt;
  }

  static std::string describe(const toml::node& node) {
    switch (node.type()) {
      case toml::node_type::table:
        return "a section";
      case toml::node_type::array:
        return "a list";
      case toml::node_type::string:
        return "a text";
      case toml::node_type::integer:
        return "a whole number";
      case toml::node_type::floating_point:
        return "a number with a fraction";
      case toml::node_type::boolean:
        return "true or false";
      default:
        return "a date or time";
    }
  }

  static bool is_section(std::string_view name) {
    const auto all = rows();
    return std::any_of(all.begin(), all.end(), [&](const Row& row) { return row.section == name; });
  }
  static std::string section_names() {
    std::string names;
    std::string_view last;
    for (const Row& row : rows()) {
      if (row.section == last) continue;
      last = row.section;
      names.append(names.empty() ? "[" : ", [").append(row.section).append("]");
    }
    return names;
  }
  static std::string key_names(std::string_view section) {
    std::string names;
    for (const Row& row : rows()) {
      if (row.section == section) names.append(names.empty() ? "" : ", ").append(row.key);
    }
    return names;
  }

  void fault(const toml::source_region& where, const std::string& name, const std::string& what) {
    parsed_.faults.push_back(file_name_ + ":" + std::to_string(where.begin.line) + ": " + name + " " + what);
  }

  std::string file_name_;
  Parsed parsed_;
};

/// "file:12: " faults in the order of their lines: toml++ walks tables in the order of their keys.
void sort_by_line(std::vector<std::string>& faults, std::size_t file_name_bytes) {
  const auto line = [&](const std::string& fault) { return std::stoul(fault.substr(file_name_bytes + 1)); };
  std::stable_sort(faults.begin(), faults.end(),
                   [&](const std::string& a, const std::string& b) { return line(a) < line(b); });
}

/// What others can reach is neither read by all on its way nor open to whoever asks.
void check_reachable(const char* key, const std::string& listen, const Options& options,
                     std::vector<std::string>& faults) {
  const auto address = parse_address(listen);
  if (!address || address->loopback) return;
  const std::string reached = std::string(key) + " is '" + listen + "', which others can reach: ";
  if (options.certificate_file.empty()) {
    faults.push_back(reached + "set tls.certificate_file and tls.key_file, or listen on 127.0.0.1 or [::1]");
  }
  if (!options.access_required) {
    faults.push_back(reached + "set access.required = true, or listen on 127.0.0.1 or [::1]");
  }
}

}  // namespace

Parsed parse(std::string_view toml, const std::string& file_name) {
  try {
    Parsed parsed = FileReader(file_name).read(toml::parse(toml));
    sort_by_line(parsed.faults, file_name.size());
    return parsed;
  } catch (const toml::parse_error& error) {
    const auto line = std::to_string(error.source().begin.line);
    return {{}, {file_name + ":" + line + ": is not TOML: " + std::string(error.description())}};
  }
}

Parsed parse_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 4096> piece{};
  while (file.read(piece.data(), piece.size()) || file.gcount() > 0) {
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof()) {  // never opened, a directory, or a read that failed half-way
    return {{}, {path + ": cannot be read; name a readable file, or none to run with the defaults"}};
  }
  return parse(text, path);
}

std::vector<std::string> check(const Options& options) {
  std::vector<std::string> faults;
  for (const Row& row : rows()) {
    if (const auto wrong = fault_of(row, options)) faults.push_back(name_of(row) + " " + *wrong);
  }
  const auto api = parse_address(options.api), admin = parse_address(options.admin);
  if (api && admin && api->port != 0 && api->ip == admin->ip && api->port == admin->port) {
    faults.push_back("listen.admin is '" + options.admin +
                     "', which listen.api has; give it a port of its own");
  }
  check_reachable("listen.api", options.api, options, faults);
  check_reachable("listen.admin", options.admin, options, faults);
  const auto set = [](const std::string& file) { return !file.empty(); };
  if (set(options.certificate_file) != set(options.key_file)) {
    faults.push_back("tls.certificate_file and tls.key_file go together: set both, or neither for no TLS");
  }
  if (set(options.client_ca_file) && !set(options.certificate_file)) {
    faults.push_back("tls.client_ca_file is set without TLS: set tls.certificate_file and tls.key_file too");
  }
  if (options.require_client_certificate && !set(options.client_ca_file)) {
    faults.push_back("tls.require_client_certificate is true: set tls.client_ca_file, which says whose");
  }
  if (options.queue_bytes_max < options.body_bytes_max) {
    faults.push_back("limits.queue_bytes_max is " + std::to_string(options.queue_bytes_max) +
                     "; it must be at least limits.body_bytes_max, " +
                     std::to_string(options.body_bytes_max) + ", or the largest body could never be taken");
  }
  return faults;
}

std::string sample_file() {
  const Options defaults;
  std::ostringstream out;
  out << "# voucherd's configuration, with every key at its default: a key that is left out keeps it.\n"
         "# `voucherd --config FILE --check` prints everything that is wrong. --listen, --admin-listen\n"
         "# and --data override the file.\n";
  std::string_view section;
  for (const Row& row : rows()) {
    if (row.section != section) out << "\n[" << row.section << "]\n";
    section = row.section;
    out << "# " << row.comment << "\n" << row.key << " = " << toml_value(row, defaults) << "\n";
  }
  return out.str();
}

std::string reference_markdown(Language language) {
  const bool chinese = language == Language::chinese;
  const Options defaults;
  std::ostringstream out;
  out << (chinese ? "| 配置项 | 默认值 | 说明 |\n" : "| key | default | what it is |\n") << "|---|---|---|\n";
  for (const Row& row : rows()) {
    out << "| `" << name_of(row) << "` | `" << toml_value(row, defaults) << "` | "
        << (chinese ? row.comment_zh : row.comment);
    if (const auto* number = std::get_if<NumberField>(&row.field)) {
      out << (chinese ? "取值 " : " From ") << number->min << (chinese ? " 到 " : " to ") << number->max
          << (chinese ? "。" : ".");
    }
    out << " |\n";
  }
  return out.str();
}

}  // namespace voucherd::config
