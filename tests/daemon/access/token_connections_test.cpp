// A token has so many connections, whatever becomes of them.
#include "daemon/access/token_connections.h"

#include <gtest/gtest.h>

namespace voucherd::access {
namespace {

TEST(TokenConnectionsTest, HaveANumberForEachToken) {
  TokenConnections connections(2);
  EXPECT_TRUE(connections.take("a:1", "t"));
  EXPECT_TRUE(connections.take("a:2", "t"));
  EXPECT_TRUE(connections.take("a:1", "t")) << "another request of a connection that counts";
  EXPECT_FALSE(connections.take("a:3", "t"));
  EXPECT_TRUE(connections.take("a:3", "other"));
  connections.closed("a:1");
  EXPECT_TRUE(connections.take("a:4", "t"));
  EXPECT_FALSE(connections.take("a:1", "t"));
}

TEST(TokenConnectionsTest, CountForTheTokenThatWasShownLast) {
  TokenConnections connections(1);
  EXPECT_TRUE(connections.take("a:1", "t"));
  EXPECT_TRUE(connections.take("a:1", "other"));
  EXPECT_TRUE(connections.take("a:2", "t"));
  connections.closed("a:1");
  connections.closed("a:1");
  EXPECT_TRUE(connections.take("a:3", "other"));
}

}  // namespace
}  // namespace voucherd::access
