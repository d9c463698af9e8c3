// Beast's parser with the guards that it lacks (requests that invite smuggling), writing straight into
// a Request. It takes the header as one complete block, which the connection has cut out; a chunked
// body piece by piece. Bodies with a Content-Length never pass through it.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "daemon/http/problem.h"
#include "daemon/http/server.h"

namespace voucherd::http {

/// Where the header's block ends in what has been received.
struct HeaderScan {
  std::size_t bytes = 0;           // of the block, its empty line included; 0: not complete
  std::optional<Refusal> refusal;  // it can't become a header whatever follows
};
/// Looks at `input` for the end of the header, from `from` on (what an earlier call has seen).
HeaderScan scan_header(std::string_view input, std::size_t from, std::size_t header_bytes_max);

class MessageParser final : public boost::beast::http::basic_parser<true> {
 public:
  /// A chunked body can't end in fewer bytes; below that the parser must not be called (an assertion
  /// of Beast's would fail).
  static constexpr std::size_t chunked_bytes_min = 5;

  /// `limits` outlives it.
  explicit MessageParser(const Limits& limits);

  /// Reads a block that scan_header() found.
  std::optional<Refusal> read_header(std::string_view block);
  /// Reads what it can of a chunked body and appends it to request().body; `consumed` bytes of `input`
  /// are done with. Call until is_done().
  std::optional<Refusal> read_chunks(std::string_view input, std::size_t& consumed);

  Request& request() { return request_; }
  const Request& request() const { return request_; }
  bool http10() const { return http10_; }
  bool expects_continue() const { return expects_continue_; }

 private:
  using ErrorCode = boost::beast::error_code;
  using Text = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb, Text method, Text target, int version,
                       ErrorCode& ec) override;
  void on_response_impl(int, Text, int, ErrorCode& ec) override;
  void on_field_impl(boost::beast::http::field field, Text name, Text value, ErrorCode& ec) override;
  void on_header_impl(ErrorCode& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(Text body, ErrorCode&) override;
  void on_chunk_header_impl(std::uint64_t, Text extensions, ErrorCode& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, ErrorCode&) override;
  void on_finish_impl(ErrorCode&) override {}

  void check_field(boost::beast::http::field field, std::string_view value, ErrorCode& ec);
  void refuse(Refusal refusal, ErrorCode& ec);
  Refusal refusal_of(const ErrorCode& ec) const;

  Request request_;
  std::optional<Refusal> refusal_;
  std::uint64_t chunked_wire_bytes_ = 0;
  const Limits& limits_;
  int hosts_ = 0, content_lengths_ = 0;
  bool http10_ = false, transfer_encoding_ = false, expects_continue_ = false, header_done_ = false;
};

}  // namespace voucherd::http
