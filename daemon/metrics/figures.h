// The plain figures of a snapshot: one row per metric without labels, so that a name, its help and its
// source stand in one place.
#pragma once

#include <span>

#include "daemon/metrics/metrics.h"

namespace voucherd {

struct Figure {
  enum class Type { counter, gauge } type;
  const char* name;
  const char* help;
  double (*value)(const MetricsSnapshot&);
};

std::span<const Figure> figures();

}  // namespace voucherd
