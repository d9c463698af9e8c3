// The canonical JSON of a statement: compact, members in the order of api.md, so that equal
// statements are equal bytes. Written straight into the text: a tree of values in between costs
// ten times as much, and a statement is read far more often than its figures change.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "billing/core/statement.h"

namespace voucherd::billing {

namespace {

/// Objects and lists are closed by whoever opened them; commas come of themselves.
class Writer {
 public:
  explicit Writer(std::size_t bytes_expected) { out_.reserve(bytes_expected); }
  void open(char bracket) {
    separate();
    out_ += bracket;
    first_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    first_ = false;
  }
  /// `name` is plain ASCII without anything to escape.
  void name(std::string_view name) {
    separate();
    out_ += '"';
    out_ += name;
    out_ += "\":";
    first_ = true;  // no comma before the value
  }
  void text(std::string_view text) {
    separate();
    if (std::all_of(text.begin(), text.end(), is_plain)) {
      out_ += '"';
      out_ += text;
      out_ += '"';
    } else {
      // Facts and labels were checked to be UTF-8 where they came in; anything else aborts here.
      out_ += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::strict);
    }
  }
  void literal(std::string_view literal) {
    separate();
    out_ += literal;
  }
  void member(std::string_view name, std::string_view text) {
    this->name(name);
    this->text(text);
  }
  void member_or_null(std::string_view name, const std::optional<std::string>& text) {
    this->name(name);
    text ? this->text(*text) : literal("null");
  }
  template <class Tag>
  void member_or_null(std::string_view name, const Id<Tag>& id) {
    this->name(name);
    id.empty() ? literal("null") : text(id.value);
  }
  template <class Items, class Show>
  void list(std::string_view name, const Items& items, Show show) {
    this->name(name);
    open('[');
    for (const auto& item : items) {
      open('{');
      show(*this, item);
      close('}');
    }
    close(']');
  }
  std::string take() { return std::move(out_); }

 private:
  static bool is_plain(char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }
  void separate() {
    if (!first_) out_ += ',';
    first_ = false;
  }

  std::string out_;
  bool first_ = true;
};

template <class T>
std::optional<std::string> shown(const std::optional<T>& value) {
  return value ? std::optional(to_string(*value)) : std::nullopt;
}

void show_whole(Writer& json, std::string_view name, const ChargeFigures& figures) {
  json.name(name);
  json.open('{');
  json.member("quantity", to_string(figures.quantity));
  json.member("net", to_string(figures.net));
  json.member("tax", to_string(figures.tax));
  json.member("gross", to_string(figures.gross));
  json.member("eligible_quantity", to_string(figures.eligible_quantity));
  json.member("eligible_amount", to_string(figures.eligible_amount));
  json.close('}');
}

void show_line(Writer& json, const StatementLine& line) {
  const ChargeFigures& figures = line.figures;
  json.member("usage_month", to_string(line.key.usage_month));
  json.name("adjustment");
  json.literal(line.adjustment ? "true" : "false");
  json.member("sku", line.key.sku.value);
  json.member("unit", line.unit);
  json.member_or_null("contract", line.key.contract);
  json.member("price_book", line.key.price_book.value);
  json.member("quantity", to_string(figures.quantity));
  json.member_or_null("unit_price", shown(line.unit_price));
  json.member("net", to_string(figures.net));
  json.member("tax_rate", line.tax_rate.text);
  json.member("tax", to_string(figures.tax));
  json.member("gross", to_string(figures.gross));
  json.member("eligible_quantity", to_string(figures.eligible_quantity));
  json.member("eligible_amount", to_string(figures.eligible_amount));
  json.list("ineligible", figures.ineligible, [](Writer& item, const auto& part) {
    item.member("code", to_string(part.first));
    item.member("quantity", to_string(part.second));
  });
  json.list("projects", figures.projects, [](Writer& item, const auto& part) {
    item.member_or_null("project", part.first);
    item.member("quantity", to_string(part.second.quantity));
    item.member("net", to_string(part.second.net));
  });
  if (line.adjustment) {
    show_whole(json, "before", line.before);
    show_whole(json, "after", line.after);
  }
}

void show_unpriced(Writer& json, const UnpricedUsage& usage) {
  json.member("usage_month", to_string(usage.key.usage_month));
  json.member("sku", usage.key.sku.value);
  json.member("unit", usage.unit);
  json.member("quantity", to_string(usage.quantity));
}

void show_year(Writer& json, const SubsidyYear& year) {
  json.name("year");
  json.literal(std::to_string(year.year));
  json.member("eligible_to_date", to_string(year.eligible_to_date));
  json.member("target", to_string(year.target));
  json.member("granted_before", to_string(year.granted_before));
  json.member("this_statement", to_string(year.this_statement));
  json.member("cap", to_string(year.cap));
  json.member("other_centres", to_string(year.other_centres));
  json.member("remaining", to_string(year.remaining));
}

void show_totals(Writer& json, const Statement& statement) {
  json.name("totals");
  json.open('{');
  json.member("net", to_string(statement.net()));
  json.member("tax", to_string(statement.tax()));
  json.member("gross", to_string(statement.gross()));
  json.member("eligible", to_string(statement.eligible()));
  json.member("subsidy", to_string(statement.subsidy_total()));
  json.member("payable", to_string(statement.payable()));
  json.close('}');
}

std::optional<std::string> shown(const std::optional<TaxBasis>& basis) {
  if (!basis) return std::nullopt;
  return *basis == TaxBasis::net ? "net" : "gross";
}

void show_head(Writer& json, const Statement& statement) {
  json.member("statement", statement_number(statement.period, statement.firm));
  json.member("period", to_string(statement.period));
  json.member("state", statement.closed ? "closed" : "open");
  if (statement.closed) {
    json.member("closed_at", format_instant(statement.closed->at, statement.offset));
    json.name("closed_by");
    json.open('{');
    json.member("kind", statement.closed->by.kind);
    json.member("id", statement.closed->by.id);
    json.close('}');
  }
  json.name("provider");
  json.open('{');
  json.member("name", statement.provider.name);
  json.member("uscc", statement.provider.uscc);
  json.close('}');
  json.name("firm");
  json.open('{');
  json.member("uscc", statement.firm.value);
  json.member("name", statement.firm_name);
  json.member("district", statement.firm_district);
  json.close('}');
  json.member("currency", statement.currency);
  json.member("utc_offset", to_string(statement.offset));
  json.member_or_null("policy", statement.policy ? *statement.policy : PolicyId());
  json.member_or_null("rate", statement.rate ? std::optional(statement.rate->text) : std::nullopt);
  json.member("settlement", statement.settlement == Settlement::deduct ? "deduct" : "reimburse");
  json.member_or_null("tax_basis", shown(statement.tax_basis));
}

}  // namespace

std::string to_canonical_json(const Statement& statement) {
  constexpr std::size_t line_bytes = 512;  // with a project or two
  Writer json((statement.lines.size() + 4) * line_bytes);
  json.open('{');
  show_head(json, statement);
  json.list("lines", statement.lines, show_line);
  json.list("unpriced", statement.unpriced, show_unpriced);
  show_totals(json, statement);
  json.member("payable_in_words", amount_in_words(statement.payable()));
  json.list("subsidy", statement.subsidy, show_year);
  json.close('}');
  return json.take();
}

}  // namespace voucherd::billing
