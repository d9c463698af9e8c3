// How --server is read, and what may stand in a request's target.
#include <gtest/gtest.h>

#include "daemon/ctl/api_client.h"
#include "daemon/ctl/http_client.h"

namespace voucherd::ctl {
namespace {

TEST(ServerAddressTest, ReadsHostAndPort) {
  EXPECT_EQ(parse_server("http://127.0.0.1:8080").value(), (ServerAddress{"127.0.0.1", "8080"}));
  EXPECT_EQ(parse_server("http://voucherd.local").value(), (ServerAddress{"voucherd.local", "80"}));
  EXPECT_EQ(parse_server("http://[::1]:9000/").value(), (ServerAddress{"::1", "9000"}));
  EXPECT_EQ(parse_server("https://voucherd.local").value(), (ServerAddress{"voucherd.local", "443", true}));
}

TEST(ServerAddressTest, PrintsWhatItRead) {
  for (const char* url : {"http://127.0.0.1:8080", "http://[::1]:9000", "https://[::1]:9000"}) {
    EXPECT_EQ(to_string(parse_server(url).value()), url);
  }
}

TEST(ServerAddressTest, RefusesWhatItCanNotReach) {
  for (const char* url : {"", "127.0.0.1:8080", "ftp://127.0.0.1:8080", "http://", "https://", "http://:80",
                          "http://host:", "http://host:0", "http://host:65536", "http://host:80x",
                          "http://ho st:80", "http://host\r\nX: y"}) {
    const auto server = parse_server(url);
    ASSERT_FALSE(server) << url;
    EXPECT_EQ(server.error().code, "server_malformed");
  }
}

TEST(ServerAddressTest, KnowsWhatStaysOnThisMachine) {
  for (const char* url :
       {"http://127.0.0.1:8080", "http://127.3.2.1:8080", "http://[::1]:8080", "http://localhost:80"}) {
    EXPECT_TRUE(is_loopback(parse_server(url).value())) << url;
  }
  for (const char* url : {"http://10.0.0.7:8080", "http://[2001:db8::1]:80", "http://127.0.0.1.example:80"}) {
    EXPECT_FALSE(is_loopback(parse_server(url).value())) << url;
  }
}

TEST(TargetTest, EncodesEverythingThatIsNotUnreserved) {
  EXPECT_EQ(percent_encoded("/centre/a b?&=%\xE4\xB8\xAD"), "%2Fcentre%2Fa%20b%3F%26%3D%25%E4%B8%AD");
  EXPECT_EQ(percent_encoded("aZ09-._~"), "aZ09-._~");
}

TEST(TargetTest, LeavesOutParametersWithoutAValue) {
  EXPECT_EQ(with_query("/v1/firms", {{"limit", "5"}, {"after", ""}}), "/v1/firms?limit=5");
  EXPECT_EQ(with_query("/v1/firms", {{"after", ""}}), "/v1/firms");
}

TEST(ProblemTest, ListsEveryErrorWithItsPointer) {
  HttpReply reply{
      422, "application/problem+json", {}, R"({"title":"Wrong body","detail":"two things are wrong",
    "errors":[{"pointer":"/rate","detail":"must be a string"},{"pointer":"","detail":"name is missing"}]})"};
  const Fault fault = problem_of(reply);
  EXPECT_EQ(fault.code, "http_422");
  EXPECT_EQ(fault.detail,
            "the server answered 422 Wrong body: two things are wrong\n  /rate: must be a string\n  name is "
            "missing");
}

TEST(ProblemTest, ShowsABodyThatIsNoProblem) {
  EXPECT_EQ(problem_of({502, "text/html", {}, "<html>"}).detail, "the server answered 502: <html>");
  EXPECT_EQ(problem_of({502, "", {}, ""}).detail, "the server answered 502");
}

}  // namespace
}  // namespace voucherd::ctl
