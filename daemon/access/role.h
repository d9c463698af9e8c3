// The six roles, and sets of them. What each may do is the table in permissions.h.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace voucherd::access {

enum class Role : std::uint8_t { ingest, operations, finance, firm, auditor, admin };

inline constexpr std::array<Role, 6> all_roles = {Role::ingest, Role::operations, Role::finance,
                                                  Role::firm,   Role::auditor,    Role::admin};

/// "ingest", "operator", "finance", "firm", "auditor", "admin": stored and in the API, never to change.
std::string_view to_string(Role role);
std::optional<Role> parse_role(std::string_view name);

class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(std::initializer_list<Role> roles) {
    for (const Role role : roles)
      bits_ = static_cast<std::uint8_t>(bits_ | 1U << static_cast<unsigned>(role));
  }
  constexpr bool contains(Role role) const { return (bits_ >> static_cast<unsigned>(role) & 1U) != 0; }

 private:
  std::uint8_t bits_ = 0;
};

}  // namespace voucherd::access
