// daemon/openapi.yaml, as it was when this was built.
#pragma once

#include <string_view>

namespace voucherd::api {

std::string_view openapi_yaml();

}  // namespace voucherd::api
