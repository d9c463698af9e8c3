// Where the next thing goes on the pages of a document: from the top down, on a new page where it does not
// fit on this one.
#pragma once

#include <functional>

#include "billing/render/pdf_pages.h"

namespace voucherd::billing {

struct PdfMargins {
  Length left, right, top, bottom;
};

class PdfFlow {
 public:
  /// `open_page` draws what stands at the head of a new page and returns where the rest begins.
  PdfFlow(PdfPages& pages, PdfMargins margins, std::function<Length(std::size_t page)> open_page)
      : pages_(pages), margins_(margins), open_page_(std::move(open_page)) {
    next_page();
  }

  void next_page() {
    pages_.begin_page();
    pages_.select(pages_.count() - 1);
    y_ = open_page_(pages_.count() - 1);
    fresh_ = true;
  }
  bool fits(Length height) const { return y_ + height <= pages_.height() - margins_.bottom; }
  /// A new page unless `height` fits on this one, or this one is fresh. True: there is a new one.
  bool need(Length height) {
    if (fits(height) || fresh_) return false;
    next_page();
    return true;
  }
  void advance(Length height) {
    y_ += height;
    fresh_ = false;
  }

  PdfPages& pages() { return pages_; }
  Length y() const { return y_; }
  Length left() const { return margins_.left; }
  Length width() const { return pages_.width() - margins_.left - margins_.right; }

 private:
  PdfPages& pages_;
  PdfMargins margins_;
  std::function<Length(std::size_t)> open_page_;
  Length y_ = 0;
  bool fresh_ = true;
};

}  // namespace voucherd::billing
