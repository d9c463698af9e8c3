// Tokens, as a fold over the journal's token records: who made which one, what it lets in, and until when.
// A token never changes what it may do; its secret can be exchanged, and it can be revoked.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "billing/ledger/ledger.h"
#include "daemon/access/identity.h"
#include "metering/journal/journal.h"

namespace voucherd::access {

inline constexpr std::int64_t token_overlap_ms_max = 31 * ms_per_day;  // that an exchanged secret stays good
inline constexpr std::size_t token_firms_max = 100;
inline constexpr std::size_t token_text_bytes_max = 256;  // of a description
inline constexpr std::uint16_t token_record_version = 1;

enum class TokenAction { create, rotate, revoke };
std::string_view to_string(TokenAction action);  // stored: never to change

struct TokenChange {
  TokenAction action{};
  std::string id;
  nlohmann::json body;
};

/// A change that was made.
struct TokenEvent {
  Position position = 0;
  Instant at;
  billing::Actor by;
  TokenAction action{};
  nlohmann::ordered_json body;  // with hashes, never with a secret
};

struct Token {
  std::shared_ptr<const Identity> identity;
  std::string description;
  std::optional<Instant> expires;  // nullopt: never
  std::string sha256;              // of the token's text; "": a certificate lets in
  std::string previous_sha256;     // good until previous_until
  std::optional<Instant> previous_until;
  std::string certificate_sha256;  // of the certificate, instead of a secret
  std::optional<Instant> revoked_at;
  std::vector<TokenEvent> history;  // oldest first

  bool is_expired(Instant now) const { return expires && now >= *expires; }
};

class TokenBook {
 public:
  struct Judged {
    std::optional<billing::Refusal> refusal;
    std::string payload;  // of a `token` record; "" where refused or where nothing changes
  };
  /// Whether the change can be made at `now`, and its record.
  Judged judge(const TokenChange& change, const billing::Actor& by, Instant now) const;

  /// Folds a token record. Precondition (asserted): can_apply().
  void apply(const RecordHeader& header, const std::string& payload);
  /// Whether it is a record of judge()'s, and of a token that is there, or makes one that is not.
  bool can_apply(const std::string& payload) const;
  void save(std::string& out) const;
  static Result<TokenBook> load(std::string_view& in);

  const Token* find(const std::string& id) const;
  /// The one that the certificate is bound to and that is not revoked.
  const Token* of_certificate(const std::string& fingerprint) const;
  /// By their ids.
  const std::map<std::string, Token>& all() const { return tokens_; }

 private:
  std::optional<billing::Refusal> judge_create(const TokenChange& change, Instant now) const;
  std::optional<billing::Refusal> judge_rotate(const TokenChange& change, Instant now) const;
  std::optional<billing::Refusal> judge_revoke(const TokenChange& change) const;
  bool changes_nothing(const TokenChange& change) const;

  std::map<std::string, Token> tokens_;
  std::map<std::string, std::string> by_certificate_;  // fingerprint → id, of those not revoked
};

}  // namespace voucherd::access
