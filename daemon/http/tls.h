// What the server shows and asks for in TLS handshakes: certificate, key, and whose clients are let in. Made
// from files as a whole or not at all; immutable then, and shared by the connections that began with it, so
// that a reload swaps it for the next ones.
//
// TLS 1.3 only, three cipher suites, no resumption: no session tickets, so nothing of a handshake outlives
// the certificates that it checked, and no early data, which could be replayed.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "metering/core/result.h"
#include "metering/core/time.h"

namespace voucherd::http {

struct TlsFiles {
  std::string certificate, key, client_ca;  // PEM; client_ca "": clients are not asked
  bool require_client_certificate = false;
};

struct SslEnd {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPointer = std::unique_ptr<SSL, SslEnd>;

class TlsContext {
 public:
  /// Faults name the file: one that can't be read, is exposed (daemon/secret_file.h), is not PEM, or does not
  /// belong to the others.
  static Result<std::shared_ptr<const TlsContext>> load(const TlsFiles& files);

  /// For one connection, as its server.
  SslPointer new_session() const;
  /// Until when the certificate is valid.
  std::chrono::sys_seconds expires_at() const { return expires_at_; }
  /// Whether the same clients are let in.
  bool same_clients(const TlsContext& other) const {
    return client_ca_ == other.client_ca_ && required_ == other.required_;
  }

 private:
  TlsContext() = default;
  Result<void> take_certificate(const std::string& file);
  Result<void> take_key(const std::string& file);
  Result<void> take_client_ca(const TlsFiles& files);

  std::unique_ptr<SSL_CTX, SslEnd> context_;
  std::string client_ca_;  // the file's content
  bool required_ = false;
  std::chrono::sys_seconds expires_at_{};
};

/// KeyUpdate messages that a peer may send before its next byte of data; then its session ends.
inline constexpr unsigned key_updates_max = 32;
/// Call when data has come.
void forget_key_updates(SSL* ssl);

/// What a client showed and what was verified.
struct ClientCertificate {
  std::string sha256;  // of its DER, in lower-case hexadecimal; "": it showed none
  Instant expires{std::numeric_limits<std::int64_t>::max()};  // the first of its chain to do so
};
ClientCertificate client_certificate_of(SSL* ssl);

}  // namespace voucherd::http
