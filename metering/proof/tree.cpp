// RFC 6962's tree hashes over OpenSSL's SHA-256.
#include "metering/proof/tree.h"

#include <openssl/evp.h>

#include <bit>
#include <initializer_list>
#include <memory>

#include "metering/core/assert.h"

namespace voucherd {

namespace {

// RFC 6962 §2.1: the two prefixes keep a leaf from being passed off as a node.
constexpr std::string_view leaf_prefix("\x00", 1);
constexpr std::string_view node_prefix("\x01", 1);
constexpr std::size_t size_bytes = 8;

TreeHash sha256(std::initializer_list<std::string_view> parts) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  VOUCHERD_ASSERT(context != nullptr);
  VOUCHERD_ASSERT(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  for (const std::string_view part : parts) {
    VOUCHERD_ASSERT(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  TreeHash hash{};
  unsigned length = 0;
  VOUCHERD_ASSERT(EVP_DigestFinal_ex(context.get(), hash.data(), &length) == 1 && length == hash.size());
  return hash;
}

std::string_view bytes_of(const TreeHash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

TreeHash node_hash(const TreeHash& left, const TreeHash& right) {
  return sha256({node_prefix, bytes_of(left), bytes_of(right)});
}

}  // namespace

TreeHash leaf_hash(std::string_view leaf) { return sha256({leaf_prefix, leaf}); }

// A full subtree of 2^k leaves ends at each size that 2^k divides: one merge for each
// trailing one bit of the size so far, as in binary addition.
void TreeEdge::append(const TreeHash& leaf) {
  TreeHash hash = leaf;
  for (std::uint64_t carry = size_; (carry & 1) != 0; carry >>= 1) {
    hash = node_hash(edge_.back(), hash);
    edge_.pop_back();
  }
  edge_.push_back(hash);
  ++size_;
  VOUCHERD_ASSERT(edge_.size() == static_cast<std::size_t>(std::popcount(size_)));
}

TreeHash TreeEdge::root() const {
  if (edge_.empty()) return sha256({});
  TreeHash hash = edge_.back();
  for (std::size_t i = edge_.size() - 1; i > 0; --i) hash = node_hash(edge_[i - 1], hash);
  return hash;
}

void TreeEdge::save(std::string& out) const {
  for (unsigned shift = 0; shift < 8 * size_bytes; shift += 8) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(size_ >> shift & 0xff)));
  }
  for (const TreeHash& hash : edge_) out.append(bytes_of(hash));
}

Result<TreeEdge> TreeEdge::load(std::string_view& in) {
  const Fault cut_short{"tree_damaged",
                        "A saved tree edge is cut short; the checkpoint that holds it can't be used."};
  if (in.size() < size_bytes) return cut_short;
  TreeEdge edge;
  for (std::size_t i = 0; i < size_bytes; ++i) {
    edge.size_ |= static_cast<std::uint64_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  }
  in.remove_prefix(size_bytes);
  edge.edge_.resize(static_cast<std::size_t>(std::popcount(edge.size_)));
  for (TreeHash& hash : edge.edge_) {
    if (in.size() < hash.size()) return cut_short;
    in.copy(reinterpret_cast<char*>(hash.data()), hash.size());
    in.remove_prefix(hash.size());
  }
  return edge;
}

std::string to_hex(const TreeHash& hash) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * hash.size());
  for (const std::uint8_t byte : hash) {
    hex.push_back(digits[byte >> 4]);
    hex.push_back(digits[byte & 0xf]);
  }
  return hex;
}

}  // namespace voucherd
