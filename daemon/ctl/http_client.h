// One HTTP/1.1 connection to the daemon, plain or over TLS 1.3, kept alive between requests. Blocking, with a
// limit on how long an answer may take; each thread that sends has a client of its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metering/core/result.h"

namespace voucherd::ctl {

/// Limit on one answer, or on the next piece of one that is received in pieces: closing a month of a large
/// centre is the longest.
inline constexpr std::chrono::seconds answer_timeout{600};
inline constexpr std::chrono::seconds connect_timeout{10};
inline constexpr std::uint64_t answer_bytes_max = std::uint64_t{1} << 30;

/// Files in PEM: whom to trust ("": whom the system trusts), and what to show a server that asks.
struct ClientTls {
  std::string ca_file, certificate_file, key_file;
  friend bool operator==(const ClientTls&, const ClientTls&) = default;
};

struct ServerAddress {
  std::string host, port;
  bool tls = false;
  ClientTls files = {};
  std::string token = {};  // to show there; "": none
  friend bool operator==(const ServerAddress&, const ServerAddress&) = default;
};

/// "http://127.0.0.1:8080", "http://[::1]:8080", "https://centre.example:8443". Fault "server_malformed".
Result<ServerAddress> parse_server(std::string_view url);
std::string to_string(const ServerAddress& server);
/// 127.0.0.0/8, [::1] or localhost.
bool is_loopback(const ServerAddress& server);

/// `text` with everything but RFC 3986's unreserved characters percent-encoded.
std::string percent_encoded(std::string_view text);

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // encoded
  std::string content_type, accept;
  std::string body;
};

struct HttpReply {
  int status = 0;
  std::string content_type;
  std::optional<std::chrono::seconds> retry_after;
  std::string body;
};

class HttpClient {
 public:
  explicit HttpClient(ServerAddress server);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Connects where needed. A kept connection that turns out to be closed is opened anew once: every
  /// request of this program may be repeated. Faults "connect_failed", "connection_lost"; those that no
  /// retry mends: "tls_refused" where the handshake fails, "tls_unusable" where a file of
  /// ServerAddress::files can't be used.
  Result<HttpReply> send(const HttpRequest& request);
  /// The same, but the body of a 2xx answer goes to `sink` as it comes, of any length; false: no more of it
  /// is wanted, and the Fault is "answer_refused". An answer that was begun is not asked for again.
  using Sink = std::function<bool(std::string_view piece)>;
  Result<HttpReply> receive(const HttpRequest& request, const Sink& sink);

 private:
  Result<void> connect();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace voucherd::ctl
