#include "billing/render/document_size.h"

namespace voucherd::billing {

Result<void> check_rows(const std::string& what, std::size_t rows, std::size_t rows_max,
                        const std::string& instead) {
  if (rows <= rows_max) return {};
  return Fault{std::string(document_too_large), what + " would have " + std::to_string(rows) +
                                                    " rows, more than " + std::to_string(rows_max) + "; " +
                                                    instead};
}

}  // namespace voucherd::billing
