// Every hostile text in every text of a statement: read back as a spreadsheet reads CSV, no cell may be a
// formula, and every cell stands where it stood.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "billing/render/csv.h"
#include "billing/render/csv_writer.h"
#include "tests/support/hostile_strings.h"

namespace voucherd::billing {
namespace {

using nlohmann::ordered_json;
using Row = std::vector<std::string>;

/// RFC 4180, read apart from the writer.
std::vector<Row> read_csv(const std::string& csv) {
  std::vector<Row> rows;
  Row row;
  std::string cell;
  bool quoted = false;
  for (std::size_t i = 0; i < csv.size(); ++i) {
    if (quoted) {
      if (csv[i] != '"') {
        cell += csv[i];
      } else if (i + 1 < csv.size() && csv[i + 1] == '"') {
        cell += csv[++i];
      } else {
        quoted = false;
      }
    } else if (csv[i] == '"') {
      EXPECT_TRUE(cell.empty()) << "a quote within a cell";
      quoted = true;
    } else if (csv[i] == ',') {
      row.push_back(std::move(cell));
      cell.clear();
    } else if (csv[i] == '\r' && i + 1 < csv.size() && csv[i + 1] == '\n') {
      row.push_back(std::move(cell));
      cell.clear();
      rows.push_back(std::move(row));
      row.clear();
      ++i;
    } else {
      EXPECT_TRUE(csv[i] != '\r' && csv[i] != '\n') << "a bare line end";
      cell += csv[i];
    }
  }
  EXPECT_FALSE(quoted);
  return rows;
}

bool is_figure(const std::string& cell) {
  return cell.size() > 1 && cell.find_first_not_of("0123456789.", 1) == std::string::npos;
}

/// What Excel, WPS and LibreOffice begin a formula with.
void expect_no_formula(const std::string& cell) {
  for (const char* start : {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"}) {
    EXPECT_TRUE(!cell.starts_with(start) || is_figure(cell)) << "a cell that begins like a formula: " << cell;
  }
  for (const char c : cell) {
    const auto byte = static_cast<unsigned char>(c);
    EXPECT_FALSE((byte < 0x20 && c != '\t' && c != '\r' && c != '\n') || byte == 0x7F) << cell;
  }
}

ordered_json statement() {
  std::ifstream in(std::string(VOUCHERD_SOURCE_DIR) + "/tests/golden/statement.json");
  return ordered_json::parse(in);
}

/// The statement's members that hold text of others.
const std::vector<std::string> text_members = {
    "/provider/name",
    "/provider/uscc",
    "/firm/name",
    "/firm/uscc",
    "/firm/district",
    "/policy",
    "/closed_by/id",
    "/closed_by/kind",
    "/lines/0/sku",
    "/lines/0/unit",
    "/lines/0/contract",
    "/lines/0/price_book",
    "/lines/0/projects/0/project",
    "/unpriced/0/sku",
    "/unpriced/0/unit",
};

TEST(CsvHostileTest, NoTextOfAStatementBecomesAFormulaOrMovesACell) {
  const auto texts = hostile_texts();
  ASSERT_GE(texts.size(), 200u);
  std::vector<std::size_t> widths;
  for (const auto& row : read_csv(render_csv(statement(), false))) widths.push_back(row.size());
  for (const auto& text : texts) {
    ordered_json hostile = statement();
    for (const auto& member : text_members) {
      const ordered_json::json_pointer place(member);
      ASSERT_TRUE(hostile.contains(place)) << member;
      hostile[place] = text;
    }
    const auto rows = read_csv(render_csv(hostile, false));
    ASSERT_EQ(rows.size(), widths.size()) << text;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(rows[i].size(), widths[i]) << text;
      for (const auto& cell : rows[i]) expect_no_formula(cell);
    }
  }
}

TEST(CsvHostileTest, KeepsHarmlessTextAsItIs) {
  for (const char* text : {"重庆公司", "a=1", "a-b", "x@y.test", "甲\"乙\"", "a\nb", "😀", "00012", "'"}) {
    CsvWriter writer;
    writer.text(text);
    writer.end_row();
    EXPECT_EQ(read_csv(writer.take()), std::vector<Row>{{text}});
  }
}

TEST(CsvHostileTest, SeesAFormulaBehindWhatTakesNoInk) {
  for (const char* text :
       {" =1", "\u00a0=1", "\u3000＝1", "\ufeff=1", "\u200b-1", "\x01=1", " \t @a", "\u202e=1"}) {
    CsvWriter writer;
    writer.text(text);
    EXPECT_EQ(writer.take().front(), '\'') << text;
  }
}

}  // namespace
}  // namespace voucherd::billing
