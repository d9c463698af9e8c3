// A table that goes on over pages: its heads are repeated, figures stand under each other by their decimal
// points and are never broken, and what belongs together stays on one page. Columns of figures are at least
// as wide as their figures; where that leaves the texts too little, the whole table is set smaller, and where
// the texts need less than is left, all columns share the rest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "billing/render/pdf_flow.h"

namespace voucherd::billing {

struct PdfColumn {
  std::string_view chinese, english;
  int share = 0;  // of the width that figures leave, for a column of texts; 0: a column of figures
};

struct PdfCell {
  std::size_t column = 0, span = 1;
  std::string text;
  std::string beneath = {};  // smaller and grey, under a text
};

struct PdfRow {
  std::vector<PdfCell> cells;
  enum class Kind { line, detail, total } kind = Kind::line;
  bool keep_with_next = false;
  /// Stands above the rest of the row's group where that goes on over a page; "": nothing.
  std::string continued = {};
};

class PdfTable {
 public:
  PdfTable(PdfFonts& fonts, std::vector<PdfColumn> columns, std::vector<PdfRow> rows, Length width);

  /// With its title, which stays with the first rows.
  void place(PdfFlow& flow, const PdfColumn& title);

 private:
  struct Extent {
    Length left = 0, width = 0;
    Length before_point = 0, after_point = 0;  // of the widest figures
    Length wanted = 0;                         // by a column of texts, to break none of them
  };
  struct ShapedCell {
    Length x;
    ShapedText text, beneath;
  };
  struct ShapedRow {
    std::vector<ShapedCell> cells;
    Length height = 0;
  };

  void set_widths(Length width);
  bool try_size(Length size, Length width);
  void measure();
  void measure_text(const PdfCell& cell, TypeStyle style);
  void share_out(Length spare);
  TypeStyle style_of(const PdfRow& row) const;
  ShapedRow shape(const PdfRow& row);
  ShapedCell shape_text(const PdfCell& cell, TypeStyle style);
  ShapedCell shape_figure(const PdfCell& cell, TypeStyle style);
  void shape_head();
  Length place_head(PdfFlow& flow);
  void place_row(PdfFlow& flow, const PdfRow& row, const ShapedRow& shaped) const;
  void place_continued(PdfFlow& flow, const PdfRow& row);
  std::size_t group_end(std::size_t begin) const;

  PdfFonts& fonts_;
  std::vector<PdfColumn> columns_;
  std::vector<PdfRow> rows_;
  std::vector<Extent> extents_;
  Length width_ = 0;
  Length size_ = 0;  // of the lines' type
  ShapedRow head_;
};

}  // namespace voucherd::billing
