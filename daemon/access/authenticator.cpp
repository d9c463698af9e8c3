// An unknown id costs as much as a known one with a wrong secret, and is answered alike.
#include "daemon/access/authenticator.h"

#include <algorithm>

#include "daemon/access/token_text.h"
#include "daemon/secret_file.h"

namespace voucherd::access {

namespace {

constexpr std::string_view scheme = "bearer ";

bool begins_like(std::string_view text, std::string_view lower_case) {
  return text.size() >= lower_case.size() &&
         std::equal(lower_case.begin(), lower_case.end(), text.begin(),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
}

Authenticator::Outcome no_good(std::string fault) { return {nullptr, std::move(fault), true}; }

constexpr const char* unknown = "no such token is in force; ask an admin for another one";

/// Of a token whose secret fits.
Authenticator::Outcome judge(const Token& token, Instant now) {
  const std::string& id = token.identity->token;
  if (token.revoked_at) return no_good("token " + id + " is revoked; ask an admin for another one");
  if (token.is_expired(now)) return no_good("token " + id + " has expired; ask an admin for another one");
  return {token.identity, "", true};
}

}  // namespace

Result<BootstrapToken> read_bootstrap_token(const std::string& file) {
  const auto text = read_secret_file(file);
  if (!text) return Fault{"bootstrap_token", text.error().detail};
  const std::string_view line = std::string_view(*text).substr(0, text->find('\n'));
  const auto space = line.find(' ');
  const std::string_view id = line.substr(0, space);
  const std::string_view hash = space == std::string_view::npos ? "" : line.substr(space + 1);
  const bool one_line = text->size() <= line.size() + 1;
  if (!one_line || !is_token_id(id) || !is_sha256_hex(hash))
    return Fault{"bootstrap_token", file +
                                        " is not one line with a token's id and its SHA-256; make it with "
                                        "`voucherctl token bootstrap FILE`"};
  return BootstrapToken{std::string(id), std::string(hash)};
}

Authenticator::Authenticator(const std::optional<BootstrapToken>& bootstrap) {
  if (!bootstrap) return;
  admin_ = std::make_shared<const Identity>(
      Identity{{"token", bootstrap->id}, bootstrap->id, Role::admin, "", {}});
  admin_sha256_ = bootstrap->sha256;
}

Authenticator::Outcome Authenticator::identify(const http::Request& head, const TokenBook& tokens,
                                               Instant now) const {
  // A new connection could not be made with it: it would be turned away before any token is seen.
  if (!head.client_certificate.empty() && now >= head.client_certificate_expires)
    return no_good("the certificate of this connection has expired; connect again with one that is valid");
  std::string_view shown;
  for (const auto& [name, value] : head.headers) {
    if (name != "authorization" || !begins_like(value, scheme)) continue;
    if (!shown.empty()) return no_good("the request shows two tokens; show one");
    shown = std::string_view(value).substr(scheme.size());
  }
  if (!shown.empty()) return by_token(shown, tokens, now);
  if (head.client_certificate.empty()) return {};
  const Token* token = tokens.of_certificate(head.client_certificate);
  if (token == nullptr)
    return {nullptr,
            "the certificate of this connection is bound to no role; an admin binds it, or show a token"};
  return judge(*token, now);
}

Authenticator::Outcome Authenticator::by_token(std::string_view text, const TokenBook& tokens,
                                               Instant now) const {
  const auto id = id_of_token(text);
  if (!id) return no_good(id.error().detail);
  const std::string hash = sha256_hex(text);
  if (admin_ && *id == admin_->token) {
    return same_hash(hash, admin_sha256_) ? Outcome{admin_, "", true} : no_good(unknown);
  }
  const Token* token = tokens.find(*id);
  if (token == nullptr || token->sha256.empty()) return no_good(unknown);
  if (same_hash(hash, token->sha256)) return judge(*token, now);
  const bool is_previous = !token->previous_sha256.empty() && same_hash(hash, token->previous_sha256);
  if (!is_previous) return no_good(unknown);
  if (now >= *token->previous_until)
    return no_good("the secret of token " + *id + " was exchanged, and its overlap is over; use the new one");
  return judge(*token, now);
}

}  // namespace voucherd::access
