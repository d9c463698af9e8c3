// What makes XLSX and PDF of statements: the letterhead, the fonts, and the thread that they are made on.
#pragma once

#include <memory>

#include "billing/render/letterhead.h"
#include "billing/render/pdf.h"
#include "daemon/render_thread.h"

namespace voucherd {

struct Documents {
  billing::Letterhead letterhead;
  std::unique_ptr<billing::PdfRenderer>
      pdf;              // nullptr: documents.font is empty, there are no PDFs; on `thread` only
  RenderThread thread;  // last: its work uses the others
};

}  // namespace voucherd
