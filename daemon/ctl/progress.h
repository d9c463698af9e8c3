// Progress of long work on stderr: a line that is drawn over itself. Nothing where stderr is
// no terminal, so that logs stay clean.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace voucherd::ctl {

class Progress {
 public:
  Progress();
  /// Clears the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Draws, at most a few times a second. `done` is from 0 to `whole`; a `whole` of 0 is an unknown one.
  void show(std::uint64_t done, std::uint64_t whole, const std::string& text);
  bool is_shown() const { return terminal_; }

 private:
  bool terminal_;
  std::optional<std::chrono::steady_clock::time_point> drawn_;
};

}  // namespace voucherd::ctl
