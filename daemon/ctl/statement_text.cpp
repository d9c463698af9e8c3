// Figures are copied as text: nothing is computed here, so what is shown is what was billed.
#include "daemon/ctl/statement_text.h"

#include <map>

#include "daemon/ctl/text_output.h"

namespace voucherd::ctl {

namespace {

using Align = TextTable::Align;

std::string cell(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found == object.end() ? "–" : plain(*found);
}

Json part(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found == object.end() ? Json() : *found;
}

/// "closed" → "已结账 closed"; what is not in the table stays as it is.
std::string in_both(const std::string& word) {
  static const std::map<std::string, std::string> chinese{
      {"open", "未结账"},
      {"closed", "已结账"},
      {"reimburse", "先付后补"},
      {"deduct", "直接抵扣"},
      {"net", "不含税"},
      {"gross", "含税"},
      {"policy_not_in_force", "无有效政策"},
      {"sku_not_subsidised", "不属补贴范围"},
      {"related_party", "关联方"},
      {"firm_not_eligible", "企业不符合条件"},
  };
  const auto found = chinese.find(word);
  return found == chinese.end() ? word : found->second + " " + word;
}

void add_head(const Json& statement, std::string& out) {
  TextTable head;
  head.add_column("结算单 Statement");
  head.add_column(cell(statement, "statement"));
  std::string state = in_both(cell(statement, "state"));
  if (statement.contains("closed_at")) state += " " + cell(statement, "closed_at");
  const Json provider = part(statement, "provider"), firm = part(statement, "firm");
  head.add_row({"状态 State", state});
  head.add_row({"服务方 Provider", cell(provider, "name") + "  " + cell(provider, "uscc")});
  head.add_row({"企业 Firm", cell(firm, "name") + "  " + cell(firm, "uscc") + "  " + cell(firm, "district")});
  head.add_row({"政策 Policy", cell(statement, "policy") + "  比例 rate " + cell(statement, "rate") +
                                   "  计税口径 basis " + in_both(cell(statement, "tax_basis"))});
  head.add_row({"兑付方式 Settlement", in_both(cell(statement, "settlement"))});
  out += head.text();
}

void add_lines(const Json& lines, std::string& out) {
  if (!lines.is_array() || lines.empty()) return;
  TextTable table;
  table.add_column("用量月份", Align::left, "Usage month");
  table.add_column("资源", Align::left, "SKU");
  table.add_column("价目", Align::left, "Price book");
  table.add_column("合同", Align::left, "Contract");
  table.add_column("数量", Align::right, "Quantity");
  table.add_column("单位", Align::left, "Unit");
  table.add_column("单价", Align::right, "Unit price");
  table.add_column("不含税", Align::right, "Net");
  table.add_column("税额", Align::right, "Tax");
  table.add_column("价税合计", Align::right, "Gross");
  table.add_column("可补金额", Align::right, "Eligible");
  for (const auto& line : lines) {
    const bool adjustment = line.value("adjustment", false);
    table.add_row({cell(line, "usage_month") + (adjustment ? " 调整 adj." : ""), cell(line, "sku"),
                   cell(line, "price_book"), cell(line, "contract"), cell(line, "quantity"),
                   cell(line, "unit"), cell(line, "unit_price"), cell(line, "net"), cell(line, "tax"),
                   cell(line, "gross"), cell(line, "eligible_amount")});
  }
  out += "\n明细 Lines\n" + table.text();
}

void add_ineligible(const Json& lines, std::string& out) {
  if (!lines.is_array()) return;
  TextTable table;
  table.add_column("用量月份", Align::left, "Usage month");
  table.add_column("资源", Align::left, "SKU");
  table.add_column("不予补贴的数量", Align::right, "Not eligible");
  table.add_column("原因", Align::left, "Reason");
  for (const auto& line : lines) {
    for (const auto& taken_out : part(line, "ineligible")) {
      table.add_row({cell(line, "usage_month"), cell(line, "sku"), cell(taken_out, "quantity"),
                     in_both(cell(taken_out, "code"))});
    }
  }
  if (!table.empty()) out += "\n不予补贴 Not eligible\n" + table.text();
}

void add_unpriced(const Json& unpriced, std::string& out) {
  if (!unpriced.is_array() || unpriced.empty()) return;
  TextTable table;
  table.add_column("用量月份", Align::left, "Usage month");
  table.add_column("资源", Align::left, "SKU");
  table.add_column("数量", Align::right, "Quantity");
  table.add_column("单位", Align::left, "Unit");
  for (const auto& usage : unpriced) {
    table.add_row(
        {cell(usage, "usage_month"), cell(usage, "sku"), cell(usage, "quantity"), cell(usage, "unit")});
  }
  out += "\n未定价 Without a price\n" + table.text();
}

void add_subsidy(const Json& years, std::string& out) {
  if (!years.is_array() || years.empty()) return;
  TextTable table;
  table.add_column("年度", Align::left, "Year");
  table.add_column("累计可补金额", Align::right, "Eligible to date");
  table.add_column("测算补贴", Align::right, "Target");
  table.add_column("此前已计", Align::right, "Granted before");
  table.add_column("本期", Align::right, "This statement");
  table.add_column("上限", Align::right, "Cap");
  table.add_column("其他中心", Align::right, "Other centres");
  table.add_column("剩余额度", Align::right, "Remaining");
  for (const auto& year : years) {
    table.add_row({cell(year, "year"), cell(year, "eligible_to_date"), cell(year, "target"),
                   cell(year, "granted_before"), cell(year, "this_statement"), cell(year, "cap"),
                   cell(year, "other_centres"), cell(year, "remaining")});
  }
  out += "\n算力券补贴测算 Subsidy, calculated\n" + table.text();
}

void add_totals(const Json& statement, std::string& out) {
  const Json totals = part(statement, "totals");
  const bool refund = cell(totals, "payable").starts_with('-');
  TextTable table;
  table.add_column("合计 Totals");
  table.add_column(cell(statement, "currency"), Align::right);
  for (const auto& [member, title] : {std::pair{"net", "不含税 Net"},
                                      {"tax", "税额 Tax"},
                                      {"gross", "价税合计 Gross"},
                                      {"eligible", "可补金额 Eligible"},
                                      {"subsidy", "补贴 Subsidy"},
                                      {"payable", refund ? "应退 Refund" : "应付 Payable"}}) {
    table.add_row({title, cell(totals, member)});
  }
  out += "\n" + table.text();
  if (statement.contains("payable_in_words"))
    out += "大写 In words: " + cell(statement, "payable_in_words") + "\n";
}

}  // namespace

std::string statement_text(const Json& statement) {
  std::string out;
  const Json lines = part(statement, "lines");
  add_head(statement, out);
  add_lines(lines, out);
  add_ineligible(lines, out);
  add_unpriced(part(statement, "unpriced"), out);
  add_subsidy(part(statement, "subsidy"), out);
  add_totals(statement, out);
  return out;
}

}  // namespace voucherd::ctl
