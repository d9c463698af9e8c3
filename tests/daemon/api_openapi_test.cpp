// The API's description and the routes are the same, both ways.
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/daemon/api_fixture.h"
#include "tests/daemon/route_pattern.h"

namespace voucherd::api {
namespace {

using Routes = std::set<std::pair<std::string, std::string>>;

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

TEST_F(OpenApiTest, NamesEachReasonForQuarantine) {
  const std::string yaml = get("/openapi.yaml").body;
  std::istringstream lines(yaml.substr(yaml.find("    ReasonCode:")));
  std::set<std::string> described_codes, codes;
  std::string line;
  std::getline(lines, line);
  for (constexpr std::size_t mark = 10; std::getline(lines, line) && line.starts_with("      ");) {
    if (line.starts_with("        - ")) described_codes.insert(line.substr(mark));
  }
  for (int number = 0; number < 256; ++number) {
    const auto name = std::string(to_string(static_cast<ReasonCode>(number)));
    if (name != "unknown") codes.insert(name);
  }
  EXPECT_EQ(described_codes, codes);
}

/// All that the group of `pattern` matches in `text`.
std::set<std::string> matches(const std::string& text, const std::regex& pattern) {
  std::set<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) {
    found.insert((*match)[1]);
  }
  return found;
}

TEST_F(OpenApiTest, NamesEachCodeOfAProblem) {
  std::string sources;
  for (const auto& file : std::filesystem::directory_iterator(VOUCHERD_SOURCE_DIR "/daemon/api")) {
    if (file.path().extension() != ".cpp") continue;
    std::ifstream in(file.path());
    sources.append(std::istreambuf_iterator<char>(in), {});
  }
  EXPECT_EQ(
      matches(get("/openapi.yaml").body, std::regex("- urn:voucherd:problem:([a-z-]+)\n")),
      matches(sources, std::regex("(?:(?:problem|unavailable)\\(\\s*[0-9]{3},|code =)\\s*\"([a-z-]+)\"")));
}

}  // namespace
}  // namespace voucherd::api
