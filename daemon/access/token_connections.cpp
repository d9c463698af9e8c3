// A connection counts for the token that it showed last.
#include "daemon/access/token_connections.h"

namespace voucherd::access {

bool TokenConnections::take(const std::string& peer, const std::string& token) {
  if (const auto known = token_of_.find(peer); known != token_of_.end() && known->second == token)
    return true;
  closed(peer);
  std::uint64_t& connections = connections_of_[token];
  if (connections >= connections_max_) return false;
  ++connections;
  token_of_[peer] = token;
  return true;
}

void TokenConnections::closed(const std::string& peer) {
  const auto known = token_of_.find(peer);
  if (known == token_of_.end()) return;
  const auto connections = connections_of_.find(known->second);
  if (--connections->second == 0) connections_of_.erase(connections);
  token_of_.erase(known);
}

}  // namespace voucherd::access
