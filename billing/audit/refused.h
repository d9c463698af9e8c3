// How a check inside this room says no: thrown where something does not hold, caught in verify_bundle().
// Private to billing/audit.
#pragma once

#include <string>
#include <utility>

namespace voucherd::billing {

struct Refused {
  std::string where;  // a file of the bundle, and what of it
  std::string what;
};

inline void refuse_unless(bool holds, const std::string& where, const char* what) {
  if (!holds) throw Refused{where, what};
}

}  // namespace voucherd::billing
