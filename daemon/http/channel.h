// The bytes of one connection: a TCP socket, or TLS on top of it; a branch an operation tells them apart.
//
// OpenSSL reads and writes the socket itself, and Asio only says when it is ready. Asio's ssl::stream would
// put two pairs of buffers in between: every byte copied twice more, 17 KiB a read, 68 KiB a connection, and
// no way to end one half and then read on. Whoever runs this ignores SIGPIPE: OpenSSL writes without
// MSG_NOSIGNAL.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "daemon/http/tls.h"

namespace voucherd::http {

using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

/// One read and one write may be under way at a time. Their handlers keep the channel alive; they are called
/// with an error code and the number of bytes, and never within the call that began the operation.
class Channel {
 public:
  using ErrorCode = boost::system::error_code;

  /// `tls` null: plain.
  Channel(Socket socket, SslPointer tls);

  Socket& socket() { return socket_; }
  bool tls() const { return tls_ != nullptr; }
  /// After the handshake; see client_certificate_of().
  const ClientCertificate& client_certificate() const { return client_certificate_; }

  /// Of TLS, before anything is read or written; `done` takes an error code.
  template <class Done>
  void handshake(Done done) {
    await(step_handshake(), std::move(done), [this](Done&& again) { handshake(std::move(again)); });
  }

  /// Up to the whole of `space`, at least one byte; error eof where the peer has ended its half.
  template <class Done>
  void read_some(std::span<char> space, Done done) {
    const auto buffer = boost::asio::buffer(space.data(), space.size());
    if (!tls_ || output_ended_) return socket_.async_read_some(buffer, std::move(done));
    await(step_read(space), std::move(done),
          [this, space](Done&& again) { read_some(space, std::move(again)); });
  }

  /// Some of the buffers, from the first on. Asked again, it must be given the rest of the same bytes.
  template <class Done>
  void write_some(std::span<const boost::asio::const_buffer> buffers, Done done) {
    if (!tls_) return socket_.async_write_some(buffers, std::move(done));
    await(step_write(buffers), std::move(done),
          [this, buffers](Done&& again) { write_some(buffers, std::move(again)); });
  }

  /// Tells the peer that nothing more comes; once. Reads go on; of TLS they then give undeciphered bytes,
  /// good for nothing but to be thrown away until the peer ends too.
  void end_output(ErrorCode& ec);

 private:
  /// What one try of OpenSSL's came to: done with so many bytes, failed, or to be tried again.
  struct Step {
    ErrorCode ec;
    std::size_t bytes = 0;
    std::optional<Socket::wait_type> wait_for;
  };
  Step step_handshake();
  Step step_read(std::span<char> space);
  Step step_write(std::span<const boost::asio::const_buffer> buffers);
  Step unfinished(int result);

  template <class Done, class Again>
  void await(Step step, Done done, Again again) {
    if (!step.wait_for) {
      boost::asio::post(socket_.get_executor(),
                        [step, done = std::move(done)]() mutable { done(step.ec, step.bytes); });
      return;
    }
    socket_.async_wait(*step.wait_for, [this, done = std::move(done), again](const ErrorCode& ec) mutable {
      if (ec) return done(ec, 0);
      // Closed since it became ready: OpenSSL would read from whoever got the descriptor's number next.
      if (!socket_.is_open()) return done(boost::asio::error::operation_aborted, 0);
      again(std::move(done));
    });
  }

  Socket socket_;
  SslPointer tls_;
  ClientCertificate client_certificate_;
  bool output_ended_ = false;
};

}  // namespace voucherd::http
