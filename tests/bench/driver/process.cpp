#include "tests/bench/driver/process.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <thread>

namespace voucherd::bench {

namespace {

std::set<pid_t> running_processes;  // the driver starts them from one thread

/// The fields of /proc/<path> behind the program's name, which may hold blanks: the state comes first.
std::istringstream stat_fields(const std::string& path) {
  const std::string line = read_file("/proc/" + path);
  const std::size_t name_end = line.rfind(')');
  return std::istringstream(name_end == std::string::npos ? "" : line.substr(name_end + 2));
}

struct Stat {
  pid_t parent = 0;
  double own_seconds = 0, ended_children_seconds = 0;
};

Stat read_stat(const std::string& path) {
  auto fields = stat_fields(path);
  Stat stat;
  std::string skipped;
  fields >> skipped >> stat.parent;
  for (int i = 0; i < 9; ++i) fields >> skipped;
  double user = 0, system = 0, children_user = 0, children_system = 0;
  fields >> user >> system >> children_user >> children_system;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  stat.own_seconds = (user + system) / ticks;
  stat.ended_children_seconds = (children_user + children_system) / ticks;
  return stat;
}

/// In the child: never returns.
[[noreturn]] void become(const Process::Start& start) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a bench that is killed leaves nothing behind
  const int log = open(start.log_file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
  dup2(log, 1);
  dup2(log, 2);
  if (!start.user.empty()) {
    const passwd* user = getpwnam(start.user.c_str());  // NOLINT(concurrency-mt-unsafe): one thread here
    if (user == nullptr || setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0) {
      _exit(126);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // setuid() forgot it
  }
  std::vector<char*> arguments;
  for (const auto& argument : start.command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

void fail(const std::string& what) {
  std::cerr << "bench_driver: " << what << "\n";
  for (const pid_t pid : running_processes) ::kill(pid, SIGKILL);
  std::_Exit(1);
}

Process::Process(const Start& start) : pid_(fork()) {
  if (pid_ < 0) fail("can't start " + start.command.front());
  if (pid_ == 0) become(start);
  running_processes.insert(pid_);
}

Process::~Process() {
  if (pid_ == 0) return;
  signal(SIGKILL);
  wait();
}

bool Process::running() {
  if (pid_ == 0) return false;
  if (waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  running_processes.erase(pid_);
  pid_ = 0;
  return false;
}

void Process::signal(int number) const { ::kill(pid_, number); }

int Process::wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  running_processes.erase(pid_);
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

double Process::cpu_seconds() const {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0) fail("a process is gone");
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double Process::tree_cpu_seconds() const {
  const Stat own = read_stat(std::to_string(pid_) + "/stat");
  double seconds = own.own_seconds + own.ended_children_seconds;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (const Stat stat = read_stat(name + "/stat"); stat.parent == pid_) seconds += stat.own_seconds;
  }
  return seconds;
}

std::uint64_t Process::figure(const char* file, const std::string& name) const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/" + file);
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(name, 0) == 0) return std::stoull(line.substr(name.size() + 1));
  }
  return 0;
}

int run_to_end(const Process::Start& start) {
  Process process(start);
  return process.wait();
}

double own_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t directory_bytes(const std::string& directory) {
  std::uint64_t bytes = 0;
  std::error_code error;  // files come and go under a running daemon
  for (auto entry = std::filesystem::recursive_directory_iterator(directory, error);
       entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    if (error) break;
    const std::uint64_t size = entry->is_regular_file(error) ? entry->file_size(error) : 0;
    if (!error) bytes += size;
  }
  return bytes;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

ScratchDirectory::ScratchDirectory(const std::string& parent, const std::string& user) {
  path_ = parent + "/voucherd-bench-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) fail("can't make a directory in " + parent);
  if (user.empty()) return;
  const passwd* owner = getpwnam(user.c_str());  // NOLINT(concurrency-mt-unsafe): no other thread asks
  if (owner == nullptr || chown(path_.c_str(), owner->pw_uid, owner->pw_gid) != 0) {
    fail("can't give " + path_ + " to " + user);
  }
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace voucherd::bench
