// Rows → bodies of firms, as PUT takes them; the reader of those finds the faults, and each is told
// by the row and column that it comes from.
#include "billing/ledger/firm_csv.h"

#include <algorithm>
#include <array>

#include "billing/ledger/field_reader.h"

namespace voucherd::billing {
namespace {

using nlohmann::json;

struct Column {
  std::string_view member, chinese;
};
constexpr std::array<Column, 8> known_columns = {{{"uscc", "统一社会信用代码"},
                                                  {"name", "企业名称"},
                                                  {"district", "区县"},
                                                  {"category", "类别"},
                                                  {"from", "起始日期"},
                                                  {"until", "截止日期"},
                                                  {"basis", "认定依据"},
                                                  {"evidence_sha256", "证明材料SHA256"}}};
constexpr std::array<std::string_view, 5> interval_columns = {"category", "from", "until", "basis",
                                                              "evidence_sha256"};
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

std::string names_of_columns() {
  std::string names;
  for (const auto& column : known_columns) {
    names +=
        (names.empty() ? "" : ", ") + std::string(column.member) + " (" + std::string(column.chinese) + ")";
  }
  return names;
}

/// What is wrong with the bytes as text, and what to do; "" where they are UTF-8.
std::string encoding_fault(std::string_view text) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return "the file is UTF-16; save it as \"CSV UTF-8\", or convert it: iconv -f UTF-16 -t UTF-8";
  }
  if (text.find('\0') != std::string_view::npos) return "the file has zero bytes, so it is no CSV";
  const std::size_t good = utf8_prefix(text);
  if (good == text.size()) return {};
  const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(good), '\n') + 1;
  return "line " + std::to_string(line) +
         " is not UTF-8. Excel's plain CSV is GB18030 (GBK) on a Chinese Windows: save the file as \"CSV "
         "UTF-8\", "
         "or convert it: iconv -f GB18030 -t UTF-8 FILE.csv";
}

std::string trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return std::string(text);
}

json body_of_known(const Facts& known, const std::string& uscc) {
  const auto firm = known.firms.find(FirmId{uscc});
  if (firm == known.firms.end()) return json::object();
  const json shown = show_fact(firm->second);
  return {{"related_party", shown["related_party"]}, {"predecessors", shown["predecessors"]}};
}

}  // namespace

/// A row's fields by member; empty where the file has no such column.
struct FirmCsv::Row {
  std::size_t number = 0;
  std::map<std::string, std::string, std::less<>> fields;
  const std::string& operator[](std::string_view member) const { return fields.find(member)->second; }
};

FirmCsv::FirmCsv(std::string_view text, const Facts& known) {
  if (std::string wrong = encoding_fault(text); !wrong.empty()) {
    faults_.push_back({"", std::move(wrong)});
    return;
  }
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  const auto rows = split_csv(text, faults_);
  if (rows.empty()) {
    faults_.push_back({"", "the file is empty; its first row names the columns: " + names_of_columns()});
    return;
  }
  if (!read_names(rows.front().fields)) return;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const auto& given = rows[i].fields;
    ++rows_;
    if (given.size() != rows.front().fields.size()) {
      faults_.push_back({"row " + std::to_string(rows[i].number),
                         "has " + std::to_string(given.size()) + " fields; the first row names " +
                             std::to_string(rows.front().fields.size()) + " columns"});
      continue;
    }
    Row row{rows[i].number, {}};
    for (const auto& known_column : known_columns) {
      const auto place = columns_.find(known_column.member);
      row.fields.emplace(known_column.member, place == columns_.end() ? "" : trimmed(given[place->second]));
    }
    add_row(row, known);
  }
  if (rows_ == 0) faults_.push_back({"", "there is no row below the columns' names"});
  check_bodies();
}

bool FirmCsv::read_names(const std::vector<std::string>& names) {
  const std::size_t faults_before = faults_.size();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string name = trimmed(names[i]);
    const auto* column = std::find_if(known_columns.begin(), known_columns.end(), [&](const Column& each) {
      return name == each.member || name == each.chinese;
    });
    if (column == known_columns.end()) {
      faults_.push_back({"row 1, column " + std::to_string(i + 1),
                         "\"" + name + "\" is no column; there are " + names_of_columns()});
    } else if (!columns_.emplace(column->member, i).second) {
      faults_.push_back({"row 1, column " + std::to_string(i + 1), "\"" + name + "\" stands twice"});
    } else {
      names_.emplace(column->member, name);
    }
  }
  for (const std::string_view needed : {"uscc", "name"}) {
    if (!columns_.contains(needed)) {
      faults_.push_back(
          {"row 1", "the column " + std::string(needed) + " is missing; there are " + names_of_columns()});
    }
  }
  return faults_.size() == faults_before;
}

std::string FirmCsv::column(std::string_view member) const {
  const auto name = names_.find(member);
  return "column " + (name == names_.end() ? std::string(member) : name->second);
}

void FirmCsv::add_row(const Row& row, const Facts& known) {
  const std::string& uscc = row["uscc"];
  const auto [entry, is_new] = change_of_.try_emplace(uscc, changes_.size());
  if (is_new) {
    json body = body_of_known(known, uscc);
    body["name"] = row["name"];
    body["district"] = row["district"];
    body["eligibility"] = json::array();
    changes_.push_back({FactKind::firm, uscc, std::move(body)});
    places_.push_back({row.number, {}});
  }
  json& body = changes_[entry->second].body;
  Places& places = places_[entry->second];
  for (const std::string_view member : {"name", "district"}) {
    if (row[member] == body[std::string(member)] || (!is_new && row[member].empty())) continue;
    faults_.push_back({"row " + std::to_string(row.number) + ", " + column(member),
                       "\"" + row[member] + "\" differs from row " + std::to_string(places.first_row) +
                           ", which has the same firm"});
  }
  const bool has_interval = std::any_of(interval_columns.begin(), interval_columns.end(),
                                        [&](std::string_view member) { return !row[member].empty(); });
  if (!has_interval) return;
  json interval = {{"category", row["category"]}, {"from", row["from"]}, {"until", nullptr}};
  if (!row["until"].empty()) interval["until"] = row["until"];
  interval["basis"] = row["basis"];
  interval["evidence_sha256"] = row["evidence_sha256"];
  body["eligibility"].push_back(std::move(interval));
  places.interval_rows.push_back(row.number);
}

void FirmCsv::check_bodies() {
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    std::vector<FieldFault> own;
    read_fact(FactKind::firm, changes_[i].key, changes_[i].body, own);
    for (auto& fault : own) faults_.push_back({place(places_[i], fault.pointer), std::move(fault.detail)});
  }
}

/// "/eligibility/1/from" is the second interval's row and the column from.
std::string FirmCsv::place(const Places& places, std::string_view pointer) const {
  constexpr std::string_view intervals = "/eligibility/";
  std::size_t row = places.first_row;
  std::string member = pointer.empty() ? "uscc" : std::string(pointer.substr(1));
  if (pointer.starts_with(intervals)) {
    pointer.remove_prefix(intervals.size());
    const std::size_t slash = std::min(pointer.find('/'), pointer.size());
    std::size_t index = 0;
    for (const char digit : pointer.substr(0, slash))
      index = index * 10 + static_cast<std::size_t>(digit - '0');
    if (index < places.interval_rows.size()) row = places.interval_rows[index];
    member = slash < pointer.size() ? std::string(pointer.substr(slash + 1)) : "from";
  }
  return "row " + std::to_string(row) + ", " + column(member);
}

std::vector<FieldFault> FirmCsv::located(const std::vector<FieldFault>& judged) const {
  std::vector<FieldFault> out;
  for (const auto& fault : judged) {
    std::string_view pointer = fault.pointer;
    std::size_t change = 0;
    if (changes_.size() > 1) {
      const std::size_t slash = pointer.find('/', 1);
      const std::string_view index = pointer.substr(std::min<std::size_t>(1, pointer.size()), slash - 1);
      const bool digits = !index.empty() && std::all_of(index.begin(), index.end(),
                                                        [](char c) { return c >= '0' && c <= '9'; });
      if (!digits) {
        out.push_back(fault);  // of the call as a whole, like /reason
        continue;
      }
      for (const char digit : index) change = change * 10 + static_cast<std::size_t>(digit - '0');
      pointer = slash == std::string_view::npos ? std::string_view() : pointer.substr(slash);
    } else if (pointer == "/reason") {
      out.push_back(fault);
      continue;
    }
    if (change >= places_.size()) continue;
    out.push_back({place(places_[change], pointer), fault.detail});
  }
  return out;
}

}  // namespace voucherd::billing
