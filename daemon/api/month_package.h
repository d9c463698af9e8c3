// GET /v1/statements/{period}.zip: all statements of a month and its summary as one archive. It is made while
// it is sent, a firm at a time: the owner's thread finds a statement, the render thread makes its files, and
// the next firm is begun only when what was made is on its way. So the memory that it takes does not grow
// with the firms, and ingest goes on meanwhile.
#pragma once

#include <memory>

#include "daemon/documents.h"
#include "daemon/engine/engine.h"
#include "daemon/http/server.h"

namespace voucherd::api {

/// Each holds a firm's files in memory and a place on the render thread; beyond: 503.
inline constexpr int packages_max = 2;
/// What is gathered before it is sent.
inline constexpr std::size_t package_piece_bytes = 256u << 10;

struct PackageFormats {
  bool json = false, csv = false, xlsx = false, pdf = false;
  bool excel = false;  // CSV begins with a byte order mark
};

/// How many are being made. Owner thread only.
struct PackagesUnderWay {
  int count = 0;
};

/// Replies once the first statement is found (404 where there is none), and with the archive's pieces as they
/// are asked for. A closed month's bytes are always the same; of an open month each statement is as it stands
/// when its turn comes. A document that would be too large is replaced by a text that says so
/// (NAME.xlsx.txt). An archive that can't be finished (no space for a workbook's temporary files, no memory,
/// a month that is closed meanwhile) ends without its list of files, so that nobody takes it for whole.
void send_month_package(const Engine& engine, Documents& documents,
                        const std::shared_ptr<PackagesUnderWay>& under_way, Month period,
                        const PackageFormats& formats, http::Reply reply);

}  // namespace voucherd::api
