// Who may do what: one row per request that the daemon answers. What has no row is denied. The rows are also
// daemon/access/README.md's table and the x-roles of daemon/openapi.yaml; tests hold all of them together.
#pragma once

#include <span>
#include <string_view>

#include "daemon/access/role.h"

namespace voucherd::access {

/// Where a request names the firm, which for the role firm must be one of its own.
enum class Own { nowhere, first_value, second_value, query_firm, query_subject };

struct Permission {
  std::string_view method, pattern;  // as the router has them
  Roles roles;
  bool anyone = false;  // without a token too
  bool logged = false;  // each answer is in the access log
  Own own = Own::nowhere;
};

std::span<const Permission> permissions();
/// nullptr: there is no such row.
const Permission* permission_of(std::string_view method, std::string_view pattern);

}  // namespace voucherd::access
