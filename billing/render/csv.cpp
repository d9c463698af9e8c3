// A statement as CSV: a block of labelled values, then tables (lines, their projects, unpriced
// usage, subsidy, totals), parted by empty rows. Nothing is computed here: every figure is
// printed as the canonical JSON has it.
#include "billing/render/csv.h"

#include <array>
#include <initializer_list>
#include <string_view>

#include "billing/render/csv_writer.h"

namespace voucherd::billing {
namespace {

using Json = nlohmann::ordered_json;

/// The rows, cell by cell, from the JSON's values.
class Sheet {
 public:
  void text(std::string_view value) { rows_.text(value); }
  void text(const Json& value) {
    if (value.is_null()) {
      cell("");
    } else {
      text(std::string_view(value.get_ref<const std::string&>()));
    }
  }
  /// A figure or a date as the JSON has it: never text, so a minus sign stays one.
  void figure(const Json& value) {
    if (value.is_null()) {
      cell("");
    } else {
      cell(value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  /// Our own words.
  void label(std::string_view words) { cell(words); }
  void labels(std::initializer_list<std::string_view> all) {
    for (const auto words : all) label(words);
    end_row();
  }
  void end_row() { rows_.end_row(); }
  std::string take() { return rows_.take(); }

 private:
  void cell(std::string_view value) { rows_.cell(value); }

  CsvWriter rows_;
};

std::string_view state_words(const std::string& state) {
  return state == "closed" ? "已结账 closed" : "未结账 open";
}
std::string_view settlement_words(const std::string& settlement) {
  return settlement == "deduct" ? "直接抵扣 deduct" : "先付后补 reimburse";
}
std::string_view tax_basis_words(const Json& basis) {
  if (basis.is_null()) return "";
  return basis.get_ref<const std::string&>() == "net" ? "不含税 net" : "含税 gross";
}

void head(Sheet& sheet, const Json& statement) {
  const auto text_row = [&](std::string_view label, const Json& value) {
    sheet.label(label);
    sheet.text(value);
    sheet.end_row();
  };
  text_row("结算单 Statement", statement.at("statement"));
  text_row("账期 Period", statement.at("period"));
  sheet.labels({"状态 State", state_words(statement.at("state").get<std::string>())});
  if (statement.contains("closed_at")) {
    const Json& by = statement.at("closed_by");
    text_row("结账时间 Closed at", statement.at("closed_at"));
    text_row("结账人 Closed by", by.at("kind").get<std::string>() + " " + by.at("id").get<std::string>());
  }
  text_row("服务机构 Provider", statement.at("provider").at("name"));
  text_row("服务机构代码 Provider USCC", statement.at("provider").at("uscc"));
  text_row("企业 Firm", statement.at("firm").at("name"));
  text_row("统一社会信用代码 Firm USCC", statement.at("firm").at("uscc"));
  text_row("区县 District", statement.at("firm").at("district"));
  text_row("币种 Currency", statement.at("currency"));
  text_row("时区 UTC offset", "UTC" + statement.at("utc_offset").get<std::string>());
  text_row("政策 Policy", statement.at("policy"));
  text_row("补贴比例 Rate", statement.at("rate"));
  sheet.labels({"结算方式 Settlement", settlement_words(statement.at("settlement").get<std::string>())});
  sheet.labels({"计税口径 Tax basis", tax_basis_words(statement.at("tax_basis"))});
  if (statement.contains("journal")) {
    sheet.label("账簿位置 Journal position");
    sheet.figure(statement.at("journal").at("position"));
    sheet.end_row();
    text_row("账簿根 Journal root", statement.at("journal").at("root"));
  }
}

constexpr std::array<const char*, 6> whole_members = {
    "quantity", "net", "tax", "gross", "eligible_quantity", "eligible_amount"};

/// An adjustment's figures before or after; empty cells on other lines.
void whole(Sheet& sheet, const Json& line, const char* side) {
  for (const char* member : whole_members)
    sheet.figure(line.contains(side) ? line.at(side).at(member) : Json(nullptr));
}

/// "firm_not_eligible 3; related_party 1.5".
std::string reasons(const Json& ineligible) {
  std::string list;
  for (const auto& reason : ineligible) {
    list += (list.empty() ? "" : "; ") + reason.at("code").get<std::string>() + " " +
            reason.at("quantity").get<std::string>();
  }
  return list;
}

void line_headings(Sheet& sheet) {
  sheet.labels({"明细 Lines"});
  sheet.labels({"用量月份 Usage month",
                "调整 Adjustment",
                "产品 SKU",
                "单位 Unit",
                "合同 Contract",
                "价目表 Price book",
                "数量 Quantity",
                "单价 Unit price",
                "不含税金额 Net",
                "税率 Tax rate",
                "税额 Tax",
                "价税合计 Gross",
                "可补贴数量 Eligible quantity",
                "可补贴金额 Eligible amount",
                "不可补贴 Ineligible",
                "调整前数量 Quantity before",
                "调整前不含税金额 Net before",
                "调整前税额 Tax before",
                "调整前价税合计 Gross before",
                "调整前可补贴数量 Eligible quantity before",
                "调整前可补贴金额 Eligible amount before",
                "调整后数量 Quantity after",
                "调整后不含税金额 Net after",
                "调整后税额 Tax after",
                "调整后价税合计 Gross after",
                "调整后可补贴数量 Eligible quantity after",
                "调整后可补贴金额 Eligible amount after"});
}

void lines(Sheet& sheet, const Json& statement) {
  line_headings(sheet);
  for (const auto& line : statement.at("lines")) {
    sheet.figure(line.at("usage_month"));
    sheet.label(line.at("adjustment").get<bool>() ? "是 yes" : "否 no");
    for (const char* member : {"sku", "unit", "contract", "price_book"}) sheet.text(line.at(member));
    sheet.figure(line.at("quantity"));
    if (line.at("unit_price").is_null()) {
      sheet.label("阶梯 tiers");
    } else {
      sheet.figure(line.at("unit_price"));
    }
    for (const char* member : {"net", "tax_rate", "tax", "gross", "eligible_quantity", "eligible_amount"}) {
      sheet.figure(line.at(member));
    }
    sheet.label(reasons(line.at("ineligible")));
    whole(sheet, line, "before");
    whole(sheet, line, "after");
    sheet.end_row();
  }
}

void projects(Sheet& sheet, const Json& statement) {
  bool any = false;
  for (const auto& line : statement.at("lines")) {
    for (const auto& project : line.at("projects")) {
      if (!any) {
        sheet.end_row();
        sheet.labels({"项目 Projects"});
        sheet.labels({"用量月份 Usage month", "产品 SKU", "合同 Contract", "价目表 Price book",
                      "项目 Project", "数量 Quantity", "不含税金额 Net"});
        any = true;
      }
      sheet.figure(line.at("usage_month"));
      for (const char* member : {"sku", "contract", "price_book"}) sheet.text(line.at(member));
      sheet.text(project.at("project"));
      sheet.figure(project.at("quantity"));
      sheet.figure(project.at("net"));
      sheet.end_row();
    }
  }
}

void unpriced(Sheet& sheet, const Json& statement) {
  if (statement.at("unpriced").empty()) return;
  sheet.end_row();
  sheet.labels({"未定价用量 Unpriced usage"});
  sheet.labels({"用量月份 Usage month", "产品 SKU", "单位 Unit", "数量 Quantity"});
  for (const auto& usage : statement.at("unpriced")) {
    sheet.figure(usage.at("usage_month"));
    sheet.text(usage.at("sku"));
    sheet.text(usage.at("unit"));
    sheet.figure(usage.at("quantity"));
    sheet.end_row();
  }
}

void subsidy(Sheet& sheet, const Json& statement) {
  if (statement.at("subsidy").empty()) return;
  sheet.end_row();
  sheet.labels({"补贴测算 Subsidy"});
  sheet.labels({"年度 Year", "累计可补贴金额 Eligible to date", "应补贴额 Target", "此前已计 Granted before",
                "本单补贴 This statement", "年度上限 Cap", "其他中心 Other centres", "剩余额度 Remaining"});
  for (const auto& year : statement.at("subsidy")) {
    for (const char* member : {"year", "eligible_to_date", "target", "granted_before", "this_statement",
                               "cap", "other_centres", "remaining"}) {
      sheet.figure(year.at(member));
    }
    sheet.end_row();
  }
}

void totals(Sheet& sheet, const Json& statement) {
  sheet.end_row();
  sheet.labels({"合计 Totals"});
  const auto row = [&](std::string_view label, const char* member) {
    sheet.label(label);
    sheet.figure(statement.at("totals").at(member));
    sheet.end_row();
  };
  row("不含税金额 Net", "net");
  row("税额 Tax", "tax");
  row("价税合计 Gross", "gross");
  row("可补贴金额 Eligible", "eligible");
  row("补贴 Subsidy", "subsidy");
  const bool refund = statement.at("totals").at("payable").get_ref<const std::string&>().starts_with('-');
  row(refund ? "应退 Refund" : "应付 Payable", "payable");
  sheet.label(refund ? "应退大写 Refund in words" : "应付大写 Payable in words");
  sheet.text(statement.at("payable_in_words"));
  sheet.end_row();
}

}  // namespace

std::string render_csv(const Json& statement, bool excel) {
  Sheet sheet;
  head(sheet, statement);
  sheet.end_row();
  lines(sheet, statement);
  projects(sheet, statement);
  unpriced(sheet, statement);
  subsidy(sheet, statement);
  totals(sheet, statement);
  return std::string(excel ? excel_mark : "") + sheet.take();
}

}  // namespace voucherd::billing
