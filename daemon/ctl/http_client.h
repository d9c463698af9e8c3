// One HTTP/1.1 connection to the daemon, kept alive between requests. Blocking, with a limit on
// how long an answer may take; each thread that sends has a client of its own.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metering/core/result.h"

namespace voucherd::ctl {

/// Limit on one answer: closing a month of a large centre is the longest.
inline constexpr std::chrono::seconds answer_timeout{600};
inline constexpr std::chrono::seconds connect_timeout{10};
inline constexpr std::uint64_t answer_bytes_max = std::uint64_t{1} << 30;

struct ServerAddress {
  std::string host, port;
  friend bool operator==(const ServerAddress&, const ServerAddress&) = default;
};

/// "http://127.0.0.1:8080", "http://[::1]:8080". Fault "server_malformed".
Result<ServerAddress> parse_server(std::string_view url);
std::string to_string(const ServerAddress& server);

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
  /// request of this program may be repeated. Faults "connect_failed", "connection_lost".
  Result<HttpReply> send(const HttpRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace voucherd::ctl
