// How large a document may become. Beyond, nobody can read it, and making it would take the memory and the
// time of everybody else's: it is refused before any of it is made, and the fault says where the rows are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "metering/core/result.h"

namespace voucherd::billing {

inline constexpr std::size_t xlsx_rows_max = 200'000;  // of one sheet, which could hold 1,048,576
inline constexpr std::size_t pdf_rows_max = 20'000;    // of all tables: several hundred pages
inline constexpr std::string_view document_too_large = "document_too_large";

/// Fault "document_too_large": `what` has `rows`, more than `rows_max`; `instead` says where they are.
Result<void> check_rows(const std::string& what, std::size_t rows, std::size_t rows_max,
                        const std::string& instead);

}  // namespace voucherd::billing
