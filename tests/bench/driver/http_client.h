// A plain HTTP/1.1 client, as cheap as can be: it shares the cores with the server that it measures.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace voucherd::bench {

using Json = nlohmann::ordered_json;

struct HttpAnswer {
  int status = 0;
  std::string body;
};

/// Takes answers out of a stream of bytes.
class AnswerReader {
 public:
  void feed(const char* bytes, std::size_t size) { buffer_.append(bytes, size); }
  /// The next answer, once it is whole.
  std::optional<HttpAnswer> next();

 private:
  /// Takes whole chunks off the front of the buffer; true once the last one is there.
  bool take_chunks();
  std::string buffer_;
  std::optional<HttpAnswer> chunked_;  // an answer whose chunks are still coming
};

/// A socket that is connected to the port on loopback.
int connect_to(std::uint16_t port);

struct SslEnd {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsClient = std::unique_ptr<SSL_CTX, SslEnd>;
/// Trusts anyone: what a handshake checks is not what is measured.
TlsClient make_tls_client();

/// A port on loopback; `tls` null: plain.
struct Endpoint {
  std::uint16_t port = 0;
  SSL_CTX* tls = nullptr;
};

/// A connected socket, with the handshake done.
class ClientSocket {
 public:
  explicit ClientSocket(const Endpoint& endpoint);
  ~ClientSocket();
  ClientSocket(ClientSocket&& other) noexcept;
  ClientSocket& operator=(ClientSocket&&) = delete;

  int fd() const { return fd_; }
  // As send() and recv(): -1 with EAGAIN where a socket that does not block would have to.
  ssize_t send(const char* bytes, std::size_t size) const;
  ssize_t receive(char* bytes, std::size_t size) const;

 private:
  ssize_t result_of(int result, std::size_t bytes) const;
  int fd_;
  std::unique_ptr<SSL, SslEnd> ssl_;
};

/// One connection, one request at a time.
class HttpClient {
 public:
  explicit HttpClient(const Endpoint& endpoint) : socket_(endpoint) {}
  HttpAnswer exchange(std::string_view request);
  // Both fail where the answer is not 2xx.
  std::string get(const std::string& target, const std::string& accept = "application/json");
  void put(const std::string& target, const Json& body);

 private:
  ClientSocket socket_;
  AnswerReader reader_;
};

/// A whole request with a body.
std::string http_request(std::string_view method, std::string_view target, std::string_view content_type,
                         std::string_view body);

}  // namespace voucherd::bench
