// From what a request shows to who sent it: a bearer token, or the certificate of its connection.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemon/access/token_book.h"
#include "daemon/http/server.h"

namespace voucherd::access {

/// The admin who makes the first tokens: kept in a file, so that it works on an empty journal.
struct BootstrapToken {
  std::string id, sha256;
};
/// "<id> <sha256>", a line. Fault "bootstrap_token", also where others may write the file: they would be
/// admins.
Result<BootstrapToken> read_bootstrap_token(const std::string& file);

class Authenticator {
 public:
  Authenticator() = default;
  explicit Authenticator(const std::optional<BootstrapToken>& bootstrap);

  struct Outcome {
    std::shared_ptr<const Identity> identity;  // nullptr: nothing was shown, or what was is no good
    std::string fault;                         // why it is no good; "" where nothing was shown
    bool claimed = false;                      // a token was shown, or the certificate of one
  };
  Outcome identify(const http::Request& head, const TokenBook& tokens, Instant now) const;

 private:
  Outcome by_token(std::string_view text, const TokenBook& tokens, Instant now) const;

  std::shared_ptr<const Identity> admin_;
  std::string admin_sha256_;
};

}  // namespace voucherd::access
