// Invariants are checked in production too: a broken one aborts, since counting on
// would turn a bug into wrong money.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace voucherd {

[[noreturn]] inline void invariant_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "invariant broken: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace voucherd

#define VOUCHERD_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::voucherd::invariant_failed(#condition, __FILE__, __LINE__))
