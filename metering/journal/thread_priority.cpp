#include "metering/journal/thread_priority.h"

#include <sys/resource.h>

namespace voucherd {

void let_others_go_first() {
  constexpr int nice_of_background = 10;
  constexpr id_t calling_thread = 0;  // in Linux
  if (::getpriority(PRIO_PROCESS, calling_thread) >= nice_of_background) return;
  static_cast<void>(::setpriority(PRIO_PROCESS, calling_thread, nice_of_background));
}

}  // namespace voucherd
