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
#include <unordered_set>

#include "daemon/http/connection.h"
#include "daemon/http/head_writer.h"
#include "daemon/http/problem.h"
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
      std::min({limits.header_timeout_ms, limits.body_timeout_ms, limits.idle_timeout_ms});
  return std::chrono::milliseconds(std::clamp<std::uint64_t>(shortest / 4, 1, 250));
}

}  // namespace

struct Server::Impl final : ConnectionOwner, std::enable_shared_from_this<Impl> {
  Impl(boost::asio::io_context& io, Handler handler, Limits limits)
      : handler_(std::move(handler)),
        limits_(limits),
        executor_(io.get_executor()),
        acceptor_(executor_),
        sweep_timer_(executor_),
        accept_timer_(executor_),
        stop_timer_(executor_) {}

  const Limits& limits() const override { return limits_; }
  void handle(Request&& request, Reply reply) override { handler_(std::move(request), std::move(reply)); }
  std::optional<Response> admit(const Request& head) override {
    return admission_ ? admission_(head) : std::nullopt;
  }
  const std::string& date() override;
  void closed(Connection& connection) override;
  void failed(const Fault& fault) override {
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
  void admit(Socket socket);
  void sweep();
  void stop(std::uint64_t timeout_ms, std::function<void()> stopped);
  void end_stop();
  void shut_down();
  void cut_all();

  Handler handler_;
  Admission admission_;
  Limits limits_;
  Executor executor_;
  Acceptor acceptor_;
  Timer sweep_timer_, accept_timer_, stop_timer_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::function<void(const Fault&)> report_;
  std::function<void()> stopped_;
  bool stopping_ = false;
  std::uint64_t received_bytes_ = 0, answers_bytes_ = 0;
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
    admit(std::move(socket));
    return accept();
  }
  if (ec == boost::asio::error::connection_aborted) return accept();
  failed({"accept_failed", "a connection could not be accepted: " + ec.message()});
  accept_timer_.expires_after(accept_retry);
  accept_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (!cancelled && self->acceptor_.is_open()) self->accept();
  });
}

void Server::Impl::admit(Socket socket) {
  if (connections_.size() >= limits_.connections_max + refused_connections_max) return;  // closes it
  const bool full = connections_.size() >= limits_.connections_max;
  const auto connection = std::make_shared<Connection>(std::move(socket), shared_from_this());
  connections_.insert(connection);
  if (!full) return connection->start();
  Response busy = problem({503, "the server has its " + std::to_string(limits_.connections_max) +
                                    " connections; try again, or keep fewer open"});
  busy.headers.emplace_back("Retry-After", std::to_string(retry_after_seconds));
  connection->start_refused(busy);
}

void Server::Impl::sweep() {
  sweep_timer_.expires_after(sweep_interval(limits_));
  sweep_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    const auto now = std::chrono::steady_clock::now();
    const auto connections = self->connections_;  // a copy: an expired one leaves the set
    for (const auto& connection : connections) connection->expire(now);
    if (!self->connections_.empty() || self->acceptor_.is_open()) self->sweep();
  });
}

void Server::Impl::closed(Connection& connection) {
  connections_.erase(connection.shared_from_this());
  if (stopping_ && connections_.empty()) end_stop();
}

void Server::Impl::stop(std::uint64_t timeout_ms, std::function<void()> stopped) {
  VOUCHERD_ASSERT(!stopping_);
  stopped_ = std::move(stopped);
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  accept_timer_.cancel();
  const auto connections = connections_;
  for (const auto& connection : connections) connection->finish();
  stopping_ = true;
  if (connections_.empty()) return end_stop();
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
  const auto connections = connections_;
  for (const auto& connection : connections) connection->cut();
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

void Server::on_failure(std::function<void(const Fault&)> report) { impl_->report_ = std::move(report); }

void Server::admit_by(Admission admission) { impl_->admission_ = std::move(admission); }

}  // namespace voucherd::http
