#include "daemon/api/api.h"

namespace voucherd::api {

void add_routes(Router& router, Engine& engine, Documents& documents, std::size_t body_bytes_max) {
  add_event_routes(router, engine, body_bytes_max);
  add_quarantine_routes(router, engine);
  add_fact_routes(router, engine);
  add_firm_import_routes(router, engine);
  add_statement_routes(router, engine, documents);
  add_explain_routes(router, engine);
  add_period_routes(router, engine);
  add_package_routes(router, engine, documents);
  add_summary_routes(router, engine, documents);
  add_programme_routes(router, engine, documents);
  add_usage_routes(router, engine);
  add_audit_routes(router, engine);
  add_token_routes(router, engine);
  add_bundle_routes(router, engine, documents);
  add_sample_routes(router, engine);
  add_openapi_route(router);
}

}  // namespace voucherd::api
