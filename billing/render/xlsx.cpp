// Four sheets: the statement as labelled values and small tables; its lines, one a row, as a table that can
// be filtered; its daily usage; its projects. Nothing is computed: totals are the statement's.
#include "billing/render/xlsx.h"

#include <algorithm>
#include <array>

#include "billing/render/document_size.h"
#include "billing/render/due_date.h"
#include "billing/render/words.h"
#include "billing/render/xlsx_book.h"

namespace voucherd::billing {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& value) { return value.is_null() ? "" : value.get<std::string>(); }

std::string both(const Words& words) {
  return std::string(words.chinese) + (words.english.empty() ? "" : " " + std::string(words.english));
}

std::string unit_of(const Json& line) { return both(unit_words(line.at("unit").get<std::string>())); }

/// The first sheet, from the top down.
class FrontSheet {
 public:
  FrontSheet(XlsxSheet sheet, const Json& statement, const Letterhead& letterhead)
      : sheet_(sheet), statement_(statement), letterhead_(letterhead) {}

  void write() {
    sheet_.widths({30, 24, 20, 20, 20, 20, 20, 20});
    sheet_.text(row_++, 0, "算力服务对账单 Statement of compute services", {.title = true});
    if (text_of(statement_.at("state")) == "open") {
      sheet_.text(row_++, 0,
                  "草稿：本月未结账，数字仍会变化 Draft: the month is open, figures may still change",
                  {.bold = true, .warning = true});
    }
    head();
    totals();
    subsidy();
    unpriced();
    foot();
    sheet_.print(true, text_of(statement_.at("statement")));
  }

 private:
  void row(std::string_view label, std::string_view value) {
    sheet_.text(row_, 0, label);
    sheet_.text(row_++, 1, value);
  }
  void row_if_given(std::string_view label, std::string_view value) {
    if (!value.empty()) row(label, value);
  }

  void head() {
    row("对账单号 Statement", text_of(statement_.at("statement")));
    row("账期 Period", text_of(statement_.at("period")));
    row("状态 State", both(state_words(text_of(statement_.at("state")))));
    if (statement_.contains("closed_at")) {
      const Json& by = statement_.at("closed_by");
      row("结账时间 Closed at", text_of(statement_.at("closed_at")));
      row("结账人 Closed by", text_of(by.at("kind")) + " " + text_of(by.at("id")));
    }
    if (const auto due = due_date(statement_, letterhead_)) row("付款期限 Due", to_string(*due));
    ++row_;
    row("服务机构 Provider", text_of(statement_.at("provider").at("name")));
    row("统一社会信用代码 USCC", text_of(statement_.at("provider").at("uscc")));
    row_if_given("地址 Address", letterhead_.address);
    row_if_given("电话 Telephone", letterhead_.telephone);
    row_if_given("开户银行 Bank", letterhead_.bank_name);
    row_if_given("银行账号 Account", letterhead_.bank_account);
    ++row_;
    row("企业 Firm", text_of(statement_.at("firm").at("name")));
    row("统一社会信用代码 USCC", text_of(statement_.at("firm").at("uscc")));
    row("区县 District", text_of(statement_.at("firm").at("district")));
    ++row_;
  }

  void totals() {
    const auto total = [&](std::string_view label, const char* member, CellLook look = {}) {
      sheet_.text(row_, 0, label, look);
      sheet_.amount(row_++, 1, text_of(statement_.at("totals").at(member)), look);
    };
    total("不含税金额 Net", "net");
    total("税额 Tax", "tax");
    total("价税合计 Gross", "gross");
    total("可补贴金额 Eligible", "eligible");
    total("补贴测算 Subsidy", "subsidy");
    total(statement_.at("totals").at("payable").get<std::string>().front() == '-' ? "应退 Refund"
                                                                                  : "应付 Payable",
          "payable", {.bold = true, .total = true});
    row("大写 In words", text_of(statement_.at("payable_in_words")));
    row("币种 Currency", text_of(statement_.at("currency")));
    ++row_;
  }

  void subsidy() {
    if (statement_.at("subsidy").empty()) return;
    sheet_.headings(row_++, {"补贴年度\nYear", "累计可补贴金额\nEligible to date", "累计应补贴额\nTarget",
                             "此前已计\nGranted before", "本单补贴\nThis statement", "年度上限\nCap",
                             "其他中心\nOther centres", "剩余额度\nRemaining"});
    for (const Json& year : statement_.at("subsidy")) {
      std::uint16_t column = 0;
      sheet_.text(row_, column++, std::to_string(year.at("year").get<int>()));
      for (const char* member : {"eligible_to_date", "target", "granted_before", "this_statement", "cap",
                                 "other_centres", "remaining"}) {
        sheet_.amount(row_, column++, text_of(year.at(member)));
      }
      ++row_;
    }
    ++row_;
  }

  void unpriced() {
    if (statement_.at("unpriced").empty()) return;
    sheet_.headings(row_++,
                    {"未定价用量 月份\nUnpriced, usage month", "产品\nSKU", "单位\nUnit", "数量\nQuantity"});
    for (const Json& usage : statement_.at("unpriced")) {
      sheet_.text(row_, 0, text_of(usage.at("usage_month")));
      sheet_.text(row_, 1, text_of(usage.at("sku")));
      sheet_.text(row_, 2, unit_of(usage));
      sheet_.figure(row_++, 3, text_of(usage.at("quantity")));
    }
    ++row_;
  }

  void foot() {
    row("政策 Policy", text_of(statement_.at("policy")));
    sheet_.text(row_, 0, "补贴比例 Rate");
    if (statement_.at("rate").is_string()) sheet_.rate(row_, 1, text_of(statement_.at("rate")));
    ++row_;
    row("结算方式 Settlement", both(settlement_words(text_of(statement_.at("settlement")))));
    row("补贴基数 Tax basis", both(tax_basis_words(text_of(statement_.at("tax_basis")))));
    row("规则版本 Rules version", std::to_string(letterhead_.rules_version));
    row("时区 UTC offset", "UTC" + text_of(statement_.at("utc_offset")));
    sheet_.text(row_, 0, "账簿位置 Journal position");
    sheet_.figure(row_++, 1, statement_.at("journal").at("position").dump());
    row("账簿根 Journal root", text_of(statement_.at("journal").at("root")));
    ++row_;
    row("制单 Prepared by", letterhead_.prepared_by);
    row("复核 Reviewed by", letterhead_.reviewed_by);
    row("批准 Approved by", letterhead_.approved_by);
  }

  XlsxSheet sheet_;
  const Json& statement_;
  const Letterhead& letterhead_;
  std::uint32_t row_ = 0;
};

constexpr std::array<const char*, 6> whole_members = {
    "quantity", "net", "tax", "gross", "eligible_quantity", "eligible_amount"};

void whole(XlsxSheet& sheet, std::uint32_t row, std::uint16_t column, const Json& figures) {
  for (const char* member : whole_members) {
    const std::string value = text_of(figures.at(member));
    if (std::string_view(member).ends_with("quantity")) {
      sheet.figure(row, column++, value);
    } else {
      sheet.amount(row, column++, value);
    }
  }
}

/// "关联企业 related party 3; …"
std::string reasons(const Json& ineligible) {
  std::string list;
  for (const Json& reason : ineligible) {
    list += (list.empty() ? "" : "; ") + both(reason_words(text_of(reason.at("code")))) + " " +
            text_of(reason.at("quantity"));
  }
  return list;
}

void line_row(XlsxSheet& sheet, std::uint32_t row, const Json& line) {
  sheet.figure(row, 0, std::to_string(row));
  sheet.text(row, 1, text_of(line.at("usage_month")));
  sheet.text(row, 2, line.at("adjustment").get<bool>() ? "调整 adjustment" : "");
  sheet.text(row, 3, text_of(line.at("sku")));
  sheet.text(row, 4, unit_of(line));
  sheet.text(row, 5, text_of(line.at("contract")));
  sheet.text(row, 6, text_of(line.at("price_book")));
  sheet.figure(row, 7, text_of(line.at("quantity")));
  if (line.at("unit_price").is_null()) {
    sheet.text(row, 8, "阶梯 tiers");
  } else {
    sheet.figure(row, 8, text_of(line.at("unit_price")));
  }
  sheet.amount(row, 9, text_of(line.at("net")));
  sheet.rate(row, 10, text_of(line.at("tax_rate")));
  sheet.amount(row, 11, text_of(line.at("tax")));
  sheet.amount(row, 12, text_of(line.at("gross")));
  sheet.figure(row, 13, text_of(line.at("eligible_quantity")));
  sheet.amount(row, 14, text_of(line.at("eligible_amount")));
  sheet.text(row, 15, reasons(line.at("ineligible")));
  if (!line.contains("before")) return;
  whole(sheet, row, 16, line.at("before"));
  whole(sheet, row, 22, line.at("after"));
}

void lines(XlsxSheet sheet, const Json& statement) {
  constexpr std::uint16_t last_column = 27;
  sheet.widths({6,  11, 14, 22, 16, 20, 16, 16, 14, 18, 8,  16, 18, 16,
                18, 34, 16, 18, 16, 18, 16, 18, 16, 18, 16, 18, 16, 18});
  sheet.headings(0, {"序号\nNo.",
                     "用量月份\nUsage month",
                     "调整\nAdjustment",
                     "产品\nSKU",
                     "单位\nUnit",
                     "合同\nContract",
                     "价目表\nPrice book",
                     "数量\nQuantity",
                     "单价\nUnit price",
                     "不含税金额\nNet",
                     "税率\nTax rate",
                     "税额\nTax",
                     "价税合计\nGross",
                     "可补贴数量\nEligible quantity",
                     "可补贴金额\nEligible amount",
                     "不可补贴\nNot eligible",
                     "调整前数量\nQuantity before",
                     "调整前不含税\nNet before",
                     "调整前税额\nTax before",
                     "调整前价税合计\nGross before",
                     "调整前可补贴数量\nEligible qty before",
                     "调整前可补贴金额\nEligible before",
                     "调整后数量\nQuantity after",
                     "调整后不含税\nNet after",
                     "调整后税额\nTax after",
                     "调整后价税合计\nGross after",
                     "调整后可补贴数量\nEligible qty after",
                     "调整后可补贴金额\nEligible after"});
  std::uint32_t row = 1;
  for (const Json& line : statement.at("lines")) line_row(sheet, row++, line);
  if (row > 1) sheet.filter(0, row - 1, last_column);
  const Json& totals = statement.at("totals");
  constexpr CellLook look{.bold = true, .total = true};
  for (std::uint16_t column = 0; column <= last_column; ++column) sheet.text(row, column, "", look);
  sheet.text(row, 1, "合计 Total", look);
  sheet.amount(row, 9, text_of(totals.at("net")), look);
  sheet.amount(row, 11, text_of(totals.at("tax")), look);
  sheet.amount(row, 12, text_of(totals.at("gross")), look);
  sheet.amount(row, 14, text_of(totals.at("eligible")), look);
  sheet.freeze_above(1);
  sheet.print(true, text_of(statement.at("statement")));
}

void daily_usage(XlsxSheet sheet, const Json& statement, const std::vector<DailyUsage>& daily) {
  sheet.widths({12, 28, 18, 44, 18});
  sheet.headings(0, {"日期\nDay", "产品\nSKU", "单位\nUnit", "项目\nProject", "数量\nQuantity"});
  std::uint32_t row = 1;
  for (const DailyUsage& usage : daily) {
    sheet.day(row, 0, usage.day);
    sheet.text(row, 1, usage.sku.value);
    sheet.text(row, 2, both(unit_words(usage.unit)));
    sheet.text(row, 3, usage.project.value);
    sheet.figure(row++, 4, to_string(usage.quantity));
  }
  if (row > 1) sheet.filter(0, row - 1, 4);
  sheet.freeze_above(1);
  sheet.print(false, text_of(statement.at("statement")) + " 账簿位置 journal position " +
                         statement.at("journal").at("position").dump());
}

void projects(XlsxSheet sheet, const Json& statement) {
  sheet.widths({6, 11, 24, 22, 18, 44, 18, 18});
  sheet.headings(0, {"明细序号\nLine", "用量月份\nUsage month", "产品\nSKU", "合同\nContract",
                     "价目表\nPrice book", "项目\nProject", "数量\nQuantity", "不含税金额\nNet"});
  std::uint32_t row = 1, line_number = 0;
  for (const Json& line : statement.at("lines")) {
    ++line_number;
    for (const Json& project : line.at("projects")) {
      sheet.figure(row, 0, std::to_string(line_number));
      sheet.text(row, 1, text_of(line.at("usage_month")));
      sheet.text(row, 2, text_of(line.at("sku")));
      sheet.text(row, 3, text_of(line.at("contract")));
      sheet.text(row, 4, text_of(line.at("price_book")));
      sheet.text(row, 5, text_of(project.at("project")));
      sheet.figure(row, 6, text_of(project.at("quantity")));
      sheet.amount(row++, 7, text_of(project.at("net")));
    }
  }
  if (row > 1) sheet.filter(0, row - 1, 7);
  sheet.freeze_above(1);
  sheet.print(true, text_of(statement.at("statement")));
}

Result<void> check_size(const Json& statement, const std::vector<DailyUsage>& daily) {
  const Json& lines = statement.at("lines");
  std::size_t projects = 0;
  for (const Json& line : lines) projects += line.at("projects").size();
  if (auto fits = check_rows("the sheet of daily usage", daily.size(), xlsx_rows_max,
                             "GET /v1/usage?group_by=day,sku,project has them, the statement's CSV its "
                             "lines and projects");
      !fits) {
    return fits;
  }
  return check_rows("the sheet of lines or projects", std::max(lines.size(), projects), xlsx_rows_max,
                    "the statement's CSV has them all");
}

}  // namespace

Result<std::string> render_xlsx(const Json& statement, const std::vector<DailyUsage>& daily,
                                const Letterhead& letterhead) {
  if (const auto fits = check_size(statement, daily); !fits) return fits.error();
  XlsxBook book("算力服务对账单 " + text_of(statement.at("statement")), made_at(statement));
  FrontSheet(book.add_sheet("对账单 Statement"), statement, letterhead).write();
  lines(book.add_sheet("明细 Lines"), statement);
  daily_usage(book.add_sheet("每日用量 Daily usage"), statement, daily);
  projects(book.add_sheet("项目 Projects"), statement);
  return book.finish();
}

}  // namespace voucherd::billing
