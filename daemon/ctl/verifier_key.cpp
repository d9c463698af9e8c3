#include "daemon/ctl/verifier_key.h"

#include <filesystem>

#include "daemon/ctl/command.h"

namespace voucherd::ctl {

Result<std::optional<VerifierKey>> read_verifier_key(const std::string& given) {
  if (given.empty()) return std::optional<VerifierKey>();
  std::string text = given;
  std::error_code ignored;
  if (std::filesystem::is_regular_file(given, ignored)) {
    auto read = read_whole(given);
    if (!read) return read.error();
    text = std::move(*read);
  }
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  auto key = VerifierKey::parse(text);
  if (!key) return key.error();
  return std::optional<VerifierKey>(std::move(*key));
}

}  // namespace voucherd::ctl
