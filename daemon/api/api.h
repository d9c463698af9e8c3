// The API: HTTP requests to the engine and its answers back. One room of
// routes per resource: events, quarantine, facts, statements, periods.
#pragma once

#include "daemon/api/router.h"
#include "daemon/engine/engine.h"

namespace voucherd {
struct Documents;
}

namespace voucherd::api {

inline constexpr std::size_t page_items_default = 100;
inline constexpr std::size_t page_items_max = 1000;

/// Each adds its routes; `engine` and `documents` outlive the router. All run on the engine's owner thread.
/// `body_bytes_max` bounds what a packed body unpacks to.
void add_event_routes(Router& router, Engine& engine, std::size_t body_bytes_max);
void add_quarantine_routes(Router& router, Engine& engine);
void add_fact_routes(Router& router, Engine& engine);
void add_firm_import_routes(Router& router, Engine& engine);
void add_statement_routes(Router& router, Engine& engine, Documents& documents);
void add_explain_routes(Router& router, Engine& engine);
void add_period_routes(Router& router, Engine& engine);
void add_package_routes(Router& router, Engine& engine, Documents& documents);
void add_summary_routes(Router& router, Engine& engine, Documents& documents);
void add_programme_routes(Router& router, Engine& engine, Documents& documents);
void add_usage_routes(Router& router, Engine& engine);
void add_audit_routes(Router& router, Engine& engine);
void add_token_routes(Router& router, Engine& engine);
void add_bundle_routes(Router& router, Engine& engine, Documents& documents);
void add_sample_routes(Router& router, Engine& engine);
void add_openapi_route(Router& router);

/// All of the above.
void add_routes(Router& router, Engine& engine, Documents& documents, std::size_t body_bytes_max);

}  // namespace voucherd::api
