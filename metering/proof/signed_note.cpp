// Notes as text; Ed25519 by OpenSSL.
#include "metering/proof/signed_note.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <vector>

#include "metering/core/assert.h"
#include "metering/proof/base64.h"

namespace voucherd {

namespace {

constexpr std::string_view signature_mark = "\u2014 ";  // an em dash and a space
constexpr std::string_view key_type("\x01", 1);         // Ed25519 (C2SP signed-note)
constexpr std::size_t key_hash_bytes = 4, signature_bytes = 64;
constexpr std::size_t note_bytes_max = 64 * 1024;

std::uint32_t key_hash_of(std::string_view name, std::string_view public_key) {
  const Sha256Hash hash = Sha256().add(name).add("\n").add(key_type).add(public_key).finish();
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < key_hash_bytes; ++i) number = number << 8 | hash[i];
  return number;
}

std::string big_endian(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(number >> shift & 0xff)));
  }
  return bytes;
}

std::string hex_of(std::uint32_t number) {
  std::string hex;
  for (int shift = 28; shift >= 0; shift -= 4) hex.push_back("0123456789abcdef"[number >> shift & 0xf]);
  return hex;
}

struct Signature {
  NoteSigner signer;
  std::string bytes;
};
struct Note {
  std::string_view text;
  std::vector<Signature> signatures;
};

Fault note_malformed(const char* what) {
  return {"note_malformed", std::string("this is no signed note: ") + what};
}

/// False where the line is no signature.
bool parse_signature(std::string_view line, Signature& signature) {
  if (!line.starts_with(signature_mark)) return false;
  line.remove_prefix(signature_mark.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_key_name(line.substr(0, space))) return false;
  const auto bytes = from_base64(line.substr(space + 1));
  if (!bytes || bytes->size() <= key_hash_bytes) return false;
  signature.signer.name = line.substr(0, space);
  signature.bytes = bytes->substr(key_hash_bytes);
  for (std::size_t i = 0; i < key_hash_bytes; ++i) {
    signature.signer.key_hash = signature.signer.key_hash << 8 | static_cast<unsigned char>((*bytes)[i]);
  }
  return true;
}

Result<Note> parse_note(std::string_view note) {
  if (note.size() > note_bytes_max) return note_malformed("it is longer than 64 KiB");
  const bool control = std::any_of(note.begin(), note.end(), [](char c) {
    return c != '\n' && (static_cast<unsigned char>(c) < ' ' || c == 0x7f);
  });
  if (control) return note_malformed("it holds a control byte");
  const std::size_t gap = note.rfind("\n\n");
  if (gap == std::string_view::npos) return note_malformed("no empty line stands before its signatures");
  Note parsed{note.substr(0, gap + 1), {}};
  std::string_view lines = note.substr(gap + 2);
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    if (end == std::string_view::npos) return note_malformed("its last line does not end");
    if (!parse_signature(lines.substr(0, end), parsed.signatures.emplace_back())) {
      return note_malformed("a line behind the empty one is no signature");
    }
    lines.remove_prefix(end + 1);
  }
  if (parsed.signatures.empty()) return note_malformed("it has no signature");
  return parsed;
}

}  // namespace

std::string to_text(const TreeHead& head) {
  return head.origin + "\n" + std::to_string(head.size) + "\n" + to_base64(bytes_of(head.root)) + "\n";
}

Result<TreeHead> parse_tree_head(std::string_view text) {
  const auto take_line = [&text]() -> std::string_view {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
  };
  TreeHead head;
  head.origin = take_line();
  const std::string_view size = take_line();
  const auto read = std::from_chars(size.data(), size.data() + size.size(), head.size);
  const auto root = from_base64(take_line());
  // One spelling of a number: "01" and "+1" are none.
  const bool good = read.ec == std::errc() && std::to_string(head.size) == size && !head.origin.empty() &&
                    root && root->size() == head.root.size();
  if (!good) {
    return Fault{"checkpoint_malformed",
                 "a checkpoint has three lines: its origin, the tree's size, its root"};
  }
  std::copy(root->begin(), root->end(), head.root.begin());
  return head;
}

bool is_key_name(std::string_view name) {
  return !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte == 0x7f || c == '+';
  });
}

VerifierKey::VerifierKey(std::string name, const PublicKey& key)
    : name_(std::move(name)), key_(key), key_hash_(key_hash_of(name_, bytes_of(key_))) {
  VOUCHERD_ASSERT(is_key_name(name_));
}

Result<VerifierKey> VerifierKey::parse(std::string_view text) {
  const Fault malformed{"key_malformed", "a key is <name>+<8 hex digits>+<base64>, and this is none"};
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos || !is_key_name(text.substr(0, first))) return malformed;
  const auto typed = from_base64(text.substr(second + 1));
  if (!typed || typed->size() != 1 + public_bytes || !typed->starts_with(key_type)) return malformed;
  PublicKey key{};
  std::copy(typed->begin() + 1, typed->end(), key.begin());
  VerifierKey parsed(std::string(text.substr(0, first)), key);
  if (parsed.text() != text) return malformed;  // its hash is another one
  return parsed;
}

std::string VerifierKey::text() const {
  return name_ + "+" + hex_of(key_hash_) + "+" + to_base64(std::string(key_type).append(bytes_of(key_)));
}

bool VerifierKey::verifies(std::string_view text, std::string_view signature) const {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key_.data(), key_.size()), &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (key == nullptr || context == nullptr || signature.size() != signature_bytes) return false;
  if (EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) return false;
  return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                          text.size()) == 1;
}

Result<std::string> VerifierKey::open(std::string_view note) const {
  const auto parsed = parse_note(note);
  if (!parsed) return parsed.error();
  for (const Signature& signature : parsed->signatures) {
    if (signature.signer.name != name_ || signature.signer.key_hash != key_hash_) continue;
    if (verifies(parsed->text, signature.bytes)) {
      return {boost::system::in_place_value, std::string(parsed->text)};
    }
    return Fault{"signature_wrong", "the signature of " + name_ + " does not fit the note: it was changed"};
  }
  return Fault{"signature_missing", "the note is not signed by the key " + text() + " but by " +
                                        parsed->signatures.front().signer.name + "+" +
                                        hex_of(parsed->signatures.front().signer.key_hash)};
}

Result<NoteSigner> first_signer(std::string_view note) {
  const auto parsed = parse_note(note);
  if (!parsed) return parsed.error();
  return parsed->signatures.front().signer;
}

std::string make_note(std::string_view text, const NoteSigner& signer, std::string_view signature) {
  VOUCHERD_ASSERT(!text.empty() && text.back() == '\n');
  return std::string(text)
      .append("\n")
      .append(signature_mark)
      .append(signer.name)
      .append(" ")
      .append(to_base64(big_endian(signer.key_hash).append(signature)))
      .append("\n");
}

}  // namespace voucherd
