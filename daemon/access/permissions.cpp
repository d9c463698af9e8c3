// The table. GET stands for HEAD too.
#include "daemon/access/permissions.h"

#include <algorithm>
#include <iterator>

namespace voucherd::access {

namespace {

constexpr Role ingest = Role::ingest, operations = Role::operations, finance = Role::finance,
               firm = Role::firm, auditor = Role::auditor, admin = Role::admin;
constexpr Roles everyone = {ingest, operations, finance, firm, auditor, admin};
constexpr Roles books = {finance, auditor};  // what billing knows and what it came to

constexpr Permission table[] = {
    {.method = "POST", .pattern = "/v1/events", .roles = {ingest}},
    {.method = "GET",
     .pattern = "/v1/events",
     .roles = {finance, auditor, firm},
     .logged = true,
     .own = Own::query_subject},
    {.method = "GET", .pattern = "/v1/sources", .roles = {operations, auditor}},
    {.method = "GET",
     .pattern = "/v1/usage",
     .roles = {operations, finance, auditor, firm},
     .own = Own::query_firm},

    {.method = "GET", .pattern = "/v1/quarantine", .roles = {operations, finance, auditor}},
    {.method = "POST", .pattern = "/v1/quarantine/release", .roles = {operations}},
    {.method = "POST", .pattern = "/v1/quarantine/{}/release", .roles = {operations}},
    {.method = "POST", .pattern = "/v1/quarantine/{}/dismiss", .roles = {operations}},

    {.method = "GET", .pattern = "/v1/firms", .roles = books},
    {.method = "POST", .pattern = "/v1/firms/import", .roles = {finance}},
    {.method = "GET", .pattern = "/v1/firms/{}", .roles = books},
    {.method = "GET", .pattern = "/v1/firms/{}/history", .roles = books},
    {.method = "PUT", .pattern = "/v1/firms/{}", .roles = {finance}},
    {.method = "GET", .pattern = "/v1/skus", .roles = books},
    {.method = "GET", .pattern = "/v1/skus/{}", .roles = books},
    {.method = "GET", .pattern = "/v1/skus/{}/history", .roles = books},
    {.method = "PUT", .pattern = "/v1/skus/{}", .roles = {finance}},
    {.method = "GET", .pattern = "/v1/price-books", .roles = books},
    {.method = "GET", .pattern = "/v1/price-books/{}", .roles = books},
    {.method = "GET", .pattern = "/v1/price-books/{}/history", .roles = books},
    {.method = "PUT", .pattern = "/v1/price-books/{}", .roles = {finance}},
    {.method = "GET", .pattern = "/v1/contracts", .roles = books},
    {.method = "GET", .pattern = "/v1/contracts/{}", .roles = books},
    {.method = "GET", .pattern = "/v1/contracts/{}/history", .roles = books},
    {.method = "PUT", .pattern = "/v1/contracts/{}", .roles = {finance}},
    {.method = "GET", .pattern = "/v1/policies", .roles = books},
    {.method = "GET", .pattern = "/v1/policies/{}", .roles = books},
    {.method = "GET", .pattern = "/v1/policies/{}/history", .roles = books},
    {.method = "PUT", .pattern = "/v1/policies/{}", .roles = {finance}},
    {.method = "GET", .pattern = "/v1/external-awards", .roles = books},
    {.method = "GET", .pattern = "/v1/external-awards/{}", .roles = books},
    {.method = "GET", .pattern = "/v1/external-awards/{}/history", .roles = books},
    {.method = "PUT", .pattern = "/v1/external-awards/{}", .roles = {finance}},
    {.method = "GET", .pattern = "/v1/settings", .roles = {finance, auditor, admin}},
    {.method = "GET", .pattern = "/v1/settings/history", .roles = {finance, auditor, admin}},
    {.method = "PUT", .pattern = "/v1/settings", .roles = {finance, admin}},

    {.method = "GET", .pattern = "/v1/statements", .roles = books, .logged = true},
    {.method = "GET", .pattern = "/v1/statements/{}", .roles = books, .logged = true},
    {.method = "GET",
     .pattern = "/v1/statements/{}/{}",
     .roles = {finance, auditor, firm},
     .logged = true,
     .own = Own::second_value},
    {.method = "GET",
     .pattern = "/v1/statements/{}/{}/explain",
     .roles = {finance, auditor, firm},
     .logged = true,
     .own = Own::second_value},
    {.method = "GET",
     .pattern = "/v1/firms/{}/subsidy/{}",
     .roles = {finance, auditor, firm},
     .own = Own::first_value},
    {.method = "GET", .pattern = "/v1/periods", .roles = {operations, finance, auditor}},
    {.method = "GET", .pattern = "/v1/periods/{}", .roles = {operations, finance, auditor}},
    {.method = "POST", .pattern = "/v1/periods/{}/close", .roles = {finance}},
    {.method = "GET", .pattern = "/v1/periods/{}/summary", .roles = books, .logged = true},
    {.method = "GET", .pattern = "/v1/periods/{}/summary.json", .roles = books, .logged = true},
    {.method = "GET", .pattern = "/v1/periods/{}/summary.csv", .roles = books, .logged = true},
    {.method = "GET", .pattern = "/v1/periods/{}/summary.xlsx", .roles = books, .logged = true},
    {.method = "GET", .pattern = "/v1/programme/{}", .roles = books, .logged = true},

    {.method = "GET", .pattern = "/v1/audit/checkpoint", .roles = everyone},
    {.method = "GET", .pattern = "/v1/audit/key", .roles = everyone},
    {.method = "GET", .pattern = "/v1/audit/proof", .roles = books},
    {.method = "GET", .pattern = "/v1/audit/consistency", .roles = books},
    {.method = "GET",
     .pattern = "/v1/audit/bundle/{}/{}",
     .roles = {finance, auditor, firm},
     .logged = true,
     .own = Own::second_value},
    {.method = "GET", .pattern = "/v1/audit/sample", .roles = books, .logged = true},

    {.method = "GET", .pattern = "/v1/tokens", .roles = {auditor, admin}, .logged = true},
    {.method = "GET", .pattern = "/v1/tokens/{}", .roles = {auditor, admin}, .logged = true},
    {.method = "PUT", .pattern = "/v1/tokens/{}", .roles = {admin}, .logged = true},
    {.method = "POST", .pattern = "/v1/tokens/{}/rotate", .roles = {admin}, .logged = true},
    {.method = "POST", .pattern = "/v1/tokens/{}/revoke", .roles = {admin}, .logged = true},

    {.method = "GET", .pattern = "/openapi.yaml", .roles = everyone},

    // The listener of the operators.
    {.method = "GET", .pattern = "/metrics", .roles = {operations, auditor}},
    {.method = "GET", .pattern = "/healthz", .roles = everyone, .anyone = true},
    {.method = "GET", .pattern = "/readyz", .roles = everyone, .anyone = true},
};

}  // namespace

std::span<const Permission> permissions() { return table; }

const Permission* permission_of(std::string_view method, std::string_view pattern) {
  const auto* found = std::find_if(std::begin(table), std::end(table), [&](const Permission& row) {
    return row.method == method && row.pattern == pattern;
  });
  return found == std::end(table) ? nullptr : found;
}

}  // namespace voucherd::access
