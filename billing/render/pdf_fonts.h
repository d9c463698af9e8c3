// Text of one family for Chinese and one for ASCII, shaped for paper by Pango. What Pango knows as markup is
// never used; a character that no font has is written out by its number.
//
// Two families, since Cairo 1.16 cuts a font of subroutines (Noto Sans CJK) down to the glyphs used only as
// long as no two of them share a subroutine that sets hints: K and L do, hanzi do not. A PDF with both in one
// font holds all its subroutines and has 1.7 MB instead of 160 kB. Families of one file will do (… SC, … JP).
#pragma once

#include <pango/pango.h>

#include <compare>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "metering/core/result.h"

namespace voucherd::billing {

/// 1/1024 point, Pango's unit: whole numbers, so that equal documents are equal to the last digit.
using Length = int;
constexpr Length pt(int points) { return points * 1024; }
constexpr Length tenths_pt(int tenths) { return tenths * 1024 / 10; }

enum class Ink { black, grey, blue, red, white, pale_blue, rule, watermark };

struct TypeStyle {
  Length size = tenths_pt(80);
  bool bold = false;
  Ink ink = Ink::black;
  friend auto operator<=>(const TypeStyle&, const TypeStyle&) = default;
};

/// One or more lines of one style.
struct ShapedText {
  std::shared_ptr<PangoLayout> layout;
  TypeStyle style;
  int lines = 0;
  Length width = 0;  // of the longest line

  static Length pitch(Length size) { return size * 13 / 10; }
  Length height() const { return lines * pitch(style.size); }
};

struct PdfFamilies {
  std::string chinese, latin;
};

/// One thread at a time.
class PdfFonts {
 public:
  /// Fault "font_missing".
  static Result<std::unique_ptr<PdfFonts>> open(const PdfFamilies& families);

  /// `width_max` 0: one line, however long; else broken between words, or within one that is too long.
  ShapedText shape(std::string_view text, TypeStyle style, Length width_max = 0);
  /// Without shaping where it is a figure ("-1,234.5"): all digits are equally wide.
  Length width_of(std::string_view text, TypeStyle style);
  /// What of `text` no installed font has is written out, as visible_text() does with what can't be seen.
  std::string printable(std::string_view text);

 private:
  explicit PdfFonts(PdfFamilies families);
  std::shared_ptr<PangoLayout> layout(std::string_view text, TypeStyle style) const;
  const ShapedText& shape_line(std::string_view text, TypeStyle style);
  bool has_glyph(char32_t code_point, std::string_view bytes);

  PdfFamilies families_;
  std::shared_ptr<PangoFontMap> map_;
  std::shared_ptr<PangoContext> context_;
  static constexpr std::size_t lines_max = 2048;
  /// What was shaped before, for documents before as well: heads, units and SKUs come again and again.
  std::map<std::pair<std::string, TypeStyle>, ShapedText> lines_;
  std::map<char32_t, bool> glyphs_;
  std::map<std::pair<char, bool>, Length> figure_widths_;  // by character and weight, at measure_size
};

}  // namespace voucherd::billing
