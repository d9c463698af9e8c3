// How many connections show a token, so that one that got into a loop, or into wrong hands, leaves room for
// the others.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace voucherd::access {

/// Of one listener, by the names of its peers.
class TokenConnections {
 public:
  explicit TokenConnections(std::uint64_t connections_max) : connections_max_(connections_max) {}

  /// The connection shows the token. False where the token has its number already.
  bool take(const std::string& peer, const std::string& token);
  void closed(const std::string& peer);

 private:
  std::uint64_t connections_max_;
  std::unordered_map<std::string, std::string> token_of_;  // by peer
  std::unordered_map<std::string, std::uint64_t> connections_of_;
};

}  // namespace voucherd::access
