// Raw requests by which one server could be made to see another request than the one before it, and near
// relations of them that are in order. Each is bytes for one connection, with what has to come of them.
#pragma once

#include <string>
#include <vector>

namespace voucherd::http {

struct RawCase {
  std::string name;
  std::string bytes;
  /// What reaches the handler: "METHOD /path body".
  std::vector<std::string> handled;
  /// The refusal that ends the connection; 0: there is none, and the next request is served on it; 1: it is
  /// closed without a refusal.
  int refused = 0;
};

std::vector<RawCase> smuggling_corpus();

}  // namespace voucherd::http
