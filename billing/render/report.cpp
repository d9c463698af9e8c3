// What stands in which table. Nothing is computed: the figures are the JSON's.
#include "billing/render/report.h"

#include <initializer_list>

#include "billing/render/csv_writer.h"

namespace voucherd::billing {

namespace {

using Json = nlohmann::ordered_json;
using Kind = ReportCell::Kind;

/// A column and the member that it shows.
struct Shown {
  const char* member;
  const char* heading;
  Kind kind;
};

std::string text_of(const Json& value) {
  if (value.is_null()) return {};
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::vector<ReportCell> row_of(const Json& object, const std::vector<Shown>& columns) {
  std::vector<ReportCell> row;
  row.reserve(columns.size());
  for (const Shown& column : columns) row.push_back({text_of(object.at(column.member)), column.kind});
  return row;
}

ReportTable table_of(const char* name, const Json& objects, const std::vector<Shown>& columns) {
  ReportTable table;
  table.name = name;
  for (const Shown& column : columns) table.headings.emplace_back(column.heading);
  for (const Json& object : objects) table.rows.push_back(row_of(object, columns));
  return table;
}

std::vector<Shown> behind(std::initializer_list<Shown> first, const std::vector<Shown>& others) {
  std::vector<Shown> all = first;
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

/// What is not closed counts as made when its time begins, so that equal figures are equal bytes.
Instant instant_of(Month month) { return start_of(first_day(month), UtcOffset{}); }

/// Two columns: what it is called and what it is.
class Overview {
 public:
  explicit Overview(const char* name) {
    table_.name = name;
    table_.headings = {"项目 Item", "数值 Value"};
  }
  void add(const char* label, const Json& value, Kind kind) {
    table_.rows.push_back({{label, Kind::word}, {text_of(value), kind}});
  }
  ReportTable take() { return std::move(table_); }

 private:
  ReportTable table_;
};

const std::vector<Shown> totals_columns = {
    {"net", "不含税金额 Net", Kind::amount},
    {"tax", "税额 Tax", Kind::amount},
    {"gross", "价税合计 Gross", Kind::amount},
    {"eligible", "可补贴金额 Eligible", Kind::amount},
    {"subsidy", "补贴 Subsidy", Kind::amount},
    {"payable", "应付（负为应退） Payable (negative: refund)", Kind::amount},
};
const std::vector<Shown> sums_columns = {
    {"firms", "企业数 Firms", Kind::figure},
    {"firms_with_subsidy", "有补贴企业数 With subsidy", Kind::figure},
    {"card_hours", "卡时 Card hours", Kind::figure},
    {"eligible_card_hours", "可补贴卡时 Eligible card hours", Kind::figure},
    {"net", "不含税金额 Net", Kind::amount},
    {"eligible", "可补贴金额 Eligible", Kind::amount},
    {"subsidy", "补贴 Subsidy", Kind::amount},
    {"forecast", "年末预测 Forecast", Kind::amount},
};

ReportTable summary_totals(const Json& summary) {
  Json totals = Json::array({summary.at("totals")});
  totals[0]["period"] = summary.at("period");
  totals[0]["state"] = summary.at("state");
  totals[0]["provider"] = summary.at("provider").at("name");
  return table_of("合计 Totals", totals,
                  behind({{"period", "账期 Period", Kind::word},
                          {"state", "状态 State", Kind::word},
                          {"provider", "服务机构 Provider", Kind::text},
                          {"statements", "结算单数 Statements", Kind::figure}},
                         totals_columns));
}

ReportTable programme_overview(const Json& programme) {
  Overview overview("总览 Overview");
  overview.add("年度 Year", programme.at("year"), Kind::word);
  overview.add("截至 As of", programme.at("as_of"), Kind::word);
  overview.add("政策预算 Budget", programme.at("budget"), Kind::amount);
  overview.add("已测算补贴 Subsidy calculated", programme.at("subsidy"), Kind::amount);
  overview.add("其中已结账 Granted on closed statements", programme.at("granted"), Kind::amount);
  overview.add("其中未结账 Open", programme.at("open"), Kind::amount);
  overview.add("预算使用率 Budget used", programme.at("budget_used"), Kind::figure);
  overview.add("预算余额 Budget left", programme.at("budget_left"), Kind::amount);
  const Json& firms = programme.at("firms");
  overview.add("有用量企业数 Firms with usage", firms.at("with_usage"), Kind::figure);
  overview.add("可补贴企业数 Eligible firms", firms.at("eligible"), Kind::figure);
  overview.add("有补贴企业数 Firms with subsidy", firms.at("with_subsidy"), Kind::figure);
  overview.add("已达上限企业数 Firms at their cap", firms.at("at_cap"), Kind::figure);
  overview.add("卡时 Card hours", programme.at("card_hours"), Kind::figure);
  overview.add("可补贴卡时 Eligible card hours", programme.at("eligible_card_hours"), Kind::figure);
  overview.add("不含税金额 Net", programme.at("net"), Kind::amount);
  overview.add("可补贴金额 Eligible", programme.at("eligible"), Kind::amount);
  if (const Json& forecast = programme.at("forecast"); !forecast.is_null()) {
    overview.add("年末补贴预测 Forecast to the year's end", forecast.at("subsidy"), Kind::amount);
    overview.add("预测预算余额 Budget left by forecast", forecast.at("budget_left"), Kind::amount);
    overview.add("预测预算用尽月份 Budget reached in", forecast.at("budget_reached"), Kind::word);
    std::string basis;
    for (const Json& month : forecast.at("basis"))
      basis += (basis.empty() ? "" : " ") + month.get<std::string>();
    overview.add("预测依据月份 Forecast rests on", basis, Kind::word);
  }
  return overview.take();
}

}  // namespace

Report summary_report(const Json& summary) {
  Report report;
  report.made = instant_of(parse_month(summary.at("period").get<std::string>()).value());
  if (summary.contains("closed_at"))
    report.made = parse_instant(summary.at("closed_at").get<std::string>()).value();
  report.title = "月度汇总 Summary of " + summary.at("period").get<std::string>();
  report.tables.push_back(summary_totals(summary));
  report.tables.push_back(table_of(
      "区县 Districts", summary.at("districts"),
      behind({{"district", "区县 District", Kind::text}, {"statements", "结算单数 Statements", Kind::figure}},
             totals_columns)));
  report.tables.push_back(table_of("产品 SKUs", summary.at("skus"),
                                   {{"sku", "产品 SKU", Kind::text},
                                    {"unit", "单位 Unit", Kind::text},
                                    {"statements", "结算单数 Statements", Kind::figure},
                                    {"quantity", "数量 Quantity", Kind::figure},
                                    {"net", "不含税金额 Net", Kind::amount},
                                    {"tax", "税额 Tax", Kind::amount},
                                    {"gross", "价税合计 Gross", Kind::amount},
                                    {"eligible_quantity", "可补贴数量 Eligible quantity", Kind::figure},
                                    {"eligible", "可补贴金额 Eligible", Kind::amount}}));
  if (!summary.at("unpriced").empty()) {
    report.tables.push_back(table_of("未定价 Unpriced", summary.at("unpriced"),
                                     {{"usage_month", "用量月份 Usage month", Kind::word},
                                      {"sku", "产品 SKU", Kind::text},
                                      {"unit", "单位 Unit", Kind::text},
                                      {"quantity", "数量 Quantity", Kind::figure}}));
  }
  report.tables.push_back(table_of("企业 Firms", summary.at("firms"),
                                   behind({{"uscc", "统一社会信用代码 USCC", Kind::text},
                                           {"name", "企业 Firm", Kind::text},
                                           {"district", "区县 District", Kind::text},
                                           {"state", "状态 State", Kind::word}},
                                          totals_columns)));
  return report;
}

Report programme_report(const Json& programme) {
  Report report;
  report.made = instant_of(make_month(programme.at("year").get<int>(), 1));
  report.title = "成效监测 Programme " + text_of(programme.at("year"));
  report.tables.push_back(programme_overview(programme));
  report.tables.push_back(table_of("月份 Months", programme.at("months"),
                                   {{"month", "月份 Month", Kind::word},
                                    {"firms", "企业数 Firms", Kind::figure},
                                    {"card_hours", "卡时 Card hours", Kind::figure},
                                    {"eligible_card_hours", "可补贴卡时 Eligible card hours", Kind::figure},
                                    {"net", "不含税金额 Net", Kind::amount},
                                    {"eligible", "可补贴金额 Eligible", Kind::amount},
                                    {"subsidy", "补贴 Subsidy", Kind::amount},
                                    {"subsidy_to_date", "累计补贴 Subsidy to date", Kind::amount},
                                    {"forecast_to_date", "累计预测 Forecast to date", Kind::amount}}));
  report.tables.push_back(table_of("区县 Districts", programme.at("districts"),
                                   behind({{"district", "区县 District", Kind::text}}, sums_columns)));
  report.tables.push_back(table_of("类别 Categories", programme.at("categories"),
                                   behind({{"category", "类别 Category", Kind::text}}, sums_columns)));
  return report;
}

std::string report_csv(const Report& report, bool excel) {
  CsvWriter out;
  for (const ReportTable& table : report.tables) {
    if (&table != &report.tables.front()) out.end_row();
    out.cell(table.name);
    out.end_row();
    for (const std::string& heading : table.headings) out.cell(heading);
    out.end_row();
    for (const auto& row : table.rows) {
      for (const ReportCell& cell : row) {
        if (cell.kind == Kind::text) {
          out.text(cell.value);
        } else {
          out.cell(cell.value);
        }
      }
      out.end_row();
    }
  }
  return std::string(excel ? excel_mark : "") + out.take();
}

}  // namespace voucherd::billing
