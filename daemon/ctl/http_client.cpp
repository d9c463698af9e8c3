// Beast's asynchronous calls, each run to its end on an io_context of the client's own: unlike
// the synchronous ones they obey a timeout.
#include "daemon/ctl/http_client.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <memory>

#include "daemon/secret_file.h"

namespace voucherd::ctl {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), port);
  return fault == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

Fault server_fault(std::string_view url, const std::string& why) {
  return {"server_malformed",
          "--server " + std::string(url) + ": " + why + "; write it like http://127.0.0.1:8080"};
}

std::optional<std::chrono::seconds> seconds_of(std::string_view text) {
  unsigned value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds(value);
}

std::string_view view_of(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Result<ServerAddress> parse_server(std::string_view url) {
  const bool tls = url.starts_with("https://");
  if (!tls && !url.starts_with("http://"))
    return server_fault(url, "it has to begin with http:// or https://");
  std::string_view rest = url.substr(url.find("//") + 2);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  ServerAddress server{"", tls ? "443" : "80", tls};
  const auto bracket = rest.starts_with('[') ? rest.find(']') : std::string_view::npos;
  const auto colon = bracket == std::string_view::npos ? rest.find(':') : rest.find(':', bracket);
  server.host = rest.substr(0, colon);
  if (bracket != std::string_view::npos) server.host = rest.substr(1, bracket - 1);
  if (colon != std::string_view::npos) server.port = rest.substr(colon + 1);
  const bool host_ok =
      !server.host.empty() && std::all_of(server.host.begin(), server.host.end(),
                                          [](char c) { return is_unreserved(c) || c == ':'; });
  if (!host_ok) return server_fault(url, "the host can't be read");
  if (!is_port(server.port)) return server_fault(url, "the port is not a number from 1 to 65535");
  return server;
}

namespace {

std::string authority_of(const ServerAddress& server) {
  const bool v6 = server.host.find(':') != std::string::npos;
  return (v6 ? "[" + server.host + "]" : server.host) + ":" + server.port;
}

/// What the files hold, for TLS 1.3 and nothing older.
Result<std::unique_ptr<asio::ssl::context>> make_tls(const ClientTls& files) {
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
  context->set_verify_mode(asio::ssl::verify_peer);
  error_code fault;
  const auto unusable = [&fault](const std::string& file) {
    return Fault{"tls_unusable", file + " can't be used for TLS: " + fault.message()};
  };
  if (files.ca_file.empty()) {
    context->set_default_verify_paths(fault);
  } else {
    context->load_verify_file(files.ca_file, fault);
  }
  if (fault) return unusable(files.ca_file);
  if (files.certificate_file.empty()) return context;
  context->use_certificate_chain_file(files.certificate_file, fault);
  if (fault) return unusable(files.certificate_file);
  const auto key = read_secret_file(files.key_file);
  if (!key) return key.error();
  context->use_private_key(asio::buffer(*key), asio::ssl::context::pem, fault);
  if (fault) return unusable(files.key_file);
  return context;
}

}  // namespace

std::string to_string(const ServerAddress& server) {
  return (server.tls ? "https://" : "http://") + authority_of(server);
}

bool is_loopback(const ServerAddress& server) {
  if (server.host == "localhost") return true;
  error_code none;
  const auto address = asio::ip::make_address(server.host, none);
  return !none && address.is_loopback();
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4U];
    out += digits[byte & 15U];
  }
  return out;
}

struct HttpClient::Impl {
  explicit Impl(ServerAddress address) : server(std::move(address)) {}

  ServerAddress server;
  asio::io_context io;
  std::unique_ptr<asio::ssl::context> context;
  std::optional<beast::tcp_stream> stream;
  std::optional<asio::ssl::stream<beast::tcp_stream&>> tls;  // on top of it
  beast::flat_buffer buffer;

  void close() {
    tls.reset();
    stream.reset();
    buffer.clear();
  }

  error_code connect() {
    error_code fault;
    tcp::resolver resolver(io);
    const auto endpoints = resolver.resolve(server.host, server.port, fault);
    if (fault) return fault;
    stream.emplace(io);
    stream->expires_after(connect_timeout);
    stream->async_connect(endpoints, [&fault](error_code ec, const tcp::endpoint&) { fault = ec; });
    run();
    if (fault) {
      close();
      return fault;
    }
    error_code ignored;
    stream->socket().set_option(tcp::no_delay(true), ignored);
    if (server.tls) fault = shake_hands();
    if (fault) close();
    return fault;
  }

  /// The server has to have a certificate for the name, or the address, by which it was called.
  error_code shake_hands() {
    error_code fault;
    tls.emplace(*stream, *context);
    asio::ip::make_address(server.host, fault);
    const bool named = fault.failed();
    if (named) {  // as the macro SSL_set_tlsext_host_name() does it, with a cast of the old style
      std::string name = server.host;
      SSL_ctrl(tls->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
    }
    tls->set_verify_callback(asio::ssl::host_name_verification(server.host));
    stream->expires_after(connect_timeout);
    tls->async_handshake(asio::ssl::stream_base::client, [&fault](error_code ec) { fault = ec; });
    run();
    return fault;
  }

  void run() {
    io.restart();
    io.run();
  }

  /// One request and its answer on the open connection.
  error_code exchange(const HttpRequest& request, HttpReply& reply) {
    return tls ? exchange_on(*tls, request, reply) : exchange_on(*stream, request, reply);
  }
  template <class Stream>
  error_code exchange_on(Stream& on, const HttpRequest& request, HttpReply& reply);
  template <class Stream>
  error_code receive_on(Stream& on, const HttpRequest& request, const Sink& sink, HttpReply& reply);
  template <class Stream, class Parser>
  error_code read_piece(Stream& on, Parser& parser, std::vector<char>& piece, std::string_view& read);
  beast::http::request<beast::http::string_body> message_of(const HttpRequest& request) const;
};

beast::http::request<beast::http::string_body> HttpClient::Impl::message_of(
    const HttpRequest& request) const {
  namespace http = beast::http;
  http::request<http::string_body> message;
  message.method_string(request.method);
  message.target(request.target);
  message.version(11);
  message.set(http::field::host, authority_of(server));
  message.set(http::field::user_agent, "voucherctl");
  if (!server.token.empty()) message.set(http::field::authorization, "Bearer " + server.token);
  if (!request.accept.empty()) message.set(http::field::accept, request.accept);
  if (!request.content_type.empty()) message.set(http::field::content_type, request.content_type);
  message.body() = request.body;
  message.prepare_payload();
  return message;
}

template <class Stream>
error_code HttpClient::Impl::exchange_on(Stream& on, const HttpRequest& request, HttpReply& reply) {
  namespace http = beast::http;
  const auto message = message_of(request);
  error_code fault;
  http::response_parser<http::string_body> parser;
  parser.body_limit(answer_bytes_max);
  // Writing and reading at once: a server that refuses a body early answers before it has read it.
  bool written = false;
  stream->expires_after(answer_timeout);
  http::async_write(on, message, [&written](error_code ec, std::size_t) { written = !ec; });
  http::async_read(on, buffer, parser, [&](error_code ec, std::size_t) {
    fault = ec;
    if (!written) stream->cancel();
  });
  run();
  if (fault) return fault;
  const auto& message_in = parser.get();
  reply.status = static_cast<int>(message_in.result_int());
  reply.content_type = view_of(message_in[http::field::content_type]);
  reply.retry_after = seconds_of(view_of(message_in[http::field::retry_after]));
  const bool keep = message_in.keep_alive() && written;
  reply.body = std::move(parser.get().body());
  if (!keep) close();
  return fault;
}

/// Some of the body into `piece`; `read` is what came.
template <class Stream, class Parser>
error_code HttpClient::Impl::read_piece(Stream& on, Parser& parser, std::vector<char>& piece,
                                        std::string_view& read) {
  error_code fault;
  parser.get().body().data = piece.data();
  parser.get().body().size = piece.size();
  stream->expires_after(answer_timeout);
  beast::http::async_read(on, buffer, parser, [&fault](error_code ec, std::size_t) { fault = ec; });
  run();
  if (fault == beast::http::error::need_buffer) fault = {};
  read = {piece.data(), piece.size() - parser.get().body().size};
  return fault;
}

template <class Stream>
error_code HttpClient::Impl::receive_on(Stream& on, const HttpRequest& request, const Sink& sink,
                                        HttpReply& reply) {
  namespace http = beast::http;
  constexpr std::size_t piece_bytes = 256u << 10;
  const auto message = message_of(request);
  error_code fault;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  const auto note = [&fault](error_code ec, std::size_t) { fault = ec; };
  stream->expires_after(answer_timeout);
  http::async_write(on, message, note);
  run();
  if (fault) return fault;
  http::async_read_header(on, buffer, parser, note);
  run();
  if (fault) return fault;
  reply.status = static_cast<int>(parser.get().result_int());
  reply.content_type = view_of(parser.get()[http::field::content_type]);
  const bool good = reply.status >= 200 && reply.status <= 299;
  std::vector<char> piece(piece_bytes);
  while (!parser.is_done()) {
    std::string_view read;
    if (fault = read_piece(on, parser, piece, read); fault) return fault;
    if (good && !sink(read)) return asio::error::operation_aborted;
    if (!good && reply.body.size() < answer_bytes_max) reply.body += read;
  }
  return {};
}

HttpClient::HttpClient(ServerAddress server) : impl_(std::make_unique<Impl>(std::move(server))) {}
HttpClient::~HttpClient() = default;

Result<void> HttpClient::connect() {
  if (impl_->server.tls && !impl_->context) {
    auto context = make_tls(impl_->server.files);
    if (!context) return context.error();
    impl_->context = std::move(*context);
  }
  const error_code fault = impl_->stream ? error_code() : impl_->connect();
  if (!fault) return {};
  if (fault.category() == asio::error::get_ssl_category()) {
    return Fault{"tls_refused",
                 "there is no trust between this client and " + to_string(impl_->server) + ": " +
                     fault.message() +
                     "; give the authority of its certificate with --ca-file, and call it by a "
                     "name that stands there"};
  }
  return Fault{"connect_failed", "can't connect to " + to_string(impl_->server) + ": " + fault.message() +
                                     "; is voucherd running there?"};
}

Result<HttpReply> HttpClient::send(const HttpRequest& request) {
  for (;;) {
    const bool kept = impl_->stream.has_value();
    if (auto connected = connect(); !connected) return connected.error();
    HttpReply reply;
    const error_code fault = impl_->exchange(request, reply);
    if (!fault) return reply;
    impl_->close();
    if (kept) continue;
    return Fault{"connection_lost",
                 "the connection to " + to_string(impl_->server) + " was lost: " + fault.message()};
  }
}

Result<HttpReply> HttpClient::receive(const HttpRequest& request, const Sink& sink) {
  impl_->close();  // a kept connection may be closed already, and this is not asked for twice
  if (auto connected = connect(); !connected) return connected.error();
  HttpReply reply;
  const error_code fault = impl_->tls ? impl_->receive_on(*impl_->tls, request, sink, reply)
                                      : impl_->receive_on(*impl_->stream, request, sink, reply);
  impl_->close();
  if (fault == asio::error::operation_aborted)
    return Fault{"answer_refused", "the rest of the answer was not taken"};
  if (fault) {
    return Fault{"connection_lost",
                 "the connection to " + to_string(impl_->server) + " was lost: " + fault.message()};
  }
  return reply;
}

}  // namespace voucherd::ctl
