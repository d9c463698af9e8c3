// End-to-end ingest benchmark: starts the daemon in its own process, registers firms and SKUs,
// streams prebuilt NDJSON bodies over a few connections with requests in flight, and prints
// what the server spent. The client shares the machine's cores, so compare within one run.
//
//   ingest_driver --voucherd build/release/voucherd [--events 2000000] [--batch 1000]
//                 [--connections 4] [--in-flight 2] [--json FILE]
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "metering/core/ids.h"

namespace {

using Clock = std::chrono::steady_clock;
using voucherd::is_uscc;

struct Settings {
  std::string voucherd;
  std::uint64_t events = 2'000'000;
  std::uint32_t batch = 1000;
  int connections = 4;
  int in_flight = 2;
  std::string data_dir;
  std::string json_file;
};

[[noreturn]] void fail(const std::string& what) {
  std::cerr << "ingest_driver: " << what << "\n";
  std::exit(1);
}

// The daemon ------------------------------------------------------------------------------

class Daemon {
 public:
  Daemon(const std::string& binary, const std::string& directory) {
    const std::string ports = directory + "/ports.json";
    pid_ = fork();
    if (pid_ == 0) {
      const int log = open((directory + "/voucherd.log").c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
      dup2(log, 2);
      const std::string data = directory + "/data";
      execl(binary.c_str(), binary.c_str(), "--data", data.c_str(), "--listen", "127.0.0.1:0",
            "--admin-listen", "127.0.0.1:0", "--ports-file", ports.c_str(), nullptr);
      _exit(127);
    }
    while (!std::filesystem::exists(ports)) {
      if (waitpid(pid_, nullptr, WNOHANG) != 0)
        fail("the daemon did not start; see " + directory + "/voucherd.log");
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    std::ifstream file(ports);
    const auto api = nlohmann::json::parse(file)["api"].get<std::string>();
    port_ = static_cast<std::uint16_t>(std::stoi(api.substr(api.rfind(':') + 1)));
  }
  std::uint16_t port() const { return port_; }

  /// User and system seconds, from /proc.
  double cpu_seconds() const {
    std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
    std::string line((std::istreambuf_iterator<char>(stat)), {});
    std::istringstream fields(line.substr(line.rfind(')') + 2));
    std::string skip;
    for (int i = 0; i < 11; ++i) fields >> skip;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }
  std::uint64_t figure(const char* file, const std::string& name) const {
    std::ifstream in("/proc/" + std::to_string(pid_) + "/" + file);
    for (std::string line; std::getline(in, line);) {
      if (line.rfind(name, 0) == 0) return std::stoull(line.substr(name.size() + 1));
    }
    return 0;
  }
  void stop() {
    kill(pid_, SIGTERM);
    int status = 0;
    waitpid(pid_, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail("the daemon did not stop with status 0");
  }

 private:
  pid_t pid_ = 0;
  std::uint16_t port_ = 0;
};

// A blocking HTTP client, as cheap as can be: it shares the cores with the server ------------

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("can't connect");
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(const std::string& bytes) const {
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t n = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) fail("the connection broke while sending");
      at += static_cast<std::size_t>(n);
    }
  }
  /// The next answer's status and body.
  std::pair<int, std::string> receive() {
    std::size_t head;
    while ((head = buffer_.find("\r\n\r\n")) == std::string::npos) fill();
    const std::size_t at = buffer_.find("Content-Length: ");
    if (at > head) fail("an answer without Content-Length");
    const std::size_t length = std::stoul(buffer_.substr(at + 16, 20));
    while (buffer_.size() < head + 4 + length) fill();
    std::pair<int, std::string> answer{std::stoi(buffer_.substr(9, 3)), buffer_.substr(head + 4, length)};
    buffer_.erase(0, head + 4 + length);
    return answer;
  }
  void put(const std::string& path, const nlohmann::json& body) {
    const std::string text = body.dump();
    send("PUT " + path + " HTTP/1.1\r\nHost: l\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(text.size()) + "\r\n\r\n" + text);
    if (const auto [status, answer] = receive(); status / 100 != 2) fail("PUT " + path + ": " + answer);
  }

 private:
  void fill() {
    char bytes[65536];
    const ssize_t n = recv(fd_, bytes, sizeof bytes, 0);
    if (n <= 0) fail("the connection broke while receiving");
    buffer_.append(bytes, static_cast<std::size_t>(n));
  }
  int fd_;
  std::string buffer_;
};

// The load ----------------------------------------------------------------------------------

std::string firm_code(int number) {
  char body[18];
  std::snprintf(body, sizeof body, "91500000MA5%06d", number);
  for (const char check : std::string("0123456789ABCDEFGHJKLMNPQRTUWXY")) {
    if (std::string code = std::string(body, 17) + check; is_uscc(code)) return code;
  }
  fail("no check character fits");
}

std::uint64_t mix(std::uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

constexpr int firms = 1000, skus = 40, sources = 500, id_digits = 24;

/// One request, whose ids are written anew before each sending.
struct Template {
  std::string request;
  std::vector<std::size_t> id_at;

  Template(std::uint32_t events, std::uint64_t seed) {
    std::string body;
    for (std::uint32_t i = 0; i < events; ++i) {
      const std::uint64_t r = mix(seed * 1'000'003 + i);
      const int day = static_cast<int>(r % 28) + 1, hour = static_cast<int>((r >> 8) % 23);
      const int month = static_cast<int>((r >> 16) % 6) + 1;
      char line[512];
      const int n = std::snprintf(
          line, sizeof line,
          R"({"specversion":"1.0","type":"compute.usage.v1","source":"/centre/rongzhi/slurm-%03d","id":"%024d",)"
          R"("subject":"%s","time":"2026-%02d-%02dT%02d:00:00+08:00","data":{"sku":"gpu.model-%02d","quantity":"%d.%02d",)"
          R"("start":"2026-%02d-%02dT%02d:00:00+08:00","end":"2026-%02d-%02dT%02d:00:00+08:00","project":"agent"}})"
          "\n",
          static_cast<int>((r >> 24) % sources), 0, firm_code(static_cast<int>((r >> 33) % firms)).c_str(),
          month, day, hour + 1, static_cast<int>((r >> 43) % skus), static_cast<int>((r >> 50) % 8) + 1,
          static_cast<int>((r >> 54) % 100), month, day, hour, month, day, hour + 1);
      id_at.push_back(body.size() + static_cast<std::size_t>(std::strstr(line, "\"id\":\"") - line) + 6);
      body.append(line, static_cast<std::size_t>(n));
    }
    const std::string head =
        "POST /v1/events HTTP/1.1\r\nHost: l\r\nContent-Type: application/x-ndjson\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n";
    for (auto& at : id_at) at += head.size();
    request = head + body;
  }
  void renew(std::uint64_t first_event) {
    for (std::size_t i = 0; i < id_at.size(); ++i) {
      const std::uint64_t words[2] = {mix(first_event + i), mix(~(first_event + i))};
      for (int digit = 0; digit < id_digits; ++digit) {
        request[id_at[i] + static_cast<std::size_t>(digit)] =
            "0123456789abcdef"[(words[digit / 16] >> (digit % 16 * 4)) & 15];
      }
    }
  }
};

struct Load {
  std::vector<double> latency_ms;
  std::uint64_t acknowledged = 0;
};

void run_connection(const Settings& settings, std::uint16_t port, int number, std::uint64_t requests,
                    Load& load) {
  std::vector<Template> templates;
  for (std::uint64_t i = 0; i < 4; ++i) {
    templates.emplace_back(settings.batch, static_cast<std::uint64_t>(number) * 100 + i);
  }
  Client client(port);
  std::deque<Clock::time_point> sent;
  const auto receive = [&] {
    const auto [status, body] = client.receive();
    if (status != 200) fail("POST /v1/events: " + body);
    const auto reply = nlohmann::json::parse(body);
    if (reply["accepted"] != settings.batch) fail("not all was accepted: " + body.substr(0, 500));
    load.acknowledged += settings.batch;
    load.latency_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - sent.front()).count());
    sent.pop_front();
  };
  for (std::uint64_t i = 0; i < requests; ++i) {
    Template& next = templates[i % templates.size()];
    next.renew((static_cast<std::uint64_t>(number) << 40) + i * settings.batch);
    if (sent.size() == static_cast<std::size_t>(settings.in_flight)) receive();
    sent.push_back(Clock::now());
    client.send(next.request);
  }
  while (!sent.empty()) receive();
}

void register_facts(std::uint16_t port) {
  Client client(port);
  for (int i = 0; i < firms; ++i) {
    client.put("/v1/firms/" + firm_code(i), {{"name", "firm " + std::to_string(i)}, {"district", "渝北区"}});
  }
  for (int i = 0; i < skus; ++i) {
    char sku[32];
    std::snprintf(sku, sizeof sku, "gpu.model-%02d", i);
    client.put(std::string("/v1/skus/") + sku, {{"name", sku}, {"unit", "card_hour"}, {"kind", "compute"}});
  }
}

std::uint64_t directory_bytes(const std::string& directory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

nlohmann::ordered_json measure(const Settings& settings, Daemon& daemon) {
  const std::uint64_t per_connection =
      settings.events / settings.batch / static_cast<std::uint64_t>(settings.connections);
  std::vector<Load> loads(static_cast<std::size_t>(settings.connections));
  const double cpu_before = daemon.cpu_seconds();
  const std::uint64_t written_before = daemon.figure("io", "write_bytes:");
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < settings.connections; ++i) {
    threads.emplace_back(run_connection, std::cref(settings), daemon.port(), i, per_connection,
                         std::ref(loads[static_cast<std::size_t>(i)]));
  }
  for (auto& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double cpu = daemon.cpu_seconds() - cpu_before;
  std::vector<double> latency;
  std::uint64_t events = 0;
  for (const auto& load : loads) {
    latency.insert(latency.end(), load.latency_ms.begin(), load.latency_ms.end());
    events += load.acknowledged;
  }
  std::sort(latency.begin(), latency.end());
  const auto quantile = [&](double q) {
    return latency[static_cast<std::size_t>(q * static_cast<double>(latency.size() - 1))];
  };
  const double count = static_cast<double>(events);
  const double disk = static_cast<double>(directory_bytes(settings.data_dir + "/data"));
  const double written = static_cast<double>(daemon.figure("io", "write_bytes:") - written_before);
  return {{"events", events},
          {"batch", settings.batch},
          {"connections", settings.connections},
          {"in_flight", settings.in_flight},
          {"events_per_second", count / seconds},
          {"server_cpu_seconds_per_million", cpu / count * 1e6},
          {"ack_ms_p50", quantile(0.5)},
          {"ack_ms_p99", quantile(0.99)},
          {"disk_bytes_per_event", disk / count},
          {"written_bytes_per_event", written / count},
          {"peak_memory_mib", static_cast<double>(daemon.figure("status", "VmHWM:")) / 1024}};
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("End-to-end ingest benchmark of voucherd");
  app.add_option("--voucherd", settings.voucherd)->required()->check(CLI::ExistingFile);
  app.add_option("--events", settings.events);
  app.add_option("--batch", settings.batch);
  app.add_option("--connections", settings.connections);
  app.add_option("--in-flight", settings.in_flight);
  app.add_option("--json", settings.json_file);
  CLI11_PARSE(app, argc, argv);
  char directory[] = "/var/tmp/voucherd-bench-XXXXXX";
  if (mkdtemp(directory) == nullptr) fail("can't make a directory");
  settings.data_dir = directory;
  Daemon daemon(std::filesystem::absolute(settings.voucherd), directory);
  register_facts(daemon.port());
  const auto figures = measure(settings, daemon);
  daemon.stop();
  for (const auto& [name, value] : figures.items()) std::cout << name << "  " << value << "\n";
  if (!settings.json_file.empty()) std::ofstream(settings.json_file) << figures.dump(2) << "\n";
  std::filesystem::remove_all(directory);
}
