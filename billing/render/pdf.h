// A statement as a PDF that is ready to be sent: A4, Chinese with English beneath. Equal arguments give
// equal bytes for one build and one set of fonts, whatever the host's locale and time zone.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "billing/core/letterhead.h"
#include "metering/core/result.h"

namespace voucherd::billing {

/// Keeps its fonts from one document to the next. One thread at a time.
class PdfRenderer {
 public:
  /// Font families of Chinese and of ASCII: two, since that makes small files (pdf_fonts.h). Fault
  /// "font_missing" where one is not installed, or lacks what statements need.
  static Result<std::unique_ptr<PdfRenderer>> open(const std::string& chinese_font,
                                                   const std::string& latin_font);
  ~PdfRenderer();

  /// `statement` is the canonical JSON with `journal`. An open one is marked as a draft. Fault
  /// "document_too_large" (document_size.h) or "pdf_failed".
  Result<std::string> render(const nlohmann::ordered_json& statement, const Letterhead& letterhead);

 private:
  struct Impl;
  explicit PdfRenderer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace voucherd::billing
