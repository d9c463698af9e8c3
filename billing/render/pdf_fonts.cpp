#include "billing/render/pdf_fonts.h"

#include <pango/pangocairo.h>

#include "billing/render/visible_text.h"

namespace voucherd::billing {
namespace {

constexpr Length measure_size = pt(100);
/// What every statement needs: if a font lacks these, it is no Chinese one.
constexpr std::string_view probe = "算力服务对账单应退人民币零壹贰叁肆伍陆柒捌玖拾佰仟万亿元角分整〓1,234.50";

template <class Object>
std::shared_ptr<Object> owned(Object* object) {
  return {object, [](Object* released) { g_object_unref(released); }};
}

bool installed(PangoFontMap* map, PangoContext* context, const std::string& family) {
  PangoFontDescription* wanted = pango_font_description_new();
  pango_font_description_set_family(wanted, family.c_str());
  PangoFont* font = pango_font_map_load_font(map, context, wanted);
  pango_font_description_free(wanted);
  if (font == nullptr) return false;
  PangoFontDescription* found = pango_font_describe(font);
  const bool same = family == pango_font_description_get_family(found);
  pango_font_description_free(found);
  g_object_unref(font);
  return same;
}

/// ASCII in the Latin family; nowhere a hyphen that is not in the text.
PangoAttrList* latin_runs(std::string_view text, const std::string& family) {
  PangoAttrList* runs = pango_attr_list_new();
  pango_attr_list_insert(runs, pango_attr_insert_hyphens_new(FALSE));
  const auto is_ascii = [&](std::size_t i) { return static_cast<unsigned char>(text[i]) < 0x80; };
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size() && is_ascii(end)) ++end;
    if (end > begin) {
      PangoAttribute* run = pango_attr_family_new(family.c_str());
      run->start_index = static_cast<guint>(begin);
      run->end_index = static_cast<guint>(end);
      pango_attr_list_insert(runs, run);
    }
    begin = end + 1;
  }
  return runs;
}

Fault not_installed(const std::string& family, const std::string& key) {
  return {"font_missing", "the font family '" + family +
                              "' is not installed: install the Debian package fonts-noto-cjk, name another "
                              "family in documents." +
                              key + ", or leave documents.font empty to go without PDFs"};
}

}  // namespace

PdfFonts::PdfFonts(PdfFamilies families)
    : families_(std::move(families)),
      map_(owned(pango_cairo_font_map_new())),
      context_(owned(pango_font_map_create_context(map_.get()))) {
  // Nothing of the host's: its locale would choose between Chinese and Japanese shapes, its desktop the
  // resolution and the hinting.
  pango_cairo_context_set_resolution(context_.get(), 72);
  pango_context_set_language(context_.get(), pango_language_from_string("zh-cn"));
  pango_context_set_base_dir(context_.get(), PANGO_DIRECTION_LTR);
  pango_context_set_round_glyph_positions(context_.get(), FALSE);
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  pango_cairo_context_set_font_options(context_.get(), options);
  cairo_font_options_destroy(options);
}

Result<std::unique_ptr<PdfFonts>> PdfFonts::open(const PdfFamilies& families) {
  std::unique_ptr<PdfFonts> fonts(new PdfFonts(families));
  const auto is_installed = [&](const std::string& family) {
    return installed(fonts->map_.get(), fonts->context_.get(), family);
  };
  if (!is_installed(families.chinese)) return not_installed(families.chinese, "font");
  if (!is_installed(families.latin)) return not_installed(families.latin, "latin_font");
  for (const bool bold : {false, true}) {
    const auto layout = fonts->layout(probe, {.bold = bold});
    PangoAttrList* attributes = latin_runs(probe, families.latin);
    pango_attr_list_insert(attributes, pango_attr_fallback_new(FALSE));
    pango_layout_set_attributes(layout.get(), attributes);
    pango_attr_list_unref(attributes);
    if (pango_layout_get_unknown_glyphs_count(layout.get()) > 0) {
      return Fault{
          "font_missing",
          "the font family '" + families.chinese + "' lacks Chinese characters that statements need, or '" +
              families.latin +
              "' lacks digits: install the Debian package fonts-noto-cjk and name families of it in "
              "documents.font and documents.latin_font, such as 'Noto Sans CJK SC' and 'Noto Sans CJK JP'"};
    }
  }
  return {std::move(fonts)};
}

std::shared_ptr<PangoLayout> PdfFonts::layout(std::string_view text, TypeStyle style) const {
  auto layout = owned(pango_layout_new(context_.get()));
  PangoFontDescription* font = pango_font_description_new();
  pango_font_description_set_family(font, families_.chinese.c_str());
  pango_font_description_set_size(font, style.size);
  pango_font_description_set_weight(font, style.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
  pango_layout_set_font_description(layout.get(), font);
  pango_font_description_free(font);
  pango_layout_set_auto_dir(layout.get(), FALSE);
  pango_layout_set_text(layout.get(), text.data(), static_cast<int>(text.size()));
  PangoAttrList* runs = latin_runs(text, families_.latin);
  pango_layout_set_attributes(layout.get(), runs);
  pango_attr_list_unref(runs);
  return layout;
}

namespace {

ShapedText measured(std::shared_ptr<PangoLayout> layout, TypeStyle style) {
  PangoRectangle extents;
  pango_layout_get_extents(layout.get(), nullptr, &extents);
  const int lines = pango_layout_get_line_count(layout.get());
  return {std::move(layout), style, lines, extents.width};
}

}  // namespace

const ShapedText& PdfFonts::shape_line(std::string_view text, TypeStyle style) {
  std::pair<std::string, TypeStyle> key(text, style);
  if (const auto found = lines_.find(key); found != lines_.end()) return found->second;
  if (lines_.size() >= lines_max) lines_.clear();
  return lines_.emplace(std::move(key), measured(layout(printable(text), style), style)).first->second;
}

ShapedText PdfFonts::shape(std::string_view text, TypeStyle style, Length width_max) {
  const ShapedText& line = shape_line(text, style);
  if (width_max == 0 || line.width <= width_max) return line;
  auto broken = layout(printable(text), style);
  pango_layout_set_width(broken.get(), width_max);
  pango_layout_set_wrap(broken.get(), PANGO_WRAP_WORD_CHAR);
  return measured(std::move(broken), style);
}

Length PdfFonts::width_of(std::string_view text, TypeStyle style) {
  if (text.find_first_not_of("0123456789.,-%") != std::string_view::npos)
    return shape_line(text, style).width;
  std::int64_t width = 0;
  for (const char c : text) {
    const auto [found, added] = figure_widths_.try_emplace({c, style.bold}, 0);
    if (added) found->second = shape(std::string(1, c), {.size = measure_size, .bold = style.bold}).width;
    width += found->second;
  }
  return static_cast<Length>(width * style.size / measure_size);
}

std::string PdfFonts::printable(std::string_view text) {
  const std::string visible = visible_text(text);
  std::string out;
  for (std::size_t at = 0; at < visible.size();) {
    const std::size_t begin = at;
    const char32_t code_point = next_code_point(visible, at);
    const std::string_view bytes(visible.data() + begin, at - begin);
    out += has_glyph(code_point, bytes) ? std::string(bytes) : shown_by_number(code_point);
  }
  return out;
}

bool PdfFonts::has_glyph(char32_t code_point, std::string_view bytes) {
  if (code_point < 0x7F) return true;  // ASCII is in the probed fonts
  const auto [found, added] = glyphs_.try_emplace(code_point, false);
  if (added) found->second = pango_layout_get_unknown_glyphs_count(layout(bytes, {}).get()) == 0;
  return found->second;
}

}  // namespace voucherd::billing
