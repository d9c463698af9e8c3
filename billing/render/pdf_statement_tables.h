// The tables of a statement on paper: lines with what belongs to each, unpriced usage, the subsidy.
#pragma once

#include <nlohmann/json.hpp>

#include "billing/render/pdf_table.h"

namespace voucherd::billing {

/// What the tables below have together, but for the totals.
std::size_t table_rows(const nlohmann::ordered_json& statement);

/// Each takes the canonical JSON; a table without rows is left out.
void place_lines(PdfFonts& fonts, PdfFlow& flow, const nlohmann::ordered_json& statement);
void place_unpriced(PdfFonts& fonts, PdfFlow& flow, const nlohmann::ordered_json& statement);
void place_subsidy(PdfFonts& fonts, PdfFlow& flow, const nlohmann::ordered_json& statement);

}  // namespace voucherd::billing
