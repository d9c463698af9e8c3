// An HTTP server on a thread of its own with a client that speaks bytes: what goes over the wire is in
// the tests, not hidden behind a client library that would mend it.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "daemon/http/server.h"
#include "daemon/http/tls.h"
#include "tests/daemon/certificates.h"

namespace voucherd::http {

/// A blocking connection. Reads give up after 30 s, so that a lost answer fails a test, not a night.
class RawClient {
 public:
  /// `tls` null: plain. See connected(). `from` is the client's own address.
  explicit RawClient(std::uint16_t port, SSL_CTX* tls = nullptr, const char* from = "127.0.0.1")
      : socket_(io_, {boost::asio::ip::make_address(from), 0}) {
    socket_.connect({boost::asio::ip::make_address("127.0.0.1"), port});
    const timeval limit{30, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    socket_.set_option(boost::asio::ip::tcp::no_delay(true));
    if (tls == nullptr) return;
    ssl_.reset(SSL_new(tls));
    SSL_set_fd(ssl_.get(), socket_.native_handle());
    connected_ = SSL_connect(ssl_.get()) == 1;
  }

  /// The handshake came to its end. Whether a server takes the client's certificate shows only after it.
  bool connected() const { return connected_; }
  SSL* ssl() { return ssl_.get(); }

  /// False where the server has gone.
  bool send(std::string_view bytes) {
    if (ssl_) return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
    boost::system::error_code ec;
    boost::asio::write(socket_, boost::asio::buffer(bytes), ec);
    return !ec;
  }
  void end() {
    if (ssl_) SSL_shutdown(ssl_.get());
    socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send);
  }
  void close() { socket_.close(); }
  /// Bytes that can be read without waiting; of a plain connection.
  std::size_t readable() const { return socket_.available(); }
  void read_byte() {
    char byte = 0;
    (void)::recv(socket_.native_handle(), &byte, 1, MSG_DONTWAIT);
  }

  struct Answer {
    int status = 0;
    std::string head, body;
    std::string header(std::string_view name) const {
      const auto at = head.find("\r\n" + std::string(name) + ": ");
      if (at == std::string::npos) return "";
      const auto from = at + name.size() + 4;
      return head.substr(from, head.find("\r\n", from) - from);
    }
  };

  /// The next answer; status 0 where the connection ends first.
  Answer read(bool to_head = false) {
    Answer answer;
    while (buffered_.find("\r\n\r\n") == std::string::npos) {
      if (!read_some()) return answer;
    }
    answer.head = buffered_.substr(0, buffered_.find("\r\n\r\n") + 4);
    buffered_.erase(0, answer.head.size());
    answer.status = std::atoi(answer.head.substr(9, 3).c_str());
    const std::string length = answer.header("Content-Length");
    const std::size_t bytes = to_head || length.empty() ? 0 : std::stoul(length);
    while (buffered_.size() < bytes) {
      if (!read_some()) return {};
    }
    answer.body = buffered_.substr(0, bytes);
    buffered_.erase(0, bytes);
    return answer;
  }

  /// Everything up to the end of the connection.
  std::string read_all() {
    while (read_some()) {
    }
    return std::exchange(buffered_, {});
  }
  /// True where the server closes without another byte.
  bool ended() { return buffered_.empty() && !read_some(); }

 private:
  bool read_some() {
    char bytes[16384];
    const auto n = ssl_ ? SSL_read(ssl_.get(), bytes, sizeof bytes)
                        : ::recv(socket_.native_handle(), bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    buffered_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  SslPointer ssl_;
  bool connected_ = true;
  std::string buffered_;
};

class HttpServerTest : public testing::Test {
 protected:
  Limits limits_{.body_bytes_max = 1u << 20,
                 .connections_max = 100,
                 .header_timeout_ms = 20'000,
                 .body_timeout_ms = 20'000,
                 .idle_timeout_ms = 20'000};

  void start(Handler handler) {
    server_.emplace(io_, std::move(handler), limits_);
    server_->on_failure([this](const Fault& fault) { failures_.push_back(fault); });
    if (tls_) server_->use_tls(tls_);
    server_->listen("127.0.0.1:0").value();
    port_ = server_->port();
    thread_ = std::thread([this] { io_.run(); });
  }
  /// Answers with the method, the path and the body.
  void start_echo() {
    start([](Request&& request, Reply reply) {
      Response response;
      response.content_type = "text/plain";
      response.body = request.method + " " + request.path + " " + request.body;
      reply(std::move(response));
    });
  }
  /// Runs `task` on the server's thread and waits for it.
  template <class Task>
  void on_server(Task task) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }
  /// Ends the thread; the server object is still there.
  void join() {
    work_.reset();
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }
  void TearDown() override {
    join();
    server_.reset();
    io_.restart();
    io_.run();  // completions of what was cut
  }

  RawClient client() const { return RawClient(port_, client_tls_.get()); }
  /// Before start(): over TLS, as a client that trusts the server's authority.
  void use_tls() {
    ::signal(SIGPIPE, SIG_IGN);
    tls_ = TlsContext::load(certificates_.write_pair("server", certificates_.authority().issue({}))).value();
    client_tls_ = certificates_.client_context(nullptr);
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::optional<Server> server_;
  std::vector<Fault> failures_;
  CertificateFiles certificates_;
  std::shared_ptr<const TlsContext> tls_;
  std::unique_ptr<SSL_CTX, SslEnd> client_tls_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

inline std::string get(std::string_view target, std::string_view more_headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(more_headers) + "\r\n";
}
inline std::string post(std::string_view target, std::string_view body) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

}  // namespace voucherd::http
