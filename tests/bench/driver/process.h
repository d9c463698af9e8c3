// A program under test in a process of its own: started with its output in a file, asked what it has
// spent, stopped. Everything that the bench starts goes through here, so that nothing outlives it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace voucherd::bench {

/// Says what went wrong and ends the program with status 1, after ending every process that it started.
[[noreturn]] void fail(const std::string& what);

class Process {
 public:
  struct Start {
    std::vector<std::string> command;  // the first is the program's path
    std::string log_file;              // of its stdout and stderr
    std::string user;                  // "": the same; else it runs as that user (only root can)
  };
  explicit Process(const Start& start);
  /// Kills it if it runs still.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  /// False once it has ended by itself.
  bool running();
  void signal(int number) const;
  /// Waits for its end; the exit status, or 128 + the signal's number.
  int wait();

  /// CPU seconds of all its threads, those that have ended too, to the nanosecond.
  double cpu_seconds() const;
  /// CPU seconds of it and its children, those that have ended too.
  double tree_cpu_seconds() const;
  /// A number out of /proc/PID/<file>, as "VmHWM:" out of "status".
  std::uint64_t figure(const char* file, const std::string& name) const;

 private:
  pid_t pid_ = 0;
};

/// Runs a program to its end; its output goes to the file. Returns its exit status.
int run_to_end(const Process::Start& start);

/// CPU seconds of this program: what the load itself takes.
double own_cpu_seconds();

/// Bytes of the files below `directory`; 0 where there is none.
std::uint64_t directory_bytes(const std::string& directory);

std::string read_file(const std::string& path);

/// A directory of its own below `parent`, removed at the end.
class ScratchDirectory {
 public:
  /// `user`: whose it becomes, "" for the same.
  explicit ScratchDirectory(const std::string& parent, const std::string& user = "");
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace voucherd::bench
