// GET /openapi.yaml: what this API is, for programs.
#include "daemon/api/api.h"
#include "daemon/api/openapi.h"

namespace voucherd::api {

void add_openapi_route(Router& router) {
  router.add("GET", "/openapi.yaml", [](http::Request&&, const PathValues&, const http::Reply& reply) {
    reply({200, "application/yaml", std::string(openapi_yaml()), {}});
  });
}

}  // namespace voucherd::api
