// A plain HTTP/1.1 client, as cheap as can be: it shares the cores with the server that it measures.
#pragma once

#include <cstdint>
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

/// One connection, one request at a time.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port) : socket_(connect_to(port)) {}
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  HttpAnswer exchange(std::string_view request);
  // Both fail where the answer is not 2xx.
  std::string get(const std::string& target, const std::string& accept = "application/json");
  void put(const std::string& target, const Json& body);

 private:
  int socket_;
  AnswerReader reader_;
};

/// A whole request with a body.
std::string http_request(std::string_view method, std::string_view target, std::string_view content_type,
                         std::string_view body);

}  // namespace voucherd::bench
