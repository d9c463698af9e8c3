// The bar's width is fixed: a terminal too narrow for it is one nobody watches progress on.
#include "daemon/ctl/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace voucherd::ctl {

namespace {
constexpr std::chrono::milliseconds redraw_every{200};
constexpr std::uint64_t bar_columns = 24;
}  // namespace

Progress::Progress() : terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void Progress::show(std::uint64_t done, std::uint64_t whole, const std::string& text) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || (drawn_ && now - *drawn_ < redraw_every)) return;
  drawn_ = now;
  std::string bar;
  if (whole > 0) {
    done = std::min(done, whole);
    const auto filled = static_cast<std::size_t>(done * bar_columns / whole);
    bar = "[" + std::string(filled, '#') + std::string(bar_columns - filled, '.') + "] " +
          std::to_string(done * 100 / whole) + " % ";
  }
  std::fprintf(stderr, "\r\x1b[K%s%s", bar.c_str(), text.c_str());
  std::fflush(stderr);
}

}  // namespace voucherd::ctl
