#include "tests/bench/driver/load_loop.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <deque>

#include "tests/bench/driver/http_client.h"
#include "tests/bench/driver/process.h"

namespace voucherd::bench {

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

struct Connection {
  explicit Connection(const Endpoint& endpoint) : socket(endpoint) {}

  ClientSocket socket;
  std::string out;  // the request that is being sent
  std::size_t sent = 0;
  AnswerReader reader;
  struct Waiting {
    std::uint64_t number;
    Clock::time_point since;
  };
  std::deque<Waiting> waiting;

  bool sending() const { return sent < out.size(); }
};

class Loop {
 public:
  Loop(const Endpoint& endpoint, const LoadShape& shape, const Load& load) : shape_(shape), load_(load) {
    connections_.reserve(static_cast<std::size_t>(shape.connections));
    for (int i = 0; i < shape.connections; ++i) {
      fcntl(connections_.emplace_back(endpoint).socket.fd(), F_SETFL, O_NONBLOCK);
    }
    prctl(PR_SET_TIMERSLACK, 1);  // a request that is due is not 50 µs late
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  LoadResult run() {
    const double cpu = own_cpu_seconds();
    start_ = Clock::now();
    start_requests();
    while (under_way_ > 0 || !ended_) {
      await();
      start_requests();
    }
    result_.seconds = Seconds(Clock::now() - start_).count();
    result_.client_cpu_seconds = own_cpu_seconds() - cpu;
    return std::move(result_);
  }

 private:
  bool open() const { return shape_.requests_per_second > 0; }

  /// When the request has to go out; only of an open load.
  Clock::time_point due(std::uint64_t number) const {
    if (!open()) return start_;
    return start_ + std::chrono::duration_cast<Clock::duration>(
                        Seconds(static_cast<double>(number) / shape_.requests_per_second));
  }

  /// Everything that can be sent now. In an open load the connection with the least to do comes first.
  void start_requests() {
    while (!ended_) {
      if (open() && Clock::now() < due(next_)) return;
      Connection& least = least_busy();
      if (!has_room(least)) return;
      start_request(least);
    }
  }

  Connection& least_busy() {
    return *std::min_element(
        connections_.begin(), connections_.end(), [](const Connection& a, const Connection& b) {
          return std::pair(a.sending(), a.waiting.size()) < std::pair(b.sending(), b.waiting.size());
        });
  }

  bool has_room(const Connection& connection) const {
    return !connection.sending() && connection.waiting.size() < static_cast<std::size_t>(shape_.in_flight);
  }

  void start_request(Connection& connection) {
    connection.sent = 0;
    if (!load_.make(next_, connection.out)) {
      connection.out.clear();
      ended_ = true;
      return;
    }
    connection.waiting.push_back({next_, open() ? due(next_) : Clock::now()});
    ++next_;
    ++under_way_;
    send_more(connection);
  }

  static void send_more(Connection& connection) {
    while (connection.sending()) {
      const ssize_t sent = connection.socket.send(connection.out.data() + connection.sent,
                                                  connection.out.size() - connection.sent);
      if (sent < 0 && errno == EAGAIN) return;
      if (sent <= 0) fail("a connection broke while sending");
      connection.sent += static_cast<std::size_t>(sent);
    }
  }

  /// Waits for something to do and does it.
  void await() {
    polled_.clear();
    for (const Connection& connection : connections_) {
      const int events = POLLIN | (connection.sending() ? POLLOUT : 0);
      polled_.push_back({connection.socket.fd(), static_cast<short>(events), 0});
    }
    timespec timeout{1, 0};
    // Where no connection has room, what is due waits for an answer. It may also have become due just now.
    if (open() && !ended_ && has_room(least_busy())) {
      const auto left = std::max(due(next_) - Clock::now(), Clock::duration::zero());
      const std::int64_t nanoseconds = std::chrono::nanoseconds(left).count();
      timeout = {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
    }
    if (ppoll(polled_.data(), polled_.size(), &timeout, nullptr) <= 0) return;
    for (std::size_t i = 0; i < polled_.size(); ++i) {
      if (polled_[i].revents & POLLOUT) send_more(connections_[i]);
      if (polled_[i].revents & (POLLIN | POLLHUP | POLLERR)) receive(connections_[i]);
    }
  }

  void receive(Connection& connection) {
    std::array<char, 65536> bytes;
    const ssize_t received = connection.socket.receive(bytes.data(), bytes.size());
    if (received < 0 && errno == EAGAIN) return;
    if (received <= 0) fail("a connection broke while receiving");
    connection.reader.feed(bytes.data(), static_cast<std::size_t>(received));
    while (const auto answer = connection.reader.next()) {
      const Connection::Waiting asked = connection.waiting.front();
      connection.waiting.pop_front();
      const double ms = Seconds(Clock::now() - asked.since).count() * 1e3;
      result_.latency_ms.push_back(static_cast<float>(ms));
      ++result_.requests;
      --under_way_;
      if (load_.take) load_.take(asked.number, answer->status, answer->body, ms);
    }
  }

  const LoadShape& shape_;
  const Load& load_;
  std::vector<Connection> connections_;
  std::vector<pollfd> polled_;
  Clock::time_point start_;
  std::uint64_t next_ = 0, under_way_ = 0;
  bool ended_ = false;
  LoadResult result_;
};

}  // namespace

LoadResult run_load(const Endpoint& endpoint, const LoadShape& shape, const Load& load) {
  return Loop(endpoint, shape, load).run();
}

double quantile(std::vector<float> sample, double q) {
  if (sample.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(q * static_cast<double>(sample.size() - 1));
  std::nth_element(sample.begin(), sample.begin() + at, sample.end());
  return sample[static_cast<std::size_t>(at)];
}

}  // namespace voucherd::bench
