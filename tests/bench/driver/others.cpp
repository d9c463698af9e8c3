#include "tests/bench/driver/others.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <deque>
#include <filesystem>
#include <thread>

#include "tests/bench/driver/load_loop.h"
#include "tests/bench/driver/process.h"

namespace voucherd::bench {

namespace {

using Clock = std::chrono::steady_clock;

// Where Debian keeps them.
constexpr const char* nats_program = "/usr/sbin/nats-server";
constexpr const char* victoria_program = "/usr/bin/victoria-metrics";

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// One that nothing listens on now.
std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

/// Waits until the process listens there.
void await_port(Process& process, std::uint16_t port) {
  for (bool listening = false; !listening;) {
    if (!process.running()) fail("a server ended at its start");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    listening = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(fd);
  }
}

Json figures_of(double server_cpu, double seconds, double client_cpu, std::uint64_t events,
                const std::vector<float>& latency_ms) {
  const auto count = static_cast<double>(events);
  return {{"events", events},
          {"events_per_second", count / seconds},
          {"server_cpu_s_per_million", server_cpu / count * 1e6},
          {"client_cpu_s_per_million", client_cpu / count * 1e6},
          {"ack_ms_p50", quantile(latency_ms, 0.5)},
          {"ack_ms_p99", quantile(latency_ms, 0.99)}};
}

/// The lines and messages of NATS' protocol, as far as a publisher needs it.
class NatsConnection {
 public:
  explicit NatsConnection(std::uint16_t port) : socket_(connect_to(port)) {
    send_all("CONNECT {\"verbose\":false,\"headers\":true}\r\nSUB acks 1\r\n");
    const std::string stream =
        R"({"name":"USAGE","subjects":["usage"],"storage":"file","duplicate_window":120000000000})";
    send_all("PUB $JS.API.STREAM.CREATE.USAGE acks " + std::to_string(stream.size()) + "\r\n" + stream +
             "\r\n");
    if (const std::string made = next_message(); made.find("\"error\"") != std::string::npos)
      fail("NATS: " + made);
  }
  ~NatsConnection() { close(socket_); }
  NatsConnection(const NatsConnection&) = delete;
  NatsConnection& operator=(const NatsConnection&) = delete;

  void send_all(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) fail("NATS broke the connection");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  bool has_message() const { return buffer_.find("\r\n", at_) != std::string::npos; }
  std::string next_message() {
    for (;;) {
      const std::string line = take_line();
      if (line.rfind("PING", 0) == 0) send_all("PONG\r\n");
      if (line.rfind("-ERR", 0) == 0) fail("NATS: " + line);
      if (line.rfind("MSG ", 0) != 0) continue;
      const std::size_t size = std::stoul(line.substr(line.rfind(' ') + 1));
      while (buffer_.size() < at_ + size + 2) fill();
      std::string message = buffer_.substr(at_, size);
      at_ += size + 2;
      return message;
    }
  }

 private:
  std::string take_line() {
    std::size_t end;
    while ((end = buffer_.find("\r\n", at_)) == std::string::npos) fill();
    std::string line = buffer_.substr(at_, end - at_);
    at_ = end + 2;
    return line;
  }
  void fill() {
    buffer_.erase(0, at_);
    at_ = 0;
    std::array<char, 65536> bytes;
    const ssize_t received = recv(socket_, bytes.data(), bytes.size(), 0);
    if (received <= 0) fail("NATS broke the connection");
    buffer_.append(bytes.data(), static_cast<std::size_t>(received));
  }

  int socket_;
  std::string buffer_;
  std::size_t at_ = 0;
};

std::string nats_pattern(const Events& events) {
  // The form's own sizes stand in it: they are those of any event.
  const std::string id = "NATS/1.0\r\nNats-Msg-Id: /centre/rongzhi/slurm-<source>/<id>\r\n\r\n";
  const std::size_t head = events.text(EventForm(id), 0).size();
  return "HPUB usage acks " + std::to_string(head) + " " + std::to_string(head + json_form().size()) +
         "\r\n" + id + json_pattern + "\r\n";
}

}  // namespace

bool nats_installed() { return std::filesystem::exists(nats_program); }
bool victoria_metrics_installed() { return std::filesystem::exists(victoria_program); }

Json run_nats_stream(const std::string& directory, const Events& events, std::uint64_t count) {
  constexpr std::size_t under_way_max = 8000, piece = 100;
  const std::uint16_t port = free_port();
  Process server(
      {{nats_program, "-js", "-sd", directory + "/nats", "-a", "127.0.0.1", "-p", std::to_string(port)},
       directory + "/nats.log",
       ""});
  await_port(server, port);
  NatsConnection connection(port);
  const EventForm form(nats_pattern(events));
  const double cpu = server.cpu_seconds(), client_cpu = own_cpu_seconds();
  const auto start = Clock::now();
  std::deque<Clock::time_point> under_way;
  std::vector<float> latency_ms;
  std::string bytes(form.size() * piece, '\0');
  for (EventNumber next = 0; latency_ms.size() < count;) {
    while (next < count && under_way.size() + piece <= under_way_max) {
      for (std::size_t i = 0; i < piece; ++i) events.write(form, next++, bytes.data() + i * form.size());
      under_way.insert(under_way.end(), piece, Clock::now());
      connection.send_all(bytes);
    }
    do {
      const std::string answer = connection.next_message();
      if (answer.find("\"seq\"") == std::string::npos) fail("NATS: " + answer);
      const std::chrono::duration<float, std::milli> waited = Clock::now() - under_way.front();
      latency_ms.push_back(waited.count());
      under_way.pop_front();
    } while (!under_way.empty() && connection.has_message());
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return figures_of(server.cpu_seconds() - cpu, seconds, own_cpu_seconds() - client_cpu, count, latency_ms);
}

Json run_victoria_import(const std::string& directory, const Events& events, std::uint64_t count) {
  constexpr std::uint64_t lines = 1000;
  const std::uint16_t port = free_port();
  Process server({{victoria_program, "-storageDataPath=" + directory + "/victoria", "-retentionPeriod=100y",
                   "-httpListenAddr=127.0.0.1:" + std::to_string(port)},
                  directory + "/victoria.log",
                  ""});
  await_port(server, port);
  const EventForm form(
      "/centre/rongzhi/slurm-<source>,<subject>,gpu.model-<sku>,<project>,<quantity>,"
      "<day>T<next_hour>:00:00+08:00\n");
  const auto make = [&](std::uint64_t number, std::string& request) {
    if (number == count / lines) return false;
    std::string body(form.size() * lines, '\0');
    for (std::uint64_t i = 0; i < lines; ++i) {
      events.write(form, number * lines + i, body.data() + i * form.size());
    }
    request = http_request("POST",
                           "/api/v1/import/csv?format=1:label:source,2:label:subject,3:label:sku,"
                           "4:label:project,5:metric:usage,6:time:rfc3339",
                           "text/csv", body);
    return true;
  };
  const auto take = [](std::uint64_t, int status, const std::string& body, double) {
    if (status != 204) fail("VictoriaMetrics: " + body);
  };
  const double cpu = server.cpu_seconds();
  const LoadResult result = run_load({port}, {4, 2, 0}, {make, take});
  return figures_of(server.cpu_seconds() - cpu, result.seconds, result.client_cpu_seconds,
                    result.requests * lines, result.latency_ms);
}

}  // namespace voucherd::bench
