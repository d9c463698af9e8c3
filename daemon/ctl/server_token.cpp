// Faults name the file, never what stands in it.
#include "daemon/ctl/server_token.h"

#include <cstdlib>
#include <filesystem>

#include "daemon/access/token_text.h"
#include "daemon/secret_file.h"

namespace voucherd::ctl {

namespace {

std::string value_of(const char* variable) {
  const char* const value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): before any thread
  return value == nullptr ? std::string() : value;
}

std::string file_of(const std::string& named) {
  if (!named.empty()) return named;
  if (std::string file = value_of("VOUCHERD_TOKEN_FILE"); !file.empty()) return file;
  const std::string credentials = value_of("CREDENTIALS_DIRECTORY");
  std::error_code ignored;
  if (credentials.empty() || !std::filesystem::exists(credentials + "/voucherd-token", ignored)) return {};
  return credentials + "/voucherd-token";
}

}  // namespace

Result<std::string> read_server_token(const std::string& file) {
  const std::string path = file_of(file);
  if (path.empty()) return {boost::system::in_place_value, ""};
  auto text = read_secret_file(path);
  if (!text) return text.error();
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  if (const auto id = access::id_of_token(*text); !id)
    return Fault{"token_malformed", path + ": " + id.error().detail};
  return text;
}

}  // namespace voucherd::ctl
