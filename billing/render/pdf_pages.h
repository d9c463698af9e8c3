// The pages of a document as lists of marks, written as a PDF once all are there: how many pages there are
// is known only then.
#pragma once

#include <string>
#include <vector>

#include "billing/render/pdf_fonts.h"
#include "metering/core/result.h"
#include "metering/core/time.h"

namespace voucherd::billing {

class PdfPages {
 public:
  PdfPages(Length width, Length height) : width_(width), height_(height) {}

  void begin_page() { pages_.emplace_back(); }
  std::size_t count() const { return pages_.size(); }
  /// The page that marks go to; begin_page() moves on to the new one.
  void select(std::size_t page) { current_ = page; }

  /// `y` is the top of the first line.
  void text(Length x, Length y, ShapedText text);
  void text_right(Length right, Length y, const ShapedText& text) { this->text(right - text.width, y, text); }
  void rule(Length x, Length y, Length width, Length thickness, Ink ink);
  void fill(Length x, Length y, Length width, Length height, Ink ink);
  /// Across the middle of every page, beneath all else.
  void watermark(ShapedText text) { watermark_ = std::move(text); }

  Length width() const { return width_; }
  Length height() const { return height_; }
  /// `created` is the only time in the file. Fault "pdf_failed": Cairo says what is wrong.
  Result<std::string> write(const std::string& title, const std::string& author, Instant created) const;

 private:
  struct Mark {
    Length x, y;
    ShapedText text;  // without a layout: a filled box
    Length width, height;
    Ink ink;
  };
  Length width_, height_;
  std::vector<std::vector<Mark>> pages_;
  std::size_t current_ = 0;
  ShapedText watermark_;
};

}  // namespace voucherd::billing
