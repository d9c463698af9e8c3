#include "billing/render/xlsx_book.h"

#include <locale.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include <algorithm>
#include <array>
#include <map>
#include <new>
#include <tuple>

#include "billing/render/visible_text.h"
#include "metering/core/assert.h"
#include "metering/core/decimal.h"

namespace voucherd::billing {

namespace {

/// libxlsxwriter prints numbers as the thread's locale says; a workbook has decimal points, whatever the
/// host's.
class PlainNumerals {
 public:
  PlainNumerals() : plain_(newlocale(LC_ALL_MASK, "C", nullptr)) {
    VOUCHERD_ASSERT(plain_ != nullptr);
    before_ = uselocale(plain_);
  }
  ~PlainNumerals() {
    uselocale(before_);
    freelocale(plain_);
  }
  PlainNumerals(const PlainNumerals&) = delete;
  PlainNumerals& operator=(const PlainNumerals&) = delete;

 private:
  locale_t plain_, before_ = nullptr;
};

}  // namespace

struct XlsxBook::Impl {
  PlainNumerals numerals;       // for as long as the book lives, on its thread
  int file = -1;                // of memory: libxlsxwriter writes to a path only
  const char* fault = nullptr;  // the first one, for finish(): what comes from data aborts nothing
  lxw_workbook* book = nullptr;
  std::map<std::tuple<std::string, CellLook>, lxw_format*> formats;

  void check(lxw_error error) {
    if (error != LXW_NO_ERROR && fault == nullptr) fault = lxw_strerror(error);
  }

  lxw_format* format(const std::string& number_format, CellLook look) {
    lxw_format*& format = formats[{number_format, look}];
    if (format == nullptr) format = make_format(number_format, look);
    return format;
  }

  lxw_format* make_format(const std::string& number_format, CellLook look) const {
    constexpr lxw_color_t heading_fill = 0xE8EEF4, line = 0x7F8C99, red = 0xC00000;
    lxw_format* made = workbook_add_format(book);
    format_set_font_name(made, "等线");
    format_set_font_size(made, look.title ? 16 : 10);
    format_set_num_format(made, number_format.c_str());
    format_set_align(made, LXW_ALIGN_VERTICAL_CENTER);
    if (look.bold || look.heading || look.title) format_set_bold(made);
    if (look.warning) format_set_font_color(made, red);
    if (look.total) format_set_top(made, LXW_BORDER_THIN);
    if (look.heading) {
      format_set_bg_color(made, heading_fill);
      format_set_bottom(made, LXW_BORDER_THIN);
      format_set_bottom_color(made, line);
      format_set_text_wrap(made);
      format_set_align(made, LXW_ALIGN_CENTER);
    }
    return made;
  }
};

namespace {

constexpr const char* text_format = "@";           // what is typed over such a cell stays text, too
constexpr std::int32_t days_before_1970 = 25'569;  // day 0 of spreadsheets is 1899-12-30

lxw_worksheet* sheet_of(void* sheet) { return static_cast<lxw_worksheet*>(sheet); }

/// "_x0041_" in a file stands for "A": a text that has it by itself needs its underscore written out.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto is_hex = [&](std::size_t i) {
      return std::string_view("0123456789abcdefABCDEF").find(text[i]) != std::string_view::npos;
    };
    const bool code = at + 6 < text.size() && text[at] == '_' && text[at + 1] == 'x' && text[at + 6] == '_' &&
                      is_hex(at + 2) && is_hex(at + 3) && is_hex(at + 4) && is_hex(at + 5);
    out += code ? "_x005F_" : std::string(1, text[at]);
  }
  return out;
}

std::size_t fraction_digits_of(std::string_view decimal) {
  const std::size_t point = decimal.find('.');
  return point == std::string_view::npos ? 0 : decimal.size() - point - 1;
}

/// "#,##0.000": so many fraction digits.
std::string digits_format(std::size_t fraction_digits) {
  return fraction_digits == 0 ? "#,##0" : "#,##0." + std::string(fraction_digits, '0');
}

/// The nearest double of a decimal with at most 15 significant digits; false: it has more. Both the digits
/// and the power of ten are exact in a double, so that the one division rounds correctly.
bool to_double(std::string_view decimal, double& value) {
  constexpr int scale_max = 18;
  const auto units = parse_decimal(decimal, scale_max);
  if (!units) return false;
  Int128 digits = *units;
  int scale = scale_max;
  for (; scale > 0 && digits % 10 == 0; --scale) digits /= 10;
  constexpr std::int64_t exact_max = 1'000'000'000'000'000;
  if (digits > exact_max || digits < -exact_max) return false;
  double power = 1;
  for (; scale > 0; --scale) power *= 10;
  value = static_cast<double>(static_cast<std::int64_t>(digits)) / power;
  return true;
}

}  // namespace

void XlsxSheet::text(std::uint32_t row, std::uint16_t column, std::string_view value, CellLook look) {
  if (value.empty()) {  // an empty string is no cell, and would lose its look
    return book_.impl_->check(
        worksheet_write_blank(sheet_of(sheet_), row, column, book_.impl_->format(text_format, look)));
  }
  book_.impl_->check(worksheet_write_string(sheet_of(sheet_), row, column,
                                            escaped(visible_text(value)).c_str(),
                                            book_.impl_->format(text_format, look)));
}

void XlsxSheet::number(std::uint32_t row, std::uint16_t column, std::string_view decimal,
                       const std::string& format, CellLook look) {
  double value = 0;
  if (!to_double(decimal, value)) return text(row, column, decimal, look);
  book_.impl_->check(
      worksheet_write_number(sheet_of(sheet_), row, column, value, book_.impl_->format(format, look)));
}

void XlsxSheet::figure(std::uint32_t row, std::uint16_t column, std::string_view decimal, CellLook look) {
  number(row, column, decimal, digits_format(fraction_digits_of(decimal)), look);
}

void XlsxSheet::amount(std::uint32_t row, std::uint16_t column, std::string_view decimal, CellLook look) {
  number(row, column, decimal, "#,##0.00", look);
}

void XlsxSheet::rate(std::uint32_t row, std::uint16_t column, std::string_view decimal, CellLook look) {
  const std::size_t fraction_digits = fraction_digits_of(decimal);
  const std::string decimals = fraction_digits > 2 ? "." + std::string(fraction_digits - 2, '0') : "";
  number(row, column, decimal, "0" + decimals + "%", look);
}

void XlsxSheet::day(std::uint32_t row, std::uint16_t column, LocalDay day, CellLook look) {
  book_.impl_->check(worksheet_write_number(sheet_of(sheet_), row, column, day.days + days_before_1970,
                                            book_.impl_->format("yyyy-mm-dd", look)));
}

void XlsxSheet::headings(std::uint32_t row, const std::vector<std::string>& words) {
  constexpr int two_lines = 32;
  book_.impl_->check(worksheet_set_row(sheet_of(sheet_), row, two_lines, nullptr));
  std::uint16_t column = 0;
  for (const auto& each : words) {
    book_.impl_->check(worksheet_write_string(sheet_of(sheet_), row, column++, each.c_str(),
                                              book_.impl_->format("General", {.heading = true})));
  }
}

void XlsxSheet::widths(const std::vector<int>& characters) {
  std::uint16_t column = 0;
  for (const int width : characters) {
    book_.impl_->check(worksheet_set_column(sheet_of(sheet_), column, column, width, nullptr));
    ++column;
  }
}

void XlsxSheet::freeze_above(std::uint32_t row) {
  worksheet_freeze_panes(sheet_of(sheet_), row, 0);
  book_.impl_->check(worksheet_repeat_rows(sheet_of(sheet_), row - 1, row - 1));
}

void XlsxSheet::filter(std::uint32_t first_row, std::uint32_t last_row, std::uint16_t last_column) {
  book_.impl_->check(worksheet_autofilter(sheet_of(sheet_), first_row, 0, last_row, last_column));
}

void XlsxSheet::print(bool landscape, const std::string& footer) {
  constexpr std::uint8_t a4 = 9;
  lxw_worksheet* sheet = sheet_of(sheet_);
  worksheet_set_paper(sheet, a4);
  if (landscape) worksheet_set_landscape(sheet);
  worksheet_fit_to_pages(sheet, 1, 0);
  worksheet_center_horizontally(sheet);
  book_.impl_->check(
      worksheet_set_footer(sheet, ("&L&8" + footer + "&R&8第 &P 页 共 &N 页  Page &P of &N").c_str()));
}

XlsxBook::XlsxBook(const std::string& title, Instant created) : impl_(std::make_unique<Impl>()) {
  impl_->file = memfd_create("xlsx", MFD_CLOEXEC);
  if (impl_->file < 0) impl_->fault = "no file in memory could be opened";
  impl_->book = workbook_new(("/proc/self/fd/" + std::to_string(impl_->file)).c_str());
  if (impl_->book == nullptr) {
    ::close(impl_->file);
    throw std::bad_alloc();
  }
  std::string copy = title;  // the library takes char*
  lxw_doc_properties properties{};
  properties.title = copy.data();
  properties.created = created.ms / 1000;
  impl_->check(workbook_set_properties(impl_->book, &properties));
}

XlsxBook::~XlsxBook() {
  if (impl_->book != nullptr) lxw_workbook_free(impl_->book);
  ::close(impl_->file);
}

XlsxSheet XlsxBook::add_sheet(const std::string& name) {
  lxw_worksheet* sheet = workbook_add_worksheet(impl_->book, name.c_str());
  VOUCHERD_ASSERT(sheet != nullptr);
  return {*this, sheet};
}

Result<std::string> XlsxBook::finish() {
  impl_->check(workbook_close(std::exchange(impl_->book, nullptr)));
  if (impl_->fault != nullptr) return Fault{"xlsx_failed", impl_->fault};
  std::string bytes;
  std::array<char, 64u << 10> piece{};
  for (;;) {
    const ssize_t read = ::pread(impl_->file, piece.data(), piece.size(), static_cast<off_t>(bytes.size()));
    if (read < 0) return Fault{"xlsx_failed", "the file can't be read back"};
    if (read == 0) break;
    bytes.append(piece.data(), static_cast<std::size_t>(read));
  }
  return {boost::system::in_place_value, std::move(bytes)};
}

}  // namespace voucherd::billing
