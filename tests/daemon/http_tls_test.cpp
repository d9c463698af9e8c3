// TLS on the server: what handshakes it takes part in, who is let in, and what a reload changes.
#include <gmock/gmock.h>

#include <openssl/err.h>

#include "tests/daemon/http_fixture.h"

namespace voucherd::http {
namespace {

using testing::HasSubstr;

class HttpTlsTest : public HttpServerTest {
 protected:
  using Context = std::unique_ptr<SSL_CTX, SslEnd>;

  void SetUp() override { ::signal(SIGPIPE, SIG_IGN); }

  /// Answers with the certificate that the client showed.
  void start_with(const TlsFiles& files) {
    tls_ = TlsContext::load(files).value();
    start([](Request&& request, const Reply& reply) {
      Response response;
      response.body = (request.tls ? "tls " : "plain ") + request.client_certificate;
      reply(std::move(response));
    });
  }
  TlsFiles server_files() { return certificates_.write_pair("server", certificates_.authority().issue({})); }
  TlsFiles files_with_client_ca(bool required) {
    TlsFiles files = server_files();
    files.client_ca = certificates_.write("ca.pem", certificates_.authority().certificate());
    files.require_client_certificate = required;
    return files;
  }
  /// The answer's body; "" where there is none.
  std::string ask(SSL_CTX* context) const {
    RawClient c(port_, context);
    c.send(get("/"));
    return c.read().body;
  }
  std::string ask(const Issued& own) const { return ask(certificates_.client_context(&own).get()); }
  Context client_context() const { return certificates_.client_context(nullptr); }
};

TEST_F(HttpTlsTest, AnswersOverTls13WithoutARequestForCertificates) {
  start_with(server_files());
  RawClient c(port_, client_context().get());
  ASSERT_TRUE(c.connected());
  EXPECT_STREQ(SSL_get_version(c.ssl()), "TLSv1.3");
  for (int i = 0; i < 3; ++i) {
    c.send(post("/", std::string(200'000, 'x')));
    EXPECT_EQ(c.read().body, "tls ");
  }
}

TEST_F(HttpTlsTest, RefusesOlderVersions) {
  start_with(server_files());
  for (const int version : {TLS1_2_VERSION, TLS1_1_VERSION, TLS1_VERSION}) {
    const auto old = client_context();
    SSL_CTX_set_security_level(old.get(), 0);
    SSL_CTX_set_min_proto_version(old.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(old.get(), version);
    EXPECT_FALSE(RawClient(port_, old.get()).connected()) << version;
  }
  EXPECT_EQ(ask(client_context().get()), "tls ");
}

TEST_F(HttpTlsTest, RefusesCipherSuitesThatAreNotNamed) {
  start_with(server_files());
  const auto weak = client_context();
  ASSERT_EQ(SSL_CTX_set_ciphersuites(weak.get(), "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"), 1);
  EXPECT_FALSE(RawClient(port_, weak.get()).connected());
  for (const char* suite :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    const auto strong = client_context();
    ASSERT_EQ(SSL_CTX_set_ciphersuites(strong.get(), suite), 1);
    EXPECT_EQ(ask(strong.get()), "tls ") << suite;
  }
}

TEST_F(HttpTlsTest, GivesNoSessionToResumeWithoutAHandshake) {
  start_with(server_files());
  const auto context = client_context();
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT);
  RawClient c(port_, context.get());
  c.send(get("/"));
  EXPECT_EQ(c.read().status, 200);
  EXPECT_EQ(SSL_SESSION_is_resumable(SSL_get0_session(c.ssl())), 0);
  EXPECT_EQ(SSL_SESSION_get_max_early_data(SSL_get0_session(c.ssl())), 0u);
}

/// What the client sends to change its keys; false where the connection is gone.
bool update_keys(SSL* ssl) {
  return SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 && SSL_do_handshake(ssl) == 1;
}

TEST_F(HttpTlsTest, EndsConnectionsThatOnlyChangeTheirKeys) {
  start_with(server_files());
  RawClient c(port_, client_context().get());
  for (unsigned i = 0; i <= 2 * key_updates_max && update_keys(c.ssl()); ++i) {
  }
  c.send(get("/"));
  EXPECT_EQ(c.read().status, 0);
  EXPECT_EQ(ask(client_context().get()), "tls ");
}

TEST_F(HttpTlsTest, TakesNewKeysBetweenRequests) {
  start_with(server_files());
  RawClient c(port_, client_context().get());
  for (unsigned i = 0; i < 2 * key_updates_max; ++i) {
    ASSERT_TRUE(update_keys(c.ssl()));
    c.send(get("/"));
    ASSERT_EQ(c.read().status, 200) << i;
  }
}

TEST_F(HttpTlsTest, SpeaksHttp11ToClientsThatAskAndNothingElse) {
  start_with(server_files());
  const auto offer = [&](std::string_view protocols) {
    const auto context = client_context();
    SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
    RawClient c(port_, context.get());
    const unsigned char* chosen = nullptr;
    unsigned bytes = 0;
    SSL_get0_alpn_selected(c.ssl(), &chosen, &bytes);
    return c.connected() ? std::string(reinterpret_cast<const char*>(chosen), bytes) : "refused";
  };
  EXPECT_EQ(offer("\x02h2\x08http/1.1"), "http/1.1");
  EXPECT_EQ(offer("\x02h2"), "refused");
}

TEST_F(HttpTlsTest, ClosesAPlainConnectionToATlsPort) {
  start_with(server_files());
  RawClient c(port_);
  c.send(get("/"));
  EXPECT_EQ(c.read().status, 0);
}

TEST_F(HttpTlsTest, TellsTheHandlerWhichCertificateWasVerified) {
  start_with(files_with_client_ca(false));
  EXPECT_EQ(ask(client_context().get()), "tls ");
  const std::string shown = ask(certificates_.authority().issue({.name = "collector"}));
  EXPECT_EQ(shown.size(), 4 + 64u) << shown;
}

TEST_F(HttpTlsTest, TellsTheHandlerUntilWhenTheCertificateIsGood) {
  std::optional<Instant> expires;
  tls_ = TlsContext::load(files_with_client_ca(false)).value();
  start([&](Request&& request, const Reply& reply) {
    expires = request.client_certificate_expires;
    reply({});
  });
  const auto ask_with = [&](SSL_CTX* context) {
    RawClient c(port_, context);
    c.send(get("/"));
    EXPECT_EQ(c.read().status, 200);
    return *expires;
  };
  EXPECT_EQ(ask_with(client_context().get()), Instant{std::numeric_limits<std::int64_t>::max()});
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const auto until = [&](long seconds) {
    const Issued own = certificates_.authority().issue({.name = "c", .valid_until_s = seconds});
    return ask_with(certificates_.client_context(&own).get()).ms;
  };
  EXPECT_NEAR(static_cast<double>(until(1'800)), static_cast<double>(now_ms + 1'800'000), 300'000);
  // The authority's own ends before it.
  EXPECT_NEAR(static_cast<double>(until(7'200)), static_cast<double>(now_ms + 3'600'000), 300'000);
}

TEST_F(HttpTlsTest, TurnsAwayCertificatesThatAreExpiredNotYetValidOrOfAnotherAuthority) {
  start_with(files_with_client_ca(false));
  const TestAuthority other("others");
  EXPECT_EQ(
      ask(certificates_.authority().issue({.name = "c", .valid_from_s = -7200, .valid_until_s = -3600})), "");
  EXPECT_EQ(ask(certificates_.authority().issue({.name = "c", .valid_from_s = 3600, .valid_until_s = 7200})),
            "");
  EXPECT_EQ(ask(other.issue({.name = "c"})), "");
  EXPECT_THAT(ask(certificates_.authority().issue({.name = "c"})), HasSubstr("tls "));
}

TEST_F(HttpTlsTest, TurnsAwayClientsWithoutACertificateWhereOneIsRequired) {
  start_with(files_with_client_ca(true));
  EXPECT_EQ(ask(client_context().get()), "");
  EXPECT_THAT(ask(certificates_.authority().issue({.name = "c"})), HasSubstr("tls "));
}

TEST_F(HttpTlsTest, AReloadIsForTheConnectionsToCome) {
  start_with(server_files());
  RawClient before(port_, client_context().get());
  const auto next = TlsContext::load(server_files()).value();
  on_server([&] { server_->use_tls(next); });
  RawClient after(port_, client_context().get());
  ASSERT_TRUE(before.connected() && after.connected());
  EXPECT_NE(X509_cmp(SSL_get0_peer_certificate(before.ssl()), SSL_get0_peer_certificate(after.ssl())), 0);
  for (RawClient* c : {&before, &after}) {
    c->send(get("/"));
    EXPECT_EQ(c->read().status, 200);
  }
}

TEST_F(HttpTlsTest, AReloadThatLetsInOthersEndsTheConnectionsOfBefore) {
  start_with(files_with_client_ca(false));
  RawClient idle(port_, client_context().get());
  idle.send(get("/"));
  EXPECT_EQ(idle.read().status, 200);
  TlsFiles files = server_files();
  files.client_ca = certificates_.write("other.pem", TestAuthority("others").certificate());
  const auto next = TlsContext::load(files).value();
  on_server([&] { server_->use_tls(next); });
  EXPECT_TRUE(idle.ended());
  EXPECT_EQ(SSL_get_shutdown(idle.ssl()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
  EXPECT_EQ(ask(certificates_.authority().issue({.name = "c"})), "");
}

TEST_F(HttpTlsTest, GivesAHandshakeItsTimeAndNoMore) {
  limits_.handshake_timeout_ms = 40;
  start_with(server_files());
  RawClient silent(port_);
  EXPECT_TRUE(silent.ended());
  RawClient slow(port_);
  slow.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
  EXPECT_TRUE(slow.ended());
}

TEST_F(HttpTlsTest, ClosesConnectionsBeyondTheLimitWithoutAHandshake) {
  limits_.connections_max = 1;
  start_with(server_files());
  RawClient first(port_, client_context().get());
  ASSERT_TRUE(first.connected());
  EXPECT_FALSE(RawClient(port_, client_context().get()).connected());
  first.send(get("/"));
  EXPECT_EQ(first.read().status, 200);
}

TEST_F(HttpTlsTest, SaysGoodbyeAfterTheLastAnswer) {
  start_with(server_files());
  RawClient c(port_, client_context().get());
  c.send(get("/", "Connection: close\r\n"));
  EXPECT_EQ(c.read().status, 200);
  EXPECT_TRUE(c.ended());
  EXPECT_EQ(SSL_get_shutdown(c.ssl()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
}

// ------------------------------------------------------------------------------------- the files

std::string fault_of(const TlsFiles& files) {
  const auto loaded = TlsContext::load(files);
  return loaded ? "" : loaded.error().code + ": " + loaded.error().detail;
}

TEST_F(HttpTlsTest, SaysWhatIsWrongWithAFile) {
  const TlsFiles good = server_files();
  EXPECT_EQ(fault_of(good), "");
  const std::string missing = certificates_.path("missing.pem");
  TlsFiles files = good;
  files.certificate = missing;
  EXPECT_THAT(fault_of(files), HasSubstr("missing.pem can't be read: No such file"));
  files.certificate = certificates_.write("empty.pem", "");
  EXPECT_THAT(fault_of(files), HasSubstr("empty.pem can't be used for TLS: it holds no certificate"));
  files.certificate =
      certificates_.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  EXPECT_THAT(fault_of(files), HasSubstr("broken.pem can't be used for TLS: a certificate in it is broken"));
  files = good;
  files.key = good.certificate;
  EXPECT_THAT(fault_of(files), HasSubstr("it holds no private key"));
  files.key = certificates_.write("other.key", certificates_.authority().issue({}).key);
  EXPECT_THAT(fault_of(files), HasSubstr("other.key can't be used for TLS: it is not the certificate's key"));
  files = good;
  files.client_ca = missing;
  EXPECT_THAT(fault_of(files), HasSubstr("missing.pem can't be read"));
}

TEST_F(HttpTlsTest, TakesNoKeyThatOthersCanRead) {
  const TlsFiles files = server_files();
  for (const unsigned mode : {0604u, 0602u, 0620u, 0644u, 0777u}) {
    std::filesystem::permissions(files.key, static_cast<std::filesystem::perms>(mode));
    EXPECT_THAT(fault_of(files), HasSubstr("secret_exposed: ")) << mode;
    EXPECT_THAT(fault_of(files), HasSubstr("set it to 0600")) << mode;
  }
  for (const unsigned mode : {0600u, 0400u}) {
    std::filesystem::permissions(files.key, static_cast<std::filesystem::perms>(mode));
    EXPECT_EQ(fault_of(files), "") << mode;
  }
}

}  // namespace
}  // namespace voucherd::http
