// voucherd in its own process and on a directory of its own, with the firms and SKUs of the bench.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "tests/bench/driver/http_client.h"
#include "tests/bench/driver/process.h"

namespace voucherd::bench {

struct Programs {
  std::string voucherd, voucherctl;
};

class Daemon {
 public:
  /// Starts on `directory`/data and waits until it answers. `toml` is further configuration.
  Daemon(const Programs& programs, std::string directory, const std::string& toml = "");
  /// The same over TLS, with a certificate of its own.
  static std::unique_ptr<Daemon> over_tls(const Programs& programs, const std::string& directory);

  const Endpoint& api() const { return api_; }
  /// From the start of the process until it answers.
  double start_seconds() const { return start_seconds_; }
  Process& process() { return *process_; }

  /// The firms and SKUs of the events, prices and a policy: what statements need.
  void register_facts() const;

  double peak_memory_mib() const;
  double resident_memory_mib() const;
  std::uint64_t bytes_written() const { return process_->figure("io", "write_bytes:"); }
  /// Figures of /metrics by name; only those without labels.
  std::map<std::string, double> metrics() const;

  void stop();
  void kill();

  // On disk.
  std::uint64_t checkpoint_bytes() const { return directory_bytes(data() + "/checkpoints"); }
  std::uint64_t journal_bytes() const { return directory_bytes(data()) - checkpoint_bytes(); }
  std::string data() const { return directory_ + "/data"; }

 private:
  std::string directory_;
  std::unique_ptr<Process> process_;
  TlsClient tls_client_;
  Endpoint api_, admin_;
  double start_seconds_ = 0;
};

/// Two looks at a stopped daemon's directory; both fail where anything differs. `voucherctl journal check`:
/// everything that is kept beside the journal is made again from it and compared.
void check_journal(const Programs& programs, const std::string& directory);
/// `voucherctl journal recount`: all charges from the stored events. Returns what it says.
Json recount_journal(const Programs& programs, const std::string& directory);

}  // namespace voucherd::bench
