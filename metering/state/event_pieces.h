// The pieces of a usage record's events (version 2), in their order: FORMAT.md (metering/journal). Stored:
// never to change.
#pragma once

#include <cstddef>

namespace voucherd {

inline constexpr std::size_t piece_charged_names = 0;  // subjects, SKUs, projects
inline constexpr std::size_t piece_other_names = 1;    // sources, nodes
inline constexpr std::size_t piece_subjects = 2;
inline constexpr std::size_t piece_skus = 3;
inline constexpr std::size_t pieces_before_groups = 4;
// Of each group:
inline constexpr std::size_t piece_figures = 0;
inline constexpr std::size_t piece_details = 1;
inline constexpr std::size_t piece_packed_ids = 2;
inline constexpr std::size_t pieces_of_group = 3;

}  // namespace voucherd
