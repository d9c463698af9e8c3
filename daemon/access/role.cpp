// The names of the roles.
#include "daemon/access/role.h"

namespace voucherd::access {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::ingest:
      return "ingest";
    case Role::operations:
      return "operator";
    case Role::finance:
      return "finance";
    case Role::firm:
      return "firm";
    case Role::auditor:
      return "auditor";
    case Role::admin:
      return "admin";
  }
  return "unknown";
}

std::optional<Role> parse_role(std::string_view name) {
  for (const Role role : all_roles) {
    if (to_string(role) == name) return role;
  }
  return std::nullopt;
}

}  // namespace voucherd::access
