#include "billing/render/pdf_table.h"

#include <algorithm>

#include "metering/core/assert.h"

namespace voucherd::billing {
namespace {

constexpr Length padding_x = pt(4), padding_y = pt(3), detail_padding_y = tenths_pt(12);
constexpr Length hairline = tenths_pt(4);
constexpr Length title_height = pt(20);
/// The first that leaves each share of a text column at least share_width_min; the last one anyway.
constexpr int sizes_tenths[] = {80, 75, 70, 65, 60, 55, 50, 45, 40};
constexpr Length share_width_min = pt(14);
constexpr Length spanned_width_max = pt(220);  // a text over several columns widens them no further

std::size_t point_of(std::string_view figure) { return std::min(figure.find('.'), figure.size()); }

TypeStyle smaller(TypeStyle style, Ink ink) {
  return {.size = style.size * 4 / 5, .bold = false, .ink = ink};
}

}  // namespace

PdfTable::PdfTable(PdfFonts& fonts, std::vector<PdfColumn> columns, std::vector<PdfRow> rows, Length width)
    : fonts_(fonts), columns_(std::move(columns)), rows_(std::move(rows)), width_(width) {
  set_widths(width);
  shape_head();
}

void PdfTable::set_widths(Length width) {
  for (const int tenths : sizes_tenths) {
    if (try_size(tenths_pt(tenths), width)) return;
  }
}

/// Sets all extents for lines of this size; false where the texts would have too little room.
bool PdfTable::try_size(Length size, Length width) {
  size_ = size;
  extents_.assign(columns_.size(), {});
  measure();
  Length spare = width;
  int shares = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    spare -= extents_[i].width;
    shares += columns_[i].share;
  }
  share_out(std::max(0, spare));
  Length x = 0;
  for (Extent& extent : extents_) {
    extent.left = x;
    x += extent.width;
  }
  return spare >= shares * share_width_min;
}

/// What each column needs: all of it for figures, nothing yet for texts.
void PdfTable::measure() {
  for (const PdfRow& row : rows_) {
    const TypeStyle style = style_of(row);
    for (const PdfCell& cell : row.cells) {
      Extent& extent = extents_[cell.column];
      const std::string_view text = cell.text;
      if (columns_[cell.column].share > 0) {
        measure_text(cell, style);
        continue;
      }
      const Length whole = fonts_.width_of(text.substr(0, point_of(text)), style);
      extent.before_point = std::max(extent.before_point, whole);
      extent.after_point = std::max(extent.after_point, fonts_.width_of(text, style) - whole);
    }
  }
  const TypeStyle head{.size = size_ * 9 / 10, .bold = true};
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].share > 0) continue;
    Extent& extent = extents_[i];
    const Length heading = std::max(fonts_.width_of(columns_[i].chinese, head),
                                    fonts_.width_of(columns_[i].english, smaller(head, Ink::grey)));
    extent.width = std::max(extent.before_point + extent.after_point, heading) + 2 * padding_x;
  }
}

/// What a text wants of each column that it spans.
void PdfTable::measure_text(const PdfCell& cell, TypeStyle style) {
  const Length beneath = cell.beneath.empty() ? 0 : fonts_.width_of(cell.beneath, smaller(style, Ink::grey));
  Length width = std::max(fonts_.width_of(cell.text, style), beneath) + 2 * padding_x;
  if (cell.span > 1) width = std::min(width, spanned_width_max);
  int shares = 0;
  for (std::size_t i = 0; i < cell.span; ++i) shares += columns_[cell.column + i].share;
  for (std::size_t i = 0; i < cell.span; ++i) {
    Extent& extent = extents_[cell.column + i];
    extent.wanted = std::max(extent.wanted, width / shares * columns_[cell.column + i].share);
  }
}

/// First to the texts, by their shares and as far as they want it; what is left to all alike.
void PdfTable::share_out(Length spare) {
  int shares = 0;
  Length wanted = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    shares += columns_[i].share;
    wanted += std::max(extents_[i].wanted, columns_[i].share * share_width_min);
  }
  const bool enough = shares == 0 || wanted <= spare;
  const Length rest = enough && shares > 0 ? spare - wanted : spare;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const int share = columns_[i].share;
    if (enough) {
      extents_[i].width += rest / static_cast<int>(columns_.size());
      if (share > 0) extents_[i].width += std::max(extents_[i].wanted, share * share_width_min);
    } else if (share > 0) {
      extents_[i].width += spare / shares * share;
    }
  }
}

TypeStyle PdfTable::style_of(const PdfRow& row) const {
  switch (row.kind) {
    case PdfRow::Kind::line:
      return {.size = size_};
    case PdfRow::Kind::detail:
      return {.size = size_ * 9 / 10, .ink = Ink::grey};
    case PdfRow::Kind::total:
      return {.size = size_, .bold = true};
  }
  VOUCHERD_ASSERT(false);
}

PdfTable::ShapedCell PdfTable::shape_text(const PdfCell& cell, TypeStyle style) {
  const Extent& first = extents_[cell.column];
  const Extent& last = extents_[cell.column + cell.span - 1];
  const Length width = last.left + last.width - first.left - 2 * padding_x;
  ShapedCell shaped{first.left + padding_x, fonts_.shape(cell.text, style, width), {}};
  if (!cell.beneath.empty()) shaped.beneath = fonts_.shape(cell.beneath, smaller(style, Ink::grey), width);
  return shaped;
}

PdfTable::ShapedCell PdfTable::shape_figure(const PdfCell& cell, TypeStyle style) {
  const Extent& extent = extents_[cell.column];
  const Length whole = fonts_.width_of(std::string_view(cell.text).substr(0, point_of(cell.text)), style);
  const Length point = extent.left + extent.width - padding_x - extent.after_point;
  return {point - whole, fonts_.shape(cell.text, style), {}};
}

PdfTable::ShapedRow PdfTable::shape(const PdfRow& row) {
  ShapedRow shaped;
  const TypeStyle style = style_of(row);
  for (const PdfCell& cell : row.cells) {
    const bool is_text = columns_[cell.column].share > 0 || cell.span > 1;
    shaped.cells.push_back(is_text ? shape_text(cell, style) : shape_figure(cell, style));
    const ShapedCell& last = shaped.cells.back();
    shaped.height =
        std::max(shaped.height, last.text.height() + (last.beneath.layout ? last.beneath.height() : 0));
  }
  shaped.height += 2 * (row.kind == PdfRow::Kind::detail ? detail_padding_y : padding_y);
  return shaped;
}

/// Chinese, English beneath; over figures on the right, as they are.
void PdfTable::shape_head() {
  const TypeStyle style{.size = size_ * 9 / 10, .bold = true, .ink = Ink::blue};
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const PdfColumn& column = columns_[i];
    const Extent& extent = extents_[i];
    const Length width = extent.width - 2 * padding_x;
    ShapedCell cell{extent.left + padding_x, fonts_.shape(column.chinese, style),
                    fonts_.shape(column.english, smaller(style, Ink::grey))};
    if (column.share == 0) cell.x += width - std::max(cell.text.width, cell.beneath.width);
    head_.height = std::max(head_.height, cell.text.height() + cell.beneath.height() + 2 * padding_y);
    head_.cells.push_back(std::move(cell));
  }
}

Length PdfTable::place_head(PdfFlow& flow) {
  PdfPages& pages = flow.pages();
  pages.fill(flow.left(), flow.y(), width_, head_.height, Ink::pale_blue);
  pages.rule(flow.left(), flow.y(), width_, 2 * hairline, Ink::blue);
  for (std::size_t i = 0; i < head_.cells.size(); ++i) {
    const ShapedCell& cell = head_.cells[i];
    const Length x = flow.left() + cell.x, y = flow.y() + padding_y;
    if (columns_[i].share == 0) {
      const Length right = x + std::max(cell.text.width, cell.beneath.width);
      pages.text_right(right, y, cell.text);
      pages.text_right(right, y + cell.text.height(), cell.beneath);
    } else {
      pages.text(x, y, cell.text);
      pages.text(x, y + cell.text.height(), cell.beneath);
    }
  }
  flow.advance(head_.height);
  return head_.height;
}

void PdfTable::place_row(PdfFlow& flow, const PdfRow& row, const ShapedRow& shaped) const {
  PdfPages& pages = flow.pages();
  const bool detail = row.kind == PdfRow::Kind::detail;
  if (!detail) {
    const bool total = row.kind == PdfRow::Kind::total;
    pages.rule(flow.left(), flow.y(), width_, total ? 2 * hairline : hairline, total ? Ink::blue : Ink::rule);
  }
  for (const ShapedCell& cell : shaped.cells) {
    const Length x = flow.left() + cell.x, y = flow.y() + (detail ? detail_padding_y : padding_y);
    pages.text(x, y, cell.text);
    if (cell.beneath.layout) pages.text(x, y + cell.text.height(), cell.beneath);
  }
  flow.advance(shaped.height);
}

/// Behind the last row that must stay with the one at `begin`.
std::size_t PdfTable::group_end(std::size_t begin) const {
  std::size_t end = begin;
  while (end < rows_.size() && rows_[end].keep_with_next) ++end;
  return std::min(end + 1, rows_.size());
}

void PdfTable::place_continued(PdfFlow& flow, const PdfRow& row) {
  if (row.continued.empty()) return;
  const PdfRow words{{{.column = 0, .span = columns_.size(), .text = row.continued}}, PdfRow::Kind::detail};
  place_row(flow, words, shape(words));
}

void PdfTable::place(PdfFlow& flow, const PdfColumn& title) {
  bool begun = false;
  for (std::size_t begin = 0; begin < rows_.size();) {
    const std::size_t end = group_end(begin);
    std::vector<ShapedRow> group;
    Length height = begun ? 0 : title_height + head_.height;
    for (std::size_t i = begin; i < end; ++i) height += group.emplace_back(shape(rows_[i])).height;
    const bool turned = flow.need(height);
    if (!begun) {
      const ShapedText chinese =
          fonts_.shape(title.chinese, {.size = pt(10), .bold = true, .ink = Ink::blue});
      flow.pages().text(flow.left(), flow.y() + pt(4), chinese);
      flow.pages().text(flow.left() + chinese.width + pt(6), flow.y() + tenths_pt(65),
                        fonts_.shape(title.english, {.size = tenths_pt(75), .ink = Ink::grey}));
      flow.advance(title_height);
    }
    if (!begun || turned) place_head(flow);
    if (begun && turned) place_continued(flow, rows_[begin]);
    begun = true;
    for (std::size_t i = begin; i < end; ++i) {
      // A group that is higher than a page is broken where it must be.
      if (flow.need(group[i - begin].height)) {
        place_head(flow);
        place_continued(flow, rows_[i]);
      }
      place_row(flow, rows_[i], group[i - begin]);
    }
    begin = end;
  }
  flow.pages().rule(flow.left(), flow.y(), width_, 2 * hairline, Ink::blue);
  flow.advance(pt(8));
}

}  // namespace voucherd::billing
