// Every role on every request: each cell as the table says. The table, the routes, the API's description and
// the room's README are the same.
#include "daemon/access/permissions.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "daemon/api/openapi.h"
#include "tests/daemon/access/gate_fixture.h"
#include "tests/daemon/route_pattern.h"

namespace voucherd::api {
namespace {

using Request = std::pair<std::string, std::string>;  // method, pattern
using RolesOf = std::map<Request, std::set<std::string>>;

bool is_of_operators(std::string_view pattern) {
  return pattern == "/metrics" || pattern == "/healthz" || pattern == "/readyz";
}

std::set<std::string> names_of(const access::Roles& roles) {
  std::set<std::string> names;
  for (const access::Role role : access::all_roles) {
    if (roles.contains(role)) names.emplace(to_string(role));
  }
  return names;
}

/// x-roles of each operation, by the file's indents.
RolesOf described() {
  RolesOf roles;
  std::istringstream lines{std::string(openapi_yaml())};
  std::string path, method;
  for (std::string line; std::getline(lines, line) && line != "components:";) {
    if (line.starts_with("  /")) path = pattern_of(line.substr(2, line.size() - 3));
    for (const auto& [key, name] :
         {std::pair{"    get:", "GET"}, std::pair{"    put:", "PUT"}, std::pair{"    post:", "POST"}}) {
      if (line == key) {
        method = name;
        roles[{method, path}];
      }
    }
    const std::string mark = "      x-roles: [";
    if (!line.starts_with(mark)) continue;
    std::istringstream names(line.substr(mark.size(), line.size() - mark.size() - 1));
    for (std::string name; names >> name;) roles[{method, path}].insert(name.substr(0, name.find(',')));
  }
  return roles;
}

class PermissionsTest : public GateTest {
 protected:
  /// A target of the pattern that is the firm's own wherever a firm can be named.
  static std::string target_of(const access::Permission& row) {
    std::string target;
    std::size_t value = 0;
    for (std::size_t i = 0; i < row.pattern.size(); ++i) {
      if (row.pattern[i] != '{') {
        target += row.pattern[i];
        continue;
      }
      const bool firm = (row.own == access::Own::first_value && value == 0) ||
                        (row.own == access::Own::second_value && value == 1);
      target += firm ? firm_of_tests : row.own == access::Own::second_value ? "2026-03" : "2026";
      ++value;
      ++i;
    }
    if (row.own == access::Own::query_firm) target += std::string("?firm=") + firm_of_tests;
    if (row.own == access::Own::query_subject) target += std::string("?subject=") + firm_of_tests;
    return target;
  }
};

TEST_F(PermissionsTest, AreThoseOfTheRoutesAndOfTheDescription) {
  RolesOf table, routes;
  for (const auto& row : access::permissions()) {
    if (is_of_operators(row.pattern)) continue;
    table[{std::string(row.method), std::string(row.pattern)}] = names_of(row.roles);
  }
  for (const auto& route : router_.routes()) routes[route] = table[route];
  EXPECT_EQ(table, routes) << "each route has a row in daemon/access/permissions.cpp, and each row a route";
  EXPECT_EQ(described(), table) << "x-roles in daemon/openapi.yaml";
}

TEST_F(PermissionsTest, LetEachRoleDoWhatTheTableSaysAndNothingElse) {
  register_all();
  std::map<std::string, std::string> tokens;
  tokens["ingest"] = token("ingest", {{"source", "/s"}});
  tokens["firm"] = token("firm", {{"firms", {firm_of_tests}}});
  for (const char* role : {"operator", "finance", "auditor", "admin"}) tokens[role] = token(role);
  const std::string expired = token("auditor", {{"expires", "2026-06-15T13:00:00+08:00"}});
  const std::string revoked = token("admin");
  EXPECT_EQ(status_as(admin_, "POST", "/v1/tokens/" + id_of(revoked) + "/revoke", "{}"), 200);
  clock_.advance(3'600'000);
  const auto described_roles = described();
  std::size_t cells = 0;
  for (const auto& row : access::permissions()) {
    if (is_of_operators(row.pattern)) continue;
    const std::string method(row.method), target = target_of(row);
    const auto& allowed = described_roles.at({method, std::string(row.pattern)});
    for (const auto& [role, text] : tokens) {
      const int status = status_as(text, method, target, "?");
      EXPECT_NE(status, 401) << role << " " << method << " " << target;
      EXPECT_EQ(status != 403, allowed.contains(role))
          << role << " " << method << " " << target << ": " << status;
      ++cells;
    }
    for (const std::string& nobody : {std::string(), expired, revoked, access::new_token("aaaaaaaaaaaa")}) {
      EXPECT_EQ(status_as(nobody, method, target, "?"), 401) << method << " " << target;
    }
  }
  EXPECT_GE(cells, 6 * 50u);
}

TEST_F(PermissionsTest, DenyWhatHasNoRow) {
  router_.add("GET", "/v1/new",
              [](http::Request&&, const PathValues&, const http::Reply& reply) { reply({}); });
  EXPECT_EQ(status_as(admin_, "GET", "/v1/new"), 403);
  EXPECT_EQ(status_as(token("auditor"), "GET", "/v1/new"), 403);
}

TEST_F(PermissionsTest, StandInTheRoomsReadme) {
  std::string table =
      "| request | ingest | operator | finance | firm | auditor | admin | logged "
      "|\n|---|---|---|---|---|---|---|---|\n";
  for (const auto& row : access::permissions()) {
    table += "| `" + std::string(row.method) + " " + std::string(row.pattern) + "` |";
    for (const access::Role role : access::all_roles) {
      const bool own = role == access::Role::firm && row.own != access::Own::nowhere;
      table += row.anyone ? " all |" : !row.roles.contains(role) ? "  |" : own ? " own |" : " yes |";
    }
    table += row.logged ? " yes |\n" : "  |\n";
  }
  std::ifstream in(std::string(VOUCHERD_SOURCE_DIR) + "/daemon/access/README.md");
  std::ostringstream readme;
  readme << in.rdbuf();
  EXPECT_NE(readme.str().find(table), std::string::npos) << "the table has to be:\n" << table;
}

}  // namespace
}  // namespace voucherd::api
