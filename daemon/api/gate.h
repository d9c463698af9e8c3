// The way in: who sends a request, whether they may, and what the access log must know of it. Asked twice: by
// the head alone, before a body is received; and again when all is there, since a token may have been revoked
// meanwhile. Of an answer in pieces it is asked before each of them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemon/access/access_log.h"
#include "daemon/access/authenticator.h"
#include "daemon/access/permissions.h"
#include "daemon/access/token_connections.h"
#include "daemon/api/router.h"
#include "daemon/engine/engine.h"
#include "daemon/http/rate_limits.h"

namespace voucherd::api {

/// What both listeners share.
struct Access {
  bool required = false;  // false: who shows nothing is local, and may do everything
  access::Authenticator authenticator;
  http::RateLimits rates{0, 1, 1};  // of each token
  std::unique_ptr<access::AccessLog> log;
  std::size_t answers_waiting_bytes = 0;  // for their lines in it
};

/// Of one listener. All run on the engine's owner thread; what it is given outlives it.
class Gate {
 public:
  Gate(const Router& router, const Engine& engine, Access& access, std::uint64_t token_connections_max)
      : router_(router), engine_(engine), access_(access), connections_(token_connections_max) {}

  /// For http::Server::admit_by(). Takes one of the token's requests.
  std::optional<http::Response> admit(const http::Request& head);
  /// For http::Server::on_close().
  void closed(const std::string& peer) { connections_.closed(peer); }
  /// Answers, or refuses; returns the pattern that answered, as Router::answer().
  std::string answer(http::Request&& request, http::Reply reply);

 private:
  /// Refuses where the token has had its share.
  std::optional<http::Response> hold_to_limits(const http::Request& head, const access::Identity& caller);
  struct Judgement {
    std::shared_ptr<const access::Identity> caller;
    Router::Match match;
    const access::Permission* permission = nullptr;
    std::optional<http::Response> refusal;
    std::string fault;  // of the refusal, for the log
  };
  Judgement judge(const http::Request& request) const;
  bool shows_nothing(const http::Request& request) const;
  access::AccessEntry entry_of(const http::Request& request, const Judgement& judgement) const;
  void log_refusal(const http::Request& request, const Judgement& judgement, int status);
  /// Ends an answer in pieces before its end where whoever asked may not have it any more.
  http::Reply held_to_its_right(http::Reply reply, const http::Request& request);
  /// Answers once the log has the line, or refuses.
  http::Reply logged(http::Reply reply, access::AccessEntry entry);
  /// Of requests whose body may be refused: logs that.
  http::Reply refusal_logged(http::Reply reply, access::AccessEntry entry);

  const Router& router_;
  const Engine& engine_;
  Access& access_;
  access::TokenConnections connections_;
};

}  // namespace voucherd::api
