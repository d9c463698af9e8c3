// Figures and formulas are copied: nothing is computed here.
#include "daemon/ctl/explain_text.h"

#include <algorithm>
#include <map>

#include "daemon/ctl/text_output.h"
#include "daemon/ctl/usage_text.h"

namespace voucherd::ctl {

namespace {

using Align = TextTable::Align;

struct Both {
  std::string chinese, english;
};

/// What a step or a code is called; what is not in the table stays as it is.
Both words_of(const std::string& code) {
  static const std::map<std::string, Both> words{
      {"exact", {"数量 × 单价", "quantity × price"}},
      {"net", {"不含税金额", "net"}},
      {"tax", {"税额", "tax"}},
      {"gross", {"价税合计", "gross"}},
      {"payable", {"应付", "payable"}},
      {"refund", {"应退", "refund"}},
      {"limit", {"年度上限减其他中心", "cap less other centres"}},
      {"earned", {"比例 × 可补金额", "rate × eligible"}},
      {"capped", {"以上限为限", "within the cap"}},
      {"target", {"应补贴额（就高不重复）", "target, less other awards"}},
      {"this_statement", {"本期补贴", "this statement"}},
      {"policy_not_in_force", {"无有效政策", "no policy in force"}},
      {"sku_not_subsidised", {"不属补贴范围", "SKU not subsidised"}},
      {"related_party", {"关联方", "related party"}},
      {"firm_not_eligible", {"企业不符合条件", "firm not eligible"}},
      {"same_programme", {"同一项目其他中心", "same programme elsewhere"}},
      {"other_policy", {"其他同类政策", "other policy"}},
      {"open", {"未结账", "open"}},
      {"closed", {"已结账", "closed"}},
  };
  const auto found = words.find(code);
  return found == words.end() ? Both{code, code} : found->second;
}

std::string cell(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found == object.end() ? "–" : plain(*found);
}

const Json& part(const Json& object, const char* member) {
  static const Json nothing;
  const auto found = object.find(member);
  return found == object.end() ? nothing : *found;
}

/// A line in Chinese, and the same in English beneath it.
void add(std::string& out, const std::string& margin, const std::string& chinese,
         const std::string& english) {
  out += margin + chinese + "\n" + margin + english + "\n";
}

std::string indented(const std::string& text, const std::string& margin) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += margin + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

void add_steps(const Json& steps, const std::string& margin, std::string& out) {
  if (steps.empty()) return;
  TextTable table;
  table.add_column("项目", Align::left, "Item");
  table.add_column("算式", Align::left, "Formula");
  table.add_column("结果", Align::right, "Result");
  for (const Json& step : steps) {
    const bool refund = cell(step, "what") == "payable" && cell(step, "result").starts_with('-');
    const Both words = words_of(refund ? "refund" : cell(step, "what"));
    table.add_row({words.chinese + " " + words.english, cell(step, "formula"), cell(step, "result")});
  }
  out += indented(table.text(), margin);
}

void add_price(const Json& price, std::string& out) {
  if (!price.is_object()) return;
  const Json& book = part(price, "price_book");
  const bool inclusive = book.value("tax_inclusive", false);
  add(out, "  ",
      "价目表 " + cell(book, "version") + "，自 " + cell(book, "effective_from") + " 起执行，" +
          (inclusive ? "含税价" : "不含税价"),
      "Price book " + cell(book, "version") + ", in force from " + cell(book, "effective_from") +
          (inclusive ? ", prices include tax" : ", prices without tax"));
  const Json& contract = part(price, "contract");
  if (contract.is_object()) {
    const Json& discount = part(contract, "discount");
    add(out, "  ",
        "合同 " + cell(contract, "number") + "，" + cell(contract, "from") + " 至 " +
            cell(contract, "until") + (discount.is_null() ? "，合同价" : "，折扣 " + plain(discount)),
        "Contract " + cell(contract, "number") + ", from " + cell(contract, "from") + " until " +
            cell(contract, "until") +
            (discount.is_null() ? ", prices of its own" : ", discount " + plain(discount)));
  }
}

void add_eligible(const Json& charge, std::string& out) {
  for (const Json& eligible : part(charge, "eligible")) {
    const Json& policy = part(eligible, "policy");
    add(out, "  ",
        "可补贴 " + cell(eligible, "quantity") + "，金额 " + cell(eligible, "amount") + "：依据 " +
            cell(policy, "title") + "，" + cell(policy, "document") + "（" + cell(policy, "id") + "，" +
            cell(policy, "from") + " 至 " + cell(policy, "until") + " 前）",
        "Eligible: " + cell(eligible, "quantity") + ", amount " + cell(eligible, "amount") + " (" +
            cell(policy, "tax_basis") + ") under policy " + cell(policy, "id"));
    add_steps(part(eligible, "steps"), "    ", out);
  }
  for (const Json& reason : part(charge, "ineligible")) {
    const Both words = words_of(cell(reason, "code"));
    add(out, "  ", "不予补贴 " + cell(reason, "quantity") + "：" + words.chinese,
        "Not eligible: " + cell(reason, "quantity") + ", " + words.english);
  }
}

void add_days(const Json& charge, std::string& out) {
  TextTable table;
  table.add_column("日期", Align::left, "Day");
  table.add_column("数量", Align::right, "Quantity");
  table.add_column("补贴资格", Align::left, "Eligible");
  for (const Json& day : part(charge, "days")) {
    const Json& reason = part(day, "ineligible");
    const Both words = reason.is_null() ? Both{"可补", "yes"} : words_of(plain(reason));
    table.add_row({cell(day, "day"), cell(day, "quantity"), words.chinese + " " + words.english});
  }
  if (!table.empty()) {
    add(out, "  ", "每日用量", "Daily usage");
    out += indented(table.text(), "    ");
  }
}

void add_before(const Json& line, std::string& out) {
  const Json& before = part(line, "before");
  if (before.empty()) return;
  TextTable table;
  table.add_column("结算单", Align::left, "Statement");
  for (const auto& [name, english] : {std::pair{"数量", "Quantity"},
                                      {"不含税", "Net"},
                                      {"税额", "Tax"},
                                      {"价税合计", "Gross"},
                                      {"可补金额", "Eligible"}})
    table.add_column(name, Align::right, english);
  const auto row = [&](const std::string& what, const Json& figures) {
    table.add_row({what, cell(figures, "quantity"), cell(figures, "net"), cell(figures, "tax"),
                   cell(figures, "gross"), cell(figures, "eligible_amount")});
  };
  for (const Json& billed : before) row(cell(billed, "statement"), billed);
  row("本单调整 This statement", part(line, "figures"));
  row("合计 Together", part(line, "after"));
  add(out, "  ", "此前已计入的结算单与本单差额",
      "What was billed before, and the difference on this statement");
  out += indented(table.text(), "    ");
}

void add_events(const Json& line, std::string& out) {
  if (const Json& events = part(line, "first_events"); events.is_array() && !events.empty()) {
    add(out, "  ", "用量事件（最先 " + std::to_string(events.size()) + " 条）",
        "Usage events, the first " + std::to_string(events.size()));
    for (const Json& event : events) out += "    " + event_line(event) + "\n";
  }
  add(out, "  ", "全部事件 All events: GET " + cell(line, "events"), "  voucherctl events list --help");
}

void add_line(const Json& line, std::string& out) {
  const Json& figures = part(line, "figures");
  const Json& charge = part(line, "charge");
  const bool adjustment = line.value("adjustment", false);
  out += "\n";
  add(out, "",
      "第 " + cell(line, "line") + " 行：" + cell(line, "usage_month") + " " + cell(line, "sku_name") + "（" +
          cell(line, "sku") + "）" + (adjustment ? "，调整" : "") + "，数量 " + cell(figures, "quantity") +
          " " + cell(line, "unit") + "，不含税 " + cell(figures, "net") + "，税额 " + cell(figures, "tax") +
          "，合计 " + cell(figures, "gross"),
      "Line " + cell(line, "line") + (adjustment ? ", an adjustment" : "") + ": net " + cell(figures, "net") +
          ", tax " + cell(figures, "tax") + ", gross " + cell(figures, "gross") + ", eligible " +
          cell(figures, "eligible_amount"));
  add_before(line, out);
  add_price(part(charge, "price"), out);
  add_steps(part(charge, "steps"), "    ", out);
  add_eligible(charge, out);
  add_days(charge, out);
  add_events(line, out);
  if (!line.value("adds_up", true)) {
    add(out, "  ", "注意：按当时的用量和资料重算，与本单不一致，请联系维护人员。",
        "Attention: reckoned anew it differs from the statement; report this.");
  }
}

void add_year(const Json& year, std::string& out) {
  out += "\n";
  add(out, "",
      cell(year, "year") + " 年度补贴：累计可补金额 " + cell(year, "eligible_to_date") + "，应补贴 " +
          cell(year, "target") + "，此前已计 " + cell(year, "granted_before") + "，本期 " +
          cell(year, "this_statement") + "，剩余额度 " + cell(year, "remaining"),
      "Subsidy of " + cell(year, "year") + ": this statement " + cell(year, "this_statement") +
          ", remaining " + cell(year, "remaining") + " of the cap " + cell(year, "cap"));
  for (const Json& policy : part(year, "policies")) {
    add(out, "  ",
        "政策条款 " + cell(policy, "title") + "，" + cell(policy, "document") + "：比例 " +
            cell(policy, "rate") + "，每家企业每年上限 " + cell(policy, "annual_cap"),
        "Policy " + cell(policy, "id") + ": rate " + cell(policy, "rate") + ", annual cap " +
            cell(policy, "annual_cap") + ", eligible " + cell(policy, "eligible"));
  }
  for (const Json& award : part(year, "awards")) {
    const Both words = words_of(cell(award, "kind"));
    add(out, "  ", "外部补贴 " + cell(award, "id") + "（" + words.chinese + "）" + cell(award, "amount"),
        "External award " + cell(award, "id") + " (" + words.english + ") " + cell(award, "amount"));
  }
  add_steps(part(year, "steps"), "    ", out);
  for (const Json& granted : part(year, "granted")) {
    const bool open = part(granted, "statement").is_null();
    add(out, "  ",
        "此前已计 " + (open ? std::string("未结账月份") : cell(granted, "statement")) + "：" +
            cell(granted, "amount"),
        "Granted before, " + (open ? std::string("open months") : cell(granted, "statement")) + ": " +
            cell(granted, "amount"));
  }
  if (year.contains("remark")) out += "  " + cell(year, "remark") + "\n";
}

}  // namespace

std::string explain_text(const Json& explanation) {
  std::string out;
  const Json& firm = part(explanation, "firm");
  const Both state = words_of(cell(explanation, "state"));
  const Json& journal = part(explanation, "journal");
  add(out, "", "结算单 " + cell(explanation, "statement") + "，" + cell(firm, "name") + "，" + state.chinese,
      "Statement " + cell(explanation, "statement") + ", " + state.english + ", journal position " +
          cell(journal, "position"));
  for (const Json& line : part(explanation, "lines")) add_line(line, out);
  for (const Json& year : part(explanation, "subsidy")) add_year(year, out);
  out += "\n";
  add(out, "", "合计", "Totals");
  add_steps(part(explanation, "steps"), "  ", out);
  return out;
}

}  // namespace voucherd::ctl
