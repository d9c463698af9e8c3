// Authorities, certificates and keys for tests, made as they are needed: nothing that expires lies in the
// repository. P-256 throughout.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "daemon/http/tls.h"

namespace voucherd::http {

struct Issue {
  std::string name = "127.0.0.1";
  long valid_from_s = -3600, valid_until_s = 3600;  // from now
};

/// A certificate and its key, PEM.
struct Issued {
  std::string certificate, key;
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name) : key_(new_key()), name_(name) {
    Issue own;
    own.name = name;
    fill(itself_.get(), own, key_.get(), name);
    extend(NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(itself_.get(), key_.get(), EVP_sha256());
  }

  std::string certificate() const { return pem_of(itself_.get()); }
  X509* x509() const { return itself_.get(); }

  Issued issue(const Issue& wanted) const {
    const auto key = new_key();
    const std::unique_ptr<X509, void (*)(X509*)> made(X509_new(), X509_free);
    fill(made.get(), wanted, key.get(), name_);
    X509_sign(made.get(), key_.get(), EVP_sha256());
    return {pem_of(made.get()), pem_of(key.get())};
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
  static Key new_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

  static void fill(X509* x, const Issue& wanted, EVP_PKEY* key, const std::string& issuer) {
    X509_set_version(x, 2);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), std::random_device{}());
    X509_gmtime_adj(X509_getm_notBefore(x), wanted.valid_from_s);
    X509_gmtime_adj(X509_getm_notAfter(x), wanted.valid_until_s);
    X509_set_pubkey(x, key);
    set_name(X509_get_subject_name(x), wanted.name);
    set_name(X509_get_issuer_name(x), issuer);
  }
  static void set_name(X509_NAME* name, const std::string& text) {
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()),
                               static_cast<int>(text.size()), -1, 0);
  }
  void extend(int what, const char* value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value);
    X509_add_ext(itself_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  template <class T>
  static std::string pem_of(T* what) {
    const std::unique_ptr<BIO, void (*)(BIO*)> out(BIO_new(BIO_s_mem()), [](BIO* bio) { BIO_free(bio); });
    if constexpr (std::is_same_v<T, X509>) {
      PEM_write_bio_X509(out.get(), what);
    } else {
      PEM_write_bio_PrivateKey(out.get(), what, nullptr, nullptr, 0, nullptr, nullptr);
    }
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
  }

  Key key_;
  std::unique_ptr<X509, void (*)(X509*)> itself_{X509_new(), X509_free};
  std::string name_;
};

/// A folder of its own for certificates and keys, and an authority that has issued them.
class CertificateFiles {
 public:
  CertificateFiles()
      : folder_(std::filesystem::temp_directory_path() /
                ("voucherd-certificates-" + std::to_string(std::random_device{}()))) {
    std::filesystem::create_directory(folder_);
  }
  ~CertificateFiles() { std::filesystem::remove_all(folder_); }
  CertificateFiles(const CertificateFiles&) = delete;
  CertificateFiles& operator=(const CertificateFiles&) = delete;

  const TestAuthority& authority() const { return authority_; }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  /// Readable by nobody else. Returns the path.
  std::string write(const std::string& name, const std::string& text, unsigned mode = 0600) const {
    std::ofstream(path(name), std::ios::trunc) << text;
    std::filesystem::permissions(path(name), static_cast<std::filesystem::perms>(mode));
    return path(name);
  }
  /// Writes NAME.pem and NAME.key.
  TlsFiles write_pair(const std::string& name, const Issued& issued) const {
    return {write(name + ".pem", issued.certificate), write(name + ".key", issued.key), "", false};
  }

  /// Of a client that trusts the authority, and shows a certificate where `own` is given.
  std::unique_ptr<SSL_CTX, SslEnd> client_context(const Issued* own) const {
    std::unique_ptr<SSL_CTX, SslEnd> context(SSL_CTX_new(TLS_client_method()));
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority_.x509());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    if (own != nullptr) {
      const auto files = write_pair("client" + std::to_string(std::random_device{}()), *own);
      if (SSL_CTX_use_certificate_file(context.get(), files.certificate.c_str(), SSL_FILETYPE_PEM) != 1 ||
          SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        throw std::runtime_error("a test's certificate can't be used");
      }
    }
    return context;
  }

 private:
  std::filesystem::path folder_;
  TestAuthority authority_{"voucherd tests"};
};

}  // namespace voucherd::http
