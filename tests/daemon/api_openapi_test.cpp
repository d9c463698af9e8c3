// The API's description and the routes are the same, both ways.
#include <set>
#include <sstream>

#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

using Routes = std::set<std::pair<std::string, std::string>>;

/// "/v1/firms/{uscc}" is "/v1/firms/{}".
std::string pattern_of(const std::string& path) {
  std::string pattern;
  bool in_name = false;
  for (const char c : path) {
    if (c == '}') in_name = false;
    if (!in_name) pattern += c;
    if (c == '{') in_name = true;
  }
  return pattern;
}

/// What stands under `paths:`, by the file's indents: paths two deep, their methods four.
Routes described(const std::string& yaml) {
  Routes routes;
  std::istringstream lines(yaml);
  std::string path;
  bool in_paths = false;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(' ')) in_paths = line == "paths:";
    if (!in_paths) continue;
    if (line.starts_with("  /")) path = pattern_of(line.substr(2, line.size() - 3));
    for (const auto& [key, method] : {std::pair{"    get:", "GET"}, std::pair{"    put:", "PUT"},
                                      std::pair{"    post:", "POST"}, std::pair{"    delete:", "DELETE"}}) {
      if (line == key) routes.emplace(method, path);
    }
  }
  return routes;
}

class OpenApiTest : public ApiTest {};

TEST_F(OpenApiTest, DescribesEachRouteAndNoOther) {
  const auto answer = get("/openapi.yaml");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "application/yaml");
  const auto all = router_.routes();
  EXPECT_EQ(described(answer.body), Routes(all.begin(), all.end()));
}

}  // namespace
}  // namespace voucherd::api
