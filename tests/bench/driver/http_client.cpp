#include "tests/bench/driver/http_client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "tests/bench/driver/process.h"

namespace voucherd::bench {

std::optional<HttpAnswer> AnswerReader::next() {
  if (!chunked_) {
    const std::size_t head = buffer_.find("\r\n\r\n");
    if (head == std::string::npos) return std::nullopt;
    const int status = std::stoi(buffer_.substr(9, 3));
    const std::size_t length_at = buffer_.find("Content-Length: ");
    if (length_at < head) {
      const std::size_t length = std::stoul(buffer_.substr(length_at + 16, 20));
      if (buffer_.size() < head + 4 + length) return std::nullopt;
      HttpAnswer answer{status, buffer_.substr(head + 4, length)};
      buffer_.erase(0, head + 4 + length);
      return answer;
    }
    if (status == 204) {
      buffer_.erase(0, head + 4);
      return HttpAnswer{status, {}};
    }
    chunked_ = HttpAnswer{status, {}};
    buffer_.erase(0, head + 4);
  }
  if (!take_chunks()) return std::nullopt;
  return std::exchange(chunked_, std::nullopt);
}

bool AnswerReader::take_chunks() {
  for (;;) {
    const std::size_t line = buffer_.find("\r\n");
    if (line == std::string::npos) return false;
    const std::size_t length = std::stoul(buffer_.substr(0, line), nullptr, 16);
    if (buffer_.size() < line + 2 + length + 2) return false;
    chunked_->body.append(buffer_, line + 2, length);
    buffer_.erase(0, line + 2 + length + 2);
    if (length == 0) return true;
  }
}

int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("can't connect to port " + std::to_string(port));
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

TlsClient make_tls_client() {
  TlsClient context(SSL_CTX_new(TLS_client_method()));
  if (!context) throw std::bad_alloc();
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

ClientSocket::ClientSocket(const Endpoint& endpoint) : fd_(connect_to(endpoint.port)) {
  if (endpoint.tls == nullptr) return;
  ssl_.reset(SSL_new(endpoint.tls));
  if (!ssl_ || SSL_set_fd(ssl_.get(), fd_) != 1 || SSL_connect(ssl_.get()) != 1) {
    fail("no TLS handshake with port " + std::to_string(endpoint.port));
  }
}

ClientSocket::ClientSocket(ClientSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), ssl_(std::move(other.ssl_)) {}

ClientSocket::~ClientSocket() {
  if (fd_ >= 0) close(fd_);
}

ssize_t ClientSocket::send(const char* bytes, std::size_t size) const {
  if (!ssl_) return ::send(fd_, bytes, size, MSG_NOSIGNAL);
  std::size_t done = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes, size, &done);
  return result_of(result, done);
}

ssize_t ClientSocket::receive(char* bytes, std::size_t size) const {
  if (!ssl_) return ::recv(fd_, bytes, size, 0);
  std::size_t done = 0;
  const int result = SSL_read_ex(ssl_.get(), bytes, size, &done);
  return result_of(result, done);
}

ssize_t ClientSocket::result_of(int result, std::size_t bytes) const {
  if (result == 1) return static_cast<ssize_t>(bytes);
  const int error = SSL_get_error(ssl_.get(), result);
  errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
  return -1;
}

HttpAnswer HttpClient::exchange(std::string_view request) {
  while (!request.empty()) {
    const ssize_t sent = socket_.send(request.data(), request.size());
    if (sent <= 0) fail("a connection broke while sending");
    request.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::array<char, 65536> bytes;
  for (;;) {
    if (auto answer = reader_.next()) return std::move(*answer);
    const ssize_t received = socket_.receive(bytes.data(), bytes.size());
    if (received <= 0) fail("a connection broke while receiving");
    reader_.feed(bytes.data(), static_cast<std::size_t>(received));
  }
}

std::string HttpClient::get(const std::string& target, const std::string& accept) {
  HttpAnswer answer = exchange("GET " + target + " HTTP/1.1\r\nHost: l\r\nAccept: " + accept + "\r\n\r\n");
  if (answer.status / 100 != 2) fail("GET " + target + ": " + answer.body);
  return std::move(answer.body);
}

void HttpClient::put(const std::string& target, const Json& body) {
  const HttpAnswer answer = exchange(http_request("PUT", target, "application/json", body.dump()));
  if (answer.status / 100 != 2) fail("PUT " + target + ": " + answer.body);
}

std::string http_request(std::string_view method, std::string_view target, std::string_view content_type,
                         std::string_view body) {
  std::string request;
  request.reserve(body.size() + 200);
  request.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: l\r\nContent-Type: ");
  request.append(content_type).append("\r\nContent-Length: ").append(std::to_string(body.size()));
  return request.append("\r\n\r\n").append(body);
}

}  // namespace voucherd::bench
