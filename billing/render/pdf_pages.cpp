#include "billing/render/pdf_pages.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include "metering/core/assert.h"

namespace voucherd::billing {
namespace {

struct Rgb {
  int red, green, blue;
};
Rgb colour_of(Ink ink) {
  switch (ink) {
    case Ink::black:
      return {0x1B, 0x1F, 0x24};
    case Ink::grey:
      return {0x5F, 0x6B, 0x78};
    case Ink::blue:
      return {0x1F, 0x3A, 0x5F};
    case Ink::red:
      return {0xB3, 0x26, 0x1E};
    case Ink::white:
      return {0xFF, 0xFF, 0xFF};
    case Ink::pale_blue:
      return {0xEE, 0xF2, 0xF7};
    case Ink::rule:
      return {0xC4, 0xCE, 0xD8};
    case Ink::watermark:
      return {0xF6, 0xE6, 0xE4};
  }
  VOUCHERD_ASSERT(false);
}

void set_ink(cairo_t* cairo, Ink ink) {
  const Rgb colour = colour_of(ink);
  cairo_set_source_rgb(cairo, colour.red / 255.0, colour.green / 255.0, colour.blue / 255.0);
}

void draw(cairo_t* cairo, Length x, Length y, const ShapedText& text) {
  set_ink(cairo, text.style.ink);
  const Length pitch = ShapedText::pitch(text.style.size);
  Length baseline = y + text.style.size * 98 / 100;
  for (int line = 0; line < text.lines; ++line, baseline += pitch) {
    cairo_move_to(cairo, pango_units_to_double(x), pango_units_to_double(baseline));
    pango_cairo_show_layout_line(cairo, pango_layout_get_line_readonly(text.layout.get(), line));
  }
}

/// No exception passes through Cairo, which is written in C.
cairo_status_t append(void* out, const unsigned char* data, unsigned int length) noexcept {
  try {
    static_cast<std::string*>(out)->append(reinterpret_cast<const char*>(data), length);
  } catch (const std::exception&) {
    return CAIRO_STATUS_NO_MEMORY;
  }
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

void PdfPages::text(Length x, Length y, ShapedText text) {
  pages_[current_].push_back({x, y, std::move(text), 0, 0, Ink::black});
}

void PdfPages::rule(Length x, Length y, Length width, Length thickness, Ink ink) {
  fill(x, y, width, thickness, ink);
}

void PdfPages::fill(Length x, Length y, Length width, Length height, Ink ink) {
  pages_[current_].push_back({x, y, {}, width, height, ink});
}

Result<std::string> PdfPages::write(const std::string& title, const std::string& author,
                                    Instant created) const {
  std::string out;
  cairo_surface_t* surface = cairo_pdf_surface_create_for_stream(append, &out, pango_units_to_double(width_),
                                                                 pango_units_to_double(height_));
  cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, title.c_str());
  cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_AUTHOR, author.c_str());
  const Instant second{created.ms / 1000 * 1000};
  cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE,
                                 format_instant(second, UtcOffset{0}).c_str());
  cairo_t* cairo = cairo_create(surface);
  for (const auto& page : pages_) {
    if (watermark_.layout) {
      cairo_save(cairo);
      cairo_translate(cairo, pango_units_to_double(width_ / 2), pango_units_to_double(height_ / 2));
      cairo_rotate(cairo, -0.5);
      draw(cairo, -watermark_.width / 2, -watermark_.height() / 2, watermark_);
      cairo_restore(cairo);
    }
    for (const Mark& mark : page) {
      if (mark.text.layout) {
        draw(cairo, mark.x, mark.y, mark.text);
        continue;
      }
      set_ink(cairo, mark.ink);
      cairo_rectangle(cairo, pango_units_to_double(mark.x), pango_units_to_double(mark.y),
                      pango_units_to_double(mark.width), pango_units_to_double(mark.height));
      cairo_fill(cairo);
    }
    cairo_show_page(cairo);
  }
  cairo_status_t status = cairo_status(cairo);
  cairo_destroy(cairo);
  cairo_surface_finish(surface);
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(surface);
  cairo_surface_destroy(surface);
  if (status != CAIRO_STATUS_SUCCESS) return Fault{"pdf_failed", cairo_status_to_string(status)};
  return {boost::system::in_place_value, std::move(out)};
}

}  // namespace voucherd::billing
