// The listener: accepts, keeps the set of connections, sweeps their deadlines with one timer (one per
// connection and operation would cost a microsecond each) and stops them in order.
#include "daemon/http/server.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <chrono>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "daemon/http/connection.h"
#include "daemon/http/head_writer.h"
#include "daemon/http/problem.h"
#include "daemon/http/rate_limits.h"
#include "metering/core/assert.h"

namespace voucherd::http {
namespace {

using boost::asio::ip::tcp;
using Acceptor = boost::asio::basic_socket_acceptor<tcp, Executor>;
using Timer =
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                      boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// Pause after accept failed (no file descriptors left), so that it isn't tried in a busy loop.
constexpr std::chrono::milliseconds accept_retry{100};

std::optional<tcp::endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(std::string(host), ec);
  if (ec || address.is_v6() != bracketed) return std::nullopt;
  return tcp::endpoint(address, port);
}

/// Fine enough for the shortest timeout, coarse enough to cost nothing.
std::chrono::milliseconds sweep_interval(const Limits& limits) {
  const std::uint64_t shortest =
      std::min({limits.handshake_timeout_ms, limits.header_timeout_ms, limits.body_timeout_ms,
                limits.transfer_grace_ms, limits.idle_timeout_ms, limits.refused_idle_timeout_ms});
  return std::chrono::milliseconds(std::clamp<std::uint64_t>(shortest / 4, 1, 250));
}

/// Whom limits by address count together: one IPv4 address, or the /64 that an IPv6 host has to itself.
std::string limited_address(const Socket& socket) {
  boost::system::error_code ec;
  const auto endpoint = socket.remote_endpoint(ec);
  if (ec) return "unknown";
  const auto address = endpoint.address();
  if (address.is_v4()) return address.to_string();
  if (address.to_v6().is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  const auto bytes = address.to_v6().to_bytes();
  return {bytes.begin(), bytes.begin() + 8};
}

Response come_later(int status, const std::string& detail, std::uint64_t seconds) {
  Response response = problem({status, detail});
  response.headers.emplace_back("Retry-After", std::to_string(seconds));
  return response;
}

}  // namespace

struct Server::Impl final : ConnectionOwner, std::enable_shared_from_this<Impl> {
  Impl(boost::asio::io_context& io, Handler handler, Limits limits)
      : handler_(std::move(handler)),
        limits_(limits),
        rates_(limits.requests_per_second, limits.requests_burst, rated_addresses_max),
        handshakes_(limits.handshakes_per_second, limits.handshakes_burst, rated_addresses_max),
        executor_(io.get_executor()),
        acceptor_(executor_),
        sweep_timer_(executor_),
        accept_timer_(executor_),
        stop_timer_(executor_) {}

  const Limits& limits() const override { return limits_; }
  void handle(Request&& request, Reply reply) override { handler_(std::move(request), std::move(reply)); }
  std::optional<Response> admit(const Request& head, const std::string& address) override {
    if (auto refused = too_many_requests(address)) return refused;
    return admission_ ? admission_(head) : std::nullopt;
  }
  const std::string& date() override;
  void closed(Connection& connection) override;
  void failed(const Fault& fault) override {
    ++figures_.failures;
    if (report_) report_(fault);
  }
  bool take_room(std::size_t bytes) override {
    if (bytes > limits_.received_bytes_max - received_bytes_) return false;
    received_bytes_ += bytes;
    return true;
  }
  void give_room(std::size_t bytes) override { received_bytes_ -= bytes; }
  bool take_answer_room(std::size_t bytes) override {
    // A short one always: who reads slowly must not cost others the acknowledgement of their events. There
    // are pipeline_depth_max of them a connection at most.
    const bool is_short = bytes <= short_answer_bytes_max;
    if (!is_short && answers_bytes_ > 0 && answers_bytes_ + bytes > limits_.answers_bytes_max) return false;
    answers_bytes_ += bytes;
    return true;
  }
  void give_answer_room(std::size_t bytes) override { answers_bytes_ -= bytes; }

  Result<void> listen(const std::string& address_and_port);
  void accept();
  void on_accepted(const boost::system::error_code& ec, Socket socket);
  void take_in(Socket socket);
  std::optional<Response> too_many_requests(const std::string& address);
  std::optional<Response> too_many_connections(const std::string& address) const;
  void use_tls(std::shared_ptr<const TlsContext> tls);
  /// A copy of all, refused ones too: what is done to one may take it out of its set.
  std::vector<std::shared_ptr<Connection>> open_ones() const;
  void sweep();
  void expire_all();
  void stop(std::uint64_t timeout_ms, std::function<void()> stopped);
  void end_stop();
  void shut_down();
  void cut_all();

  Handler handler_;
  Admission admission_;
  std::function<void(const std::string&)> on_close_;
  Limits limits_;
  RateLimits rates_, handshakes_;
  std::shared_ptr<const TlsContext> tls_;
  Executor executor_;
  Acceptor acceptor_;
  Timer sweep_timer_, accept_timer_, stop_timer_;
  // Those that are only told that there is no room have a number of their own, so that they take none away.
  std::unordered_set<std::shared_ptr<Connection>> connections_, refused_;
  std::unordered_map<std::string, std::uint64_t> connections_of_;  // by address
  std::function<void(const Fault&)> report_;
  std::function<void()> stopped_;
  bool stopping_ = false;
  std::uint64_t received_bytes_ = 0, answers_bytes_ = 0;
  ServerFigures figures_;
  std::chrono::sys_seconds date_second_{};
  std::string date_;
};

const std::string& Server::Impl::date() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (date_.empty() || now != date_second_) {
    date_second_ = now;
    date_ = format_http_date(now);
  }
  return date_;
}

Result<void> Server::Impl::listen(const std::string& address_and_port) {
  const auto endpoint = parse_endpoint(address_and_port);
  if (!endpoint) {
    return Fault{"listen_failed",
                 "cannot listen on '" + address_and_port +
                     "': it must be an IP address and a port, as 127.0.0.1:8080 or [::1]:8080"};
  }
  boost::system::error_code ec;
  acceptor_.open(endpoint->protocol(), ec);
  if (!ec) acceptor_.set_option(Acceptor::reuse_address(true), ec);
  if (!ec) acceptor_.bind(*endpoint, ec);
  if (!ec) acceptor_.listen(Acceptor::max_listen_connections, ec);
  if (ec) {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    return Fault{"listen_failed", "cannot listen on " + address_and_port + ": " + ec.message()};
  }
  accept();
  sweep();
  return {};
}

void Server::Impl::accept() {
  acceptor_.async_accept([self = shared_from_this()](const boost::system::error_code& ec, Socket socket) {
    self->on_accepted(ec, std::move(socket));
  });
}

void Server::Impl::on_accepted(const boost::system::error_code& ec, Socket socket) {
  if (!acceptor_.is_open()) return;
  if (!ec) {
    try {
      take_in(std::move(socket));
    } catch (const std::exception& error) {  // it is closed; the next one may have more luck
      failed({"accept_failed", std::string("taking a connection in threw: ") + error.what()});
    }
    return accept();
  }
  if (ec == boost::asio::error::connection_aborted) return accept();
  failed({"accept_failed", "a connection could not be accepted: " + ec.message()});
  accept_timer_.expires_after(accept_retry);
  accept_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (!cancelled && self->acceptor_.is_open()) self->accept();
  });
}

void Server::Impl::take_in(Socket socket) {
  const std::string address = limited_address(socket);
  auto refusal = too_many_connections(address);
  if (!refusal) refusal = too_many_requests(address);
  if (!refusal) {
    if (tls_ && handshakes_.take(address, std::chrono::steady_clock::now())) {
      ++figures_.handshakes_refused;
      return;
    }
    const auto connection = std::make_shared<Connection>(
        std::move(socket), tls_ ? tls_->new_session() : nullptr, address, shared_from_this());
    std::uint64_t& of_address = connections_of_[address];
    connections_.insert(connection);
    ++of_address;
    return connection->start();
  }
  // Returning closes it. Over TLS an answer would cost a handshake.
  if (tls_ || refused_.size() >= refused_connections_max) return;
  const auto connection =
      std::make_shared<Connection>(std::move(socket), nullptr, address, shared_from_this());
  refused_.insert(connection);
  connection->start_refused(*refusal);
}

std::optional<Response> Server::Impl::too_many_connections(const std::string& address) const {
  if (connections_.size() >= limits_.connections_max) {
    return come_later(503,
                      "the server has its " + std::to_string(limits_.connections_max) +
                          " connections; try again, or keep fewer open",
                      retry_after_seconds);
  }
  const auto of_address = connections_of_.find(address);
  if (of_address != connections_of_.end() && of_address->second >= limits_.connections_per_address_max) {
    return come_later(503,
                      "your address has its " + std::to_string(limits_.connections_per_address_max) +
                          " connections; keep fewer open",
                      retry_after_seconds);
  }
  return std::nullopt;
}

std::optional<Response> Server::Impl::too_many_requests(const std::string& address) {
  const auto wait = rates_.take(address, std::chrono::steady_clock::now());
  if (!wait) return std::nullopt;
  return come_later(429,
                    "your address has sent more than " + std::to_string(limits_.requests_per_second) +
                        " requests a second; send the same request again later",
                    *wait);
}

void Server::Impl::use_tls(std::shared_ptr<const TlsContext> tls) {
  const bool others_are_let_in = tls_ && !tls_->same_clients(*tls);
  tls_ = std::move(tls);
  if (!others_are_let_in) return;
  for (const auto& connection : open_ones()) connection->finish();
}

std::vector<std::shared_ptr<Connection>> Server::Impl::open_ones() const {
  std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
  all.insert(all.end(), refused_.begin(), refused_.end());
  return all;
}

void Server::Impl::sweep() {
  sweep_timer_.expires_after(sweep_interval(limits_));
  sweep_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    self->expire_all();
    const bool any = !self->connections_.empty() || !self->refused_.empty();
    if (any || self->acceptor_.is_open()) self->sweep();
  });
}

void Server::Impl::expire_all() {
  const auto now = std::chrono::steady_clock::now();
  try {
    for (const auto& connection : open_ones()) connection->expire(now);
  } catch (const std::exception& error) {
    failed({"sweep_failed", std::string("looking for deadlines threw: ") + error.what()});
  }
}

void Server::Impl::closed(Connection& connection) {
  const auto itself = connection.shared_from_this();
  if (refused_.erase(itself) == 0 && connections_.erase(itself) > 0) {
    const auto of_address = connections_of_.find(connection.address());
    VOUCHERD_ASSERT(of_address != connections_of_.end() && of_address->second > 0);
    if (--of_address->second == 0) connections_of_.erase(of_address);
    if (on_close_) on_close_(connection.peer());
  }
  if (stopping_ && connections_.empty() && refused_.empty()) end_stop();
}

void Server::Impl::stop(std::uint64_t timeout_ms, std::function<void()> stopped) {
  VOUCHERD_ASSERT(!stopping_);
  stopped_ = std::move(stopped);
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  accept_timer_.cancel();
  for (const auto& connection : open_ones()) connection->finish();
  stopping_ = true;
  if (connections_.empty() && refused_.empty()) return end_stop();
  stop_timer_.expires_after(std::chrono::milliseconds(timeout_ms));
  stop_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (!cancelled) self->cut_all();
  });
}

void Server::Impl::end_stop() {
  sweep_timer_.cancel();
  stop_timer_.cancel();
  if (auto stopped = std::exchange(stopped_, {})) boost::asio::post(executor_, std::move(stopped));
}

void Server::Impl::cut_all() {
  for (const auto& connection : open_ones()) connection->cut();
}

void Server::Impl::shut_down() {
  stopped_ = {};
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  accept_timer_.cancel();
  sweep_timer_.cancel();
  stop_timer_.cancel();
  cut_all();
}

Server::Server(boost::asio::io_context& io, Handler handler, Limits limits)
    : impl_(std::make_shared<Impl>(io, std::move(handler), limits)) {}

Server::~Server() {
  try {
    impl_->shut_down();
  } catch (...) {  // only for want of memory; a half-ended server must not run on
    invariant_failed("the server could not be shut down", __FILE__, __LINE__);
  }
}

Result<void> Server::listen(const std::string& address_and_port) { return impl_->listen(address_and_port); }

std::uint16_t Server::port() const {
  boost::system::error_code ec;
  const auto endpoint = impl_->acceptor_.local_endpoint(ec);
  return ec ? std::uint16_t{0} : endpoint.port();
}

void Server::stop(std::uint64_t timeout_ms, std::function<void()> stopped) {
  impl_->stop(timeout_ms, std::move(stopped));
}

std::uint64_t Server::connections() const { return impl_->connections_.size(); }

const ServerFigures& Server::figures() const { return impl_->figures_; }

void Server::on_failure(std::function<void(const Fault&)> report) { impl_->report_ = std::move(report); }

void Server::use_tls(std::shared_ptr<const TlsContext> tls) { impl_->use_tls(std::move(tls)); }

void Server::on_close(std::function<void(const std::string& peer)> closed) {
  impl_->on_close_ = std::move(closed);
}

void Server::admit_by(Admission admission) { impl_->admission_ = std::move(admission); }

}  // namespace voucherd::http
