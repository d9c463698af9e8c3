// The patterns of routes as the API's description writes them.
#pragma once

#include <string>

namespace voucherd::api {

/// "/v1/firms/{uscc}" is "/v1/firms/{}".
inline std::string pattern_of(const std::string& path) {
  std::string pattern;
  bool in_name = false;
  for (const char c : path) {
    if (c == '}') in_name = false;
    if (!in_name) pattern += c;
    if (c == '{') in_name = true;
  }
  return pattern;
}

}  // namespace voucherd::api
