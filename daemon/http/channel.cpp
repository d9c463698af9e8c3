#include "daemon/http/channel.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

namespace voucherd::http {

namespace {

/// What TLS puts into one record.
constexpr std::size_t record_bytes = 16u << 10;
constexpr int unsent_bytes_max = 256 << 10;  // that the kernel takes of an answer
/// Records that one step reads: a peer that sends a byte in each lets others have their turn.
constexpr int records_per_step_max = 64;

}  // namespace

Channel::Channel(Socket socket, SslPointer tls) : socket_(std::move(socket)), tls_(std::move(tls)) {
  ErrorCode ignored;  // where it is gone already, the first operation says so
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  // What waits for a slow reader waits here, where it is counted, and not in the kernel.
  const int unsent_bytes = unsent_bytes_max;
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes, sizeof unsent_bytes);
  if (!tls_) return;
  socket_.native_non_blocking(true, ignored);
  if (SSL_set_fd(tls_.get(), socket_.native_handle()) != 1) throw std::bad_alloc();
}

Channel::Step Channel::step_handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(tls_.get());
  if (result != 1) return unfinished(result);
  try {
    client_certificate_ = client_certificate_of(tls_.get());
  } catch (const std::bad_alloc&) {
    return {boost::asio::error::no_memory, 0, std::nullopt};
  }
  return {};
}

Channel::Step Channel::step_read(std::span<char> space) {
  std::size_t filled = 0;
  for (int records = 0; filled < space.size() && records < records_per_step_max; ++records) {
    std::size_t got = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(tls_.get(), space.data() + filled, space.size() - filled, &got);
    filled += got;
    if (result == 1) continue;
    // What has come is given first; the next read meets the end or the fault again.
    if (filled == 0) return unfinished(result);
    break;
  }
  forget_key_updates(tls_.get());
  return {{}, filled, std::nullopt};
}

Channel::Step Channel::step_write(std::span<const boost::asio::const_buffer> buffers) {
  // Head and body in one record. Repeated after a wait, it gathers the same bytes, as OpenSSL wants.
  std::array<char, record_bytes> record;
  std::size_t gathered = 0;
  for (const auto& buffer : buffers) {
    const std::size_t bytes = std::min(buffer.size(), record.size() - gathered);
    std::memcpy(record.data() + gathered, buffer.data(), bytes);
    gathered += bytes;
  }
  std::size_t written = 0;
  ERR_clear_error();
  const int result = SSL_write_ex(tls_.get(), record.data(), gathered, &written);
  return result == 1 ? Step{{}, written, std::nullopt} : unfinished(result);
}

Channel::Step Channel::unfinished(int result) {
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {{}, 0, Socket::wait_read};
    case SSL_ERROR_WANT_WRITE:
      return {{}, 0, Socket::wait_write};
    case SSL_ERROR_ZERO_RETURN:
      return {boost::asio::error::eof, 0, std::nullopt};
    default:
      // An end without TLS' own is an attack or a crash: what was owed is not.
      ERR_clear_error();
      return {boost::asio::error::connection_reset, 0, std::nullopt};
  }
}

void Channel::end_output(ErrorCode& ec) {
  if (std::exchange(output_ended_, true)) return;
  if (tls_) {
    // Where it would have to wait, the peer does without: it has all answers with their lengths.
    ERR_clear_error();
    if (SSL_is_init_finished(tls_.get()) == 1) SSL_shutdown(tls_.get());
    ERR_clear_error();
  }
  socket_.shutdown(Socket::shutdown_send, ec);
}

}  // namespace voucherd::http
