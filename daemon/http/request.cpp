// Look-ups in a request: a handful of headers and parameters, so a walk beats a map.
#include "daemon/http/server.h"

namespace voucherd::http {

std::string_view Request::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return {};
}

const std::string* Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value.empty() ? nullptr : &value;
  }
  return nullptr;
}

}  // namespace voucherd::http
