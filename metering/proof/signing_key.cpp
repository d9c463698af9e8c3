// Ed25519 by OpenSSL. The key lies in a file of its own, so that it can be kept apart from the data that it
// vouches for, and out of its backups.
#include "metering/proof/signing_key.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>

#include "metering/core/assert.h"
#include "metering/journal/posix_file.h"

namespace voucherd {

namespace {

constexpr unsigned owner_only = 0600, others = 0077;
constexpr std::size_t key_file_bytes_max = 16 * 1024;
constexpr std::size_t signature_bytes = 64;

Fault unreadable(const std::string& path, const std::string& what) {
  return {"signing_key_unreadable",
          path + " " + what +
              "; it must hold an Ed25519 private key (PEM, PKCS#8): name another file in "
              "audit.signing_key_file, or none to have one made"};
}

std::string pem_of(EVP_PKEY* key) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
  VOUCHERD_ASSERT(memory != nullptr);
  VOUCHERD_ASSERT(PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) ==
                  1);
  std::array<char, key_file_bytes_max> pem{};
  const int length = BIO_read(memory.get(), pem.data(), static_cast<int>(pem.size()));
  VOUCHERD_ASSERT(length > 0);
  return {pem.data(), static_cast<std::size_t>(length)};
}

VerifierKey verifier_of(EVP_PKEY* key, const std::string& name) {
  VerifierKey::PublicKey bytes{};
  std::size_t length = bytes.size();
  VOUCHERD_ASSERT(EVP_PKEY_get_raw_public_key(key, bytes.data(), &length) == 1 && length == bytes.size());
  return {name, bytes};
}

}  // namespace

struct SigningKey::Key {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pkey;
};

SigningKey::SigningKey(std::unique_ptr<Key> key, const std::string& name)
    : key_(std::move(key)), verifier_(verifier_of(key_->pkey.get(), name)) {}
SigningKey::~SigningKey() = default;
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;

Result<SigningKey> SigningKey::load(const std::string& path, const std::string& name) {
  const auto file = PosixFile::open(path, O_RDONLY);
  if (!file) return unreadable(path, "can't be read (" + file.error().detail + ")");
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return unreadable(path, "can't be looked at");
  if ((status.st_mode & others) != 0) {
    return Fault{"signing_key_exposed",
                 path +
                     " may be read by others than its owner: whoever has it can sign in "
                     "this centre's name. chmod 600 it, and replace the key if anyone "
                     "may have seen it"};
  }
  const auto pem = file->read_at(0, key_file_bytes_max);
  if (!pem) return unreadable(path, "can't be read (" + pem.error().detail + ")");
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(
      BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())), &BIO_free);
  VOUCHERD_ASSERT(memory != nullptr);
  // No passphrase is asked for: a daemon has nobody to ask.
  char no_passphrase[] = "";
  auto key = std::make_unique<Key>(
      Key{{PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, no_passphrase), &EVP_PKEY_free}});
  if (key->pkey == nullptr) return unreadable(path, "holds no private key that can be read");
  if (EVP_PKEY_get_id(key->pkey.get()) != EVP_PKEY_ED25519)
    return unreadable(path, "holds a key of another kind");
  return SigningKey(std::move(key), name);
}

Result<SigningKey> SigningKey::create(const std::string& path, const std::string& name) {
  auto key = std::make_unique<Key>(Key{{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free}});
  VOUCHERD_ASSERT(key->pkey != nullptr);
  const std::string unfinished = path + ".new";
  std::error_code error;
  std::filesystem::remove(unfinished, error);  // of a start that was cut off
  const auto file = PosixFile::open(unfinished, O_WRONLY | O_CREAT | O_EXCL, owner_only);
  if (!file) return file.error();
  if (auto written = file->write_at(0, pem_of(key->pkey.get())); !written) return written.error();
  if (auto synced = file->sync(); !synced) return synced.error();
  std::filesystem::rename(unfinished, path, error);
  if (error) return Fault{"file_failed", path + ": rename failed: " + error.message()};
  const std::string directory = std::filesystem::absolute(path).parent_path().string();
  if (auto synced = sync_directory(directory); !synced) {
    return synced.error();
  }
  return SigningKey(std::move(key), name);
}

std::string SigningKey::sign(std::string_view text) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  VOUCHERD_ASSERT(context != nullptr);
  VOUCHERD_ASSERT(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_->pkey.get()) == 1);
  std::string signature(signature_bytes, '\0');
  std::size_t length = signature.size();
  VOUCHERD_ASSERT(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length,
                                 reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1);
  VOUCHERD_ASSERT(length == signature_bytes);
  return make_note(text, {verifier_.name(), verifier_.key_hash()}, signature);
}

}  // namespace voucherd
