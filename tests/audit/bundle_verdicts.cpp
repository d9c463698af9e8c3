// The C++ verifier as a filter, so that a test can ask it about many bundles with one start: reads a key's
// text ("": none) and a bundle, each as u32 length and bytes, and answers each pair with a line: "ok", or why
// it is refused.
#include <array>
#include <iostream>
#include <optional>
#include <string>

#include "billing/audit/verify.h"

namespace {

bool read_block(std::string& block) {
  std::array<char, 4> size{};
  if (!std::cin.read(size.data(), size.size())) return false;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < size.size(); ++i)
    bytes |= std::size_t{static_cast<unsigned char>(size[i])} << (8 * i);
  block.resize(bytes);
  return static_cast<bool>(std::cin.read(block.data(), static_cast<std::streamsize>(bytes)));
}

std::string verdict(const std::string& key_text, const std::string& bundle) {
  std::optional<voucherd::VerifierKey> key;
  if (!key_text.empty()) {
    auto parsed = voucherd::VerifierKey::parse(key_text);
    if (!parsed) return parsed.error().detail;
    key = std::move(*parsed);
  }
  const auto found = voucherd::billing::verify_bundle(bundle, key);
  std::string line = found ? "ok" : found.error().detail;
  for (char& c : line)
    if (c == '\n') c = ' ';
  return line;
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  std::string key, bundle;
  while (read_block(key) && read_block(bundle)) std::cout << verdict(key, bundle) << std::endl;
  return 0;
}
