// What makes XLSX and PDF of statements: the fonts, and the thread that they are made on; and the letterhead
// that the configuration names, which becomes a fact of the journal whenever it has changed, so that a closed
// statement's documents keep the one of their close.
#pragma once

#include <memory>

#include "billing/core/letterhead.h"
#include "billing/render/pdf.h"
#include "daemon/engine/engine.h"
#include "daemon/render_thread.h"

namespace voucherd {

struct Documents {
  std::unique_ptr<billing::PdfRenderer>
      pdf;              // nullptr: documents.font is empty, there are no PDFs; on `thread` only
  RenderThread thread;  // last: its work uses the others
};

/// Records the letterhead where it is another one than the last. `done` runs on the owner's thread, with the
/// refusal where there is one: documents then go on with the last one.
void record_letterhead(Engine& engine, const billing::Letterhead& letterhead,
                       std::function<void(const std::optional<billing::Refusal>&)> done);

/// What stands on a document of that journal position.
billing::Letterhead letterhead_at(const Engine& engine, Position position);

}  // namespace voucherd
