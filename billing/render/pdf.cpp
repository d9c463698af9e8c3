#include "billing/render/pdf.h"

#include <array>

#include "billing/render/document_size.h"
#include "billing/render/due_date.h"
#include "billing/render/grouped_figure.h"
#include "billing/render/pdf_statement_tables.h"
#include "billing/render/words.h"

namespace voucherd::billing {
namespace {

using Json = nlohmann::ordered_json;

constexpr Length page_width = tenths_pt(8419), page_height = tenths_pt(5953);  // A4, landscape
constexpr PdfMargins margins{pt(36), pt(36), pt(30), pt(40)};
constexpr Length block_gap = pt(16);

std::string text_of(const Json& value) { return value.is_null() ? "" : value.get<std::string>(); }

std::string both(const Words& words) {
  return std::string(words.chinese) + (words.english.empty() ? "" : " " + std::string(words.english));
}

/// "2026-04-01 09:00:00 +08:00" of an instant as the JSON has it.
std::string readable(std::string instant) {
  instant.insert(instant.size() - std::string_view("+08:00").size(), " ");
  instant.replace(instant.find('T'), 1, " ");
  return instant;
}

struct Pair {
  Words label;
  std::string value;
};

/// One document, from the top down.
class StatementPaper {
 public:
  StatementPaper(PdfFonts& fonts, const Json& statement, const Letterhead& letterhead)
      : fonts_(fonts),
        statement_(statement),
        letterhead_(letterhead),
        pages_(page_width, page_height),
        flow_(pages_, margins, [this](std::size_t page) { return page == 0 ? first_head() : next_head(); }) {}

  Result<std::string> make() {
    if (is_draft()) {
      pages_.watermark(
          fonts_.shape("未结账草稿 DRAFT", {.size = pt(84), .bold = true, .ink = Ink::watermark}));
    }
    blocks();
    summary();
    place_lines(fonts_, flow_, statement_);
    place_unpriced(fonts_, flow_, statement_);
    place_subsidy(fonts_, flow_, statement_);
    closing();
    footers();
    return pages_.write("算力服务对账单 " + text_of(statement_.at("statement")),
                        fonts_.printable(text_of(statement_.at("provider").at("name"))), made_at(statement_));
  }

 private:
  bool is_draft() const { return text_of(statement_.at("state")) == "open"; }
  bool is_refund() const { return text_of(statement_.at("totals").at("payable")).starts_with('-'); }
  Length right() const { return margins.left + content_width(); }
  static Length content_width() { return page_width - margins.left - margins.right; }

  Length first_head() {
    const ShapedText title = fonts_.shape("算力服务对账单", {.size = pt(21), .bold = true, .ink = Ink::blue});
    pages_.text(margins.left, margins.top, title);
    pages_.text(margins.left + title.width + pt(10), margins.top + pt(11),
                fonts_.shape("Statement of compute services", {.size = pt(10), .ink = Ink::grey}));
    const Words state = state_words(text_of(statement_.at("state")));
    const Ink ink = is_draft() ? Ink::red : Ink::blue;
    pages_.text_right(right(), margins.top + pt(2),
                      fonts_.shape(state.chinese, {.size = pt(12), .bold = true, .ink = ink}));
    pages_.text_right(right(), margins.top + pt(18),
                      fonts_.shape(state.english, {.size = pt(7), .ink = ink}));
    const Length y = margins.top + pt(33);
    pages_.rule(margins.left, y, content_width(), tenths_pt(15), Ink::blue);
    return y + pt(10);
  }

  Length next_head() {
    const std::string words =
        "算力服务对账单 " + text_of(statement_.at("statement")) + (is_draft() ? "（草稿 draft）" : "");
    const ShapedText left = fonts_.shape(words, {.size = tenths_pt(75), .ink = Ink::grey});
    pages_.text(margins.left, margins.top, left);
    const ShapedText firm =
        fonts_.shape(text_of(statement_.at("firm").at("name")), {.size = tenths_pt(75), .ink = Ink::grey},
                     content_width() - left.width - block_gap);
    pages_.text_right(right(), margins.top, firm);
    const Length y = margins.top + std::max(left.height(), firm.height()) + pt(3);
    pages_.rule(margins.left, y, content_width(), tenths_pt(5), Ink::blue);
    return y + pt(8);
  }

  // The three blocks under the title ------------------------------------------------------

  void blocks() {
    const Json& provider = statement_.at("provider");
    const Json& firm = statement_.at("firm");
    const Length width = (content_width() - 2 * block_gap) / 3;
    const Length y = flow_.y();
    Length height = block(margins.left, y, width, {"服务机构", "Provider"}, text_of(provider.at("name")),
                          {{{"统一社会信用代码", "Unified social credit code"}, text_of(provider.at("uscc"))},
                           {{"地址", "Address"}, letterhead_.address},
                           {{"电话", "Telephone"}, letterhead_.telephone},
                           {{"开户银行", "Bank"}, letterhead_.bank_name},
                           {{"银行账号", "Account"}, letterhead_.bank_account}});
    height = std::max(
        height,
        block(margins.left + width + block_gap, y, width, {"企业", "Firm"}, text_of(firm.at("name")),
              {{{"统一社会信用代码", "Unified social credit code"}, text_of(firm.at("uscc"))},
               {{"所在区县", "District"}, text_of(firm.at("district"))},
               {{"结算方式", "Settlement"}, both(settlement_words(text_of(statement_.at("settlement"))))}}));
    height = std::max(height, block(margins.left + 2 * (width + block_gap), y, width,
                                    {"对账单号", "Statement"}, text_of(statement_.at("statement")), dates()));
    flow_.advance(height + pt(8));
  }

  std::vector<Pair> dates() const {
    const Month month = parse_month(text_of(statement_.at("period"))).value();
    const LocalDay last{first_day(month.next()).days - 1};
    std::vector<Pair> pairs{
        {{"账期", "Period"}, to_string(first_day(month)) + " 至 " + to_string(last)},
        {{"币种", "Currency"},
         text_of(statement_.at("currency")) == "CNY" ? "人民币元 CNY" : text_of(statement_.at("currency"))}};
    if (const auto due = due_date(statement_, letterhead_)) {
      pairs.push_back({{"结账时间", "Closed"}, readable(text_of(statement_.at("closed_at")))});
      pairs.push_back({{"付款期限", "Due"}, to_string(*due)});
    } else {
      pairs.push_back({{"付款期限", "Due"}, "结账后确定 once closed"});
    }
    return pairs;
  }

  /// Returns its height. Pairs without a value are left out.
  Length block(Length x, Length y, Length width, const Words& title, const std::string& name,
               const std::vector<Pair>& pairs) {
    const Length top = y;
    const ShapedText chinese =
        fonts_.shape(title.chinese, {.size = tenths_pt(75), .bold = true, .ink = Ink::blue});
    pages_.text(x, y, chinese);
    pages_.text(x + chinese.width + pt(4), y + tenths_pt(12),
                fonts_.shape(title.english, {.size = pt(6), .ink = Ink::grey}));
    y += pt(12);
    const ShapedText shown = fonts_.shape(name, {.size = tenths_pt(95), .bold = true}, width);
    pages_.text(x, y, shown);
    y += shown.height() + pt(3);
    for (const Pair& pair : pairs) {
      if (!pair.value.empty()) y += labelled(x, y, width, pt(74), pair);
    }
    return y - top;
  }

  Length labelled(Length x, Length y, Length width, Length label_width, const Pair& pair) {
    constexpr Length height_min = tenths_pt(165);
    const ShapedText chinese = fonts_.shape(pair.label.chinese, {.size = tenths_pt(72), .ink = Ink::grey});
    pages_.text(x, y, chinese);
    pages_.text(x, y + chinese.height() - pt(1),
                fonts_.shape(pair.label.english, {.size = tenths_pt(52), .ink = Ink::grey}));
    const ShapedText value = fonts_.shape(pair.value, {}, width - label_width);
    pages_.text(x + label_width, y - tenths_pt(5), value);
    return std::max(height_min, value.height() + pt(3));
  }

  // The amounts ----------------------------------------------------------------------------

  void summary() {
    const Json& totals = statement_.at("totals");
    const std::array<Pair, 6> amounts{
        {{{"不含税金额", "Net"}, text_of(totals.at("net"))},
         {{"税额", "Tax"}, text_of(totals.at("tax"))},
         {{"价税合计", "Gross"}, text_of(totals.at("gross"))},
         {{"可补贴金额", "Eligible"}, text_of(totals.at("eligible"))},
         {{"补贴测算", "Subsidy, calculated"}, text_of(totals.at("subsidy"))},
         {is_refund() ? Words{"应退金额", "To be refunded"} : Words{"应付金额", "Payable"},
          text_of(totals.at("payable"))}}};
    constexpr Length height = pt(38), gap = pt(5);
    const int boxes = static_cast<int>(amounts.size());
    const Length width = (content_width() - (boxes - 1) * gap) / boxes;
    flow_.need(height + pt(24));
    for (int i = 0; i < boxes; ++i) {
      const bool last = i + 1 == boxes;
      amount_box(margins.left + i * (width + gap), width, height, amounts.at(static_cast<std::size_t>(i)),
                 last);
    }
    flow_.advance(height + pt(6));
    const ShapedText label = fonts_.shape(is_refund() ? "应退金额（大写）" : "应付金额（大写）",
                                          {.size = pt(8), .ink = Ink::grey});
    pages_.text(margins.left, flow_.y() + pt(1), label);
    pages_.text(margins.left, flow_.y() + pt(11),
                fonts_.shape("Amount in words", {.size = tenths_pt(55), .ink = Ink::grey}));
    const ShapedText words = fonts_.shape(text_of(statement_.at("payable_in_words")),
                                          {.size = pt(11), .bold = true}, content_width() - pt(90));
    pages_.text(margins.left + pt(84), flow_.y() + pt(1), words);
    flow_.advance(std::max(pt(20), words.height()) + pt(4));
  }

  void amount_box(Length x, Length width, Length height, const Pair& amount, bool strong) {
    const Length y = flow_.y();
    constexpr Length inset = pt(7);
    pages_.fill(x, y, width, height, strong ? Ink::blue : Ink::pale_blue);
    const Ink label = strong ? Ink::white : Ink::grey;
    const ShapedText chinese = fonts_.shape(amount.label.chinese, {.size = tenths_pt(75), .ink = label});
    pages_.text(x + inset, y + pt(5), chinese);
    pages_.text(x + inset + chinese.width + pt(4), y + tenths_pt(62),
                fonts_.shape(amount.label.english, {.size = pt(6), .ink = label}));
    const std::string shown = grouped(amount.value);
    TypeStyle style{.size = pt(13), .bold = true, .ink = strong ? Ink::white : Ink::black};
    while (fonts_.width_of(shown, style) > width - 2 * inset) style.size -= pt(1) / 2;
    pages_.text_right(x + width - inset, y + height - pt(6) - style.size, fonts_.shape(shown, style));
  }

  // The end --------------------------------------------------------------------------------

  void closing() {
    const std::vector<Pair> basis = basis_pairs();
    constexpr Length signatures_height = pt(40), note_height = pt(24);
    flow_.need(note_height + signatures_height + pt(60));
    note();
    const Length y = flow_.y();
    const Length width = (content_width() - 2 * block_gap) / 3;
    Length height = 0;
    for (std::size_t column = 0; column < 3; ++column) {
      Length x = margins.left + static_cast<int>(column) * (width + block_gap), below = y;
      for (std::size_t i = column; i < basis.size(); i += 3)
        below += labelled(x, below, width, pt(74), basis[i]);
      height = std::max(height, below - y);
    }
    flow_.advance(height + pt(10));
    signatures();
  }

  void note() {
    pages_.text(margins.left, flow_.y(),
                fonts_.shape("补贴为测算数，以主管部门核定和兑付为准。负数表示冲减或追回。",
                             {.size = tenths_pt(72), .ink = Ink::grey}));
    pages_.text(
        margins.left, flow_.y() + pt(10),
        fonts_.shape("The subsidy is calculated for a claim; the authority approves and pays it. Negative "
                     "figures reduce or take back earlier ones.",
                     {.size = pt(6), .ink = Ink::grey}));
    flow_.advance(pt(24));
  }

  std::vector<Pair> basis_pairs() const {
    const std::string policy = text_of(statement_.at("policy"));
    const std::string rate = text_of(statement_.at("rate"));
    std::vector<Pair> pairs{
        {{"政策版本", "Policy"}, policy.empty() ? "无 none" : policy},
        {{"补贴比例", "Rate"}, rate.empty() ? "无 none" : as_percent(rate)},
        {{"补贴基数", "Basis"}, both(tax_basis_words(text_of(statement_.at("tax_basis"))))},
        {{"规则版本", "Rules version"}, std::to_string(letterhead_.rules_version)},
        {{"账簿位置", "Journal position"}, statement_.at("journal").at("position").dump()},
        {{"账簿根", "Journal root"}, text_of(statement_.at("journal").at("root"))}};
    if (pairs[2].value.empty()) pairs[2].value = "无 none";
    return pairs;
  }

  void signatures() {
    const std::array<Pair, 3> signers{{{{"制单", "Prepared by"}, letterhead_.prepared_by},
                                       {{"复核", "Reviewed by"}, letterhead_.reviewed_by},
                                       {{"批准", "Approved by"}, letterhead_.approved_by}}};
    const Length width = (content_width() - 2 * block_gap) / 3;
    Length x = margins.left;
    for (const Pair& signer : signers) {
      const ShapedText chinese = fonts_.shape(signer.label.chinese, {.size = pt(8), .bold = true});
      pages_.text(x, flow_.y(), chinese);
      pages_.text(x, flow_.y() + pt(11),
                  fonts_.shape(signer.label.english, {.size = pt(6), .ink = Ink::grey}));
      const ShapedText name = fonts_.shape(signer.value, {.size = pt(9)}, width - pt(48));
      pages_.text(x + pt(48), flow_.y() - pt(1), name);
      pages_.rule(x + pt(44), flow_.y() + pt(14), width - pt(44), tenths_pt(5), Ink::grey);
      x += width + block_gap;
    }
    flow_.advance(pt(24));
  }

  void footers() {
    const Length y = page_height - pt(28);
    for (std::size_t page = 0; page < pages_.count(); ++page) {
      pages_.select(page);
      const TypeStyle style{.size = tenths_pt(68), .ink = Ink::grey};
      pages_.rule(margins.left, y - pt(4), content_width(), tenths_pt(4), Ink::rule);
      pages_.text(margins.left, y, fonts_.shape(text_of(statement_.at("statement")), style));
      const std::string now = std::to_string(page + 1), all = std::to_string(pages_.count());
      std::string line = "第 ";
      line.append(now)
          .append(" 页 共 ")
          .append(all)
          .append(" 页  Page ")
          .append(now)
          .append(" of ")
          .append(all);
      pages_.text_right(right(), y, fonts_.shape(line, style));
    }
  }

  PdfFonts& fonts_;
  const Json& statement_;
  const Letterhead& letterhead_;
  PdfPages pages_;
  PdfFlow flow_;  // opens the first page
};

}  // namespace

struct PdfRenderer::Impl {
  std::unique_ptr<PdfFonts> fonts;
};

PdfRenderer::PdfRenderer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PdfRenderer::~PdfRenderer() = default;

Result<std::unique_ptr<PdfRenderer>> PdfRenderer::open(const std::string& chinese_font,
                                                       const std::string& latin_font) {
  auto fonts = PdfFonts::open({chinese_font, latin_font});
  if (!fonts) return fonts.error();
  auto impl = std::make_unique<Impl>();
  impl->fonts = std::move(*fonts);
  return std::unique_ptr<PdfRenderer>(new PdfRenderer(std::move(impl)));
}

Result<std::string> PdfRenderer::render(const Json& statement, const Letterhead& letterhead) {
  if (const auto fits = check_rows("the PDF", table_rows(statement), pdf_rows_max,
                                   "the statement's CSV has them all, its XLSX ten times as many");
      !fits) {
    return fits.error();
  }
  return StatementPaper(*impl_->fonts, statement, letterhead).make();
}

}  // namespace voucherd::billing
