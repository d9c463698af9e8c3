#include "daemon/http/tls.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <ctime>
#include <string_view>
#include <vector>

#include "daemon/secret_file.h"
#include "metering/core/assert.h"
#include "metering/proof/sha256.h"

namespace voucherd::http {

namespace {

constexpr const char* cipher_suites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* key_exchange_groups = "X25519:P-256:P-384";
constexpr int security_level = 2;  // OpenSSL's: 112 bits, so RSA from 2,048 on
/// Asked of the kernel at once; held only while there is something in it.
constexpr std::size_t record_buffer_bytes = 64u << 10;

struct End {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <class T>
using Owned = std::unique_ptr<T, End>;

Fault unusable(const std::string& file, const std::string& why) {
  return {"tls_unusable", file + " can't be used for TLS: " + why};
}

/// What OpenSSL has to say about the last failure.
std::string openssl_reason() {
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  return reason == nullptr ? "OpenSSL gives no reason" : reason;
}

/// Without it OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Owned<BIO> reader_of(const std::string& text) {
  Owned<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) throw std::bad_alloc();
  return bio;
}

/// All certificates of a PEM file, at least one.
Result<std::vector<Owned<X509>>> read_certificates(const std::string& file, const std::string& pem) {
  const auto reader = reader_of(pem);
  std::vector<Owned<X509>> certificates;
  ERR_clear_error();
  while (X509* one = PEM_read_bio_X509(reader.get(), nullptr, no_passphrase, nullptr)) {
    certificates.emplace_back(one);
  }
  // The end of the file is where no more BEGIN line is found.
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!ended) return unusable(file, "a certificate in it is broken: " + openssl_reason());
  ERR_clear_error();
  if (certificates.empty()) return unusable(file, "it holds no certificate in PEM");
  return {boost::system::in_place_value, std::move(certificates)};
}

std::chrono::sys_seconds expiry_of(const X509* certificate) {
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return {};
  const std::chrono::sys_days day = std::chrono::year(end.tm_year + 1900) / (end.tm_mon + 1) /
                                    std::chrono::day(static_cast<unsigned>(end.tm_mday));
  return day + std::chrono::hours(end.tm_hour) + std::chrono::minutes(end.tm_min) +
         std::chrono::seconds(end.tm_sec);
}

/// A client that knows HTTP/1.1 is told so; one that wants only something else is turned away, so that what
/// it sends can't be taken for HTTP.
int select_protocol(SSL*, const unsigned char** chosen, unsigned char* bytes, const unsigned char* offered,
                    unsigned offered_bytes, void*) {
  constexpr std::string_view http11 = "\x08http/1.1";
  unsigned char* found = nullptr;
  const int selected =
      SSL_select_next_proto(&found, bytes, reinterpret_cast<const unsigned char*>(http11.data()),
                            static_cast<unsigned>(http11.size()), offered, offered_bytes);
  *chosen = found;
  return selected == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// Of a session: KeyUpdate messages since the peer last sent a byte of its own.
int key_updates_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

/// OpenSSL handles KeyUpdates within the call that reads, however many come: a peer that sends nothing else
/// would never let go of the thread. So beyond a few the session is taken for ended.
void count_key_updates(int written, int, int type, const void* message, std::size_t bytes, SSL* ssl, void*) {
  constexpr unsigned char key_update = 24;  // RFC 8446 §4
  if (written != 0 || type != SSL3_RT_HANDSHAKE || bytes == 0) return;
  if (*static_cast<const unsigned char*>(message) != key_update) return;
  const auto seen = reinterpret_cast<std::uintptr_t>(SSL_get_ex_data(ssl, key_updates_index())) + 1;
  SSL_set_ex_data(ssl, key_updates_index(), reinterpret_cast<void*>(seen));
  if (seen > key_updates_max) SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
}

std::unique_ptr<SSL_CTX, SslEnd> new_context() {
  std::unique_ptr<SSL_CTX, SslEnd> context(SSL_CTX_new(TLS_server_method()));
  if (!context) throw std::bad_alloc();
  SSL_CTX* const c = context.get();
  SSL_CTX_set_security_level(c, security_level);
  const bool set = SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) == 1 &&
                   SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) == 1 &&
                   SSL_CTX_set_ciphersuites(c, cipher_suites) == 1 &&
                   SSL_CTX_set1_groups_list(c, key_exchange_groups) == 1 &&
                   SSL_CTX_set_num_tickets(c, 0) == 1;
  VOUCHERD_ASSERT(set);
  SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                             SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(
      c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(c, 1);
  SSL_CTX_set_default_read_buffer_len(c, record_buffer_bytes);
  SSL_CTX_set_alpn_select_cb(c, select_protocol, nullptr);
  SSL_CTX_set_msg_callback(c, count_key_updates);
  return context;
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsFiles& files) {
  const std::shared_ptr<TlsContext> made(new TlsContext);
  made->context_ = new_context();
  if (auto taken = made->take_certificate(files.certificate); !taken) return taken.error();
  if (auto taken = made->take_key(files.key); !taken) return taken.error();
  if (!files.client_ca.empty()) {
    if (auto taken = made->take_client_ca(files); !taken) return taken.error();
  }
  return std::shared_ptr<const TlsContext>(made);
}

Result<void> TlsContext::take_certificate(const std::string& file) {
  const auto pem = read_small_file(file);
  if (!pem) return pem.error();
  auto chain = read_certificates(file, *pem);
  if (!chain) return chain.error();
  // Refused where the key is too short for the security level.
  if (SSL_CTX_use_certificate(context_.get(), chain->front().get()) != 1) {
    return unusable(file, openssl_reason());
  }
  expires_at_ = expiry_of(chain->front().get());
  for (std::size_t i = 1; i < chain->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context_.get(), (*chain)[i].get()) != 1)
      return unusable(file, openssl_reason());
  }
  return {};
}

Result<void> TlsContext::take_key(const std::string& file) {
  auto pem = read_secret_file(file);
  if (!pem) return pem.error();
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(reader_of(*pem).get(), nullptr, no_passphrase, nullptr));
  OPENSSL_cleanse(pem->data(), pem->size());
  if (!key) {
    ERR_clear_error();
    return unusable(file, "it holds no private key in PEM without a passphrase");
  }
  if (SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1) {
    return unusable(file, "it is not the certificate's key: " + openssl_reason());
  }
  return {};
}

Result<void> TlsContext::take_client_ca(const TlsFiles& files) {
  auto pem = read_small_file(files.client_ca);
  if (!pem) return pem.error();
  const auto authorities = read_certificates(files.client_ca, *pem);
  if (!authorities) return authorities.error();
  X509_STORE* const store = SSL_CTX_get_cert_store(context_.get());
  for (const auto& authority : *authorities) {
    // The second tells clients which of their certificates to show.
    if (X509_STORE_add_cert(store, authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context_.get(), authority.get()) != 1) {
      return unusable(files.client_ca, openssl_reason());
    }
  }
  // What the file names is trusted, whether it is a root or below one.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  required_ = files.require_client_certificate;
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | (required_ ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  client_ca_ = std::move(*pem);
  return {};
}

SslPointer TlsContext::new_session() const {
  SslPointer session(SSL_new(context_.get()));
  if (!session) throw std::bad_alloc();
  SSL_set_accept_state(session.get());
  return session;
}

void forget_key_updates(SSL* ssl) { SSL_set_ex_data(ssl, key_updates_index(), nullptr); }

ClientCertificate client_certificate_of(SSL* ssl) {
  const X509* const shown = SSL_get0_peer_certificate(ssl);
  if (shown == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return {};
  Sha256Hash digest{};
  if (X509_digest(shown, EVP_sha256(), digest.data(), nullptr) != 1) throw std::bad_alloc();
  ClientCertificate certificate;
  certificate.sha256 = to_hex(digest);
  const STACK_OF(X509)* const chain = SSL_get0_verified_chain(ssl);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const std::chrono::sys_time<std::chrono::milliseconds> expiry = expiry_of(sk_X509_value(chain, i));
    certificate.expires = std::min(certificate.expires, Instant{expiry.time_since_epoch().count()});
  }
  return certificate;
}

}  // namespace voucherd::http
