// Long reads take turns, so that their number is nobody else's concern.
#include "daemon/engine/turns.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "tests/support/owner_loop.h"

namespace voucherd {
namespace {

class TurnsTest : public ::testing::Test {
 protected:
  /// A long read of so many parts.
  void read(const std::string& name, int parts) {
    turns_.take([this, name, parts] {
      seen_ += name;
      if (parts > 1) read(name, parts - 1);
    });
  }
  void run(int tasks) {
    for (int i = 0; i < tasks; ++i) loop_.run_one();
  }

  testing::OwnerLoop loop_;
  std::string seen_;
  Turns turns_{[this](std::function<void()> task) { loop_.post(std::move(task)); }};
};

TEST_F(TurnsTest, OnePartRunsBetweenTwoOfWhatElseWaitsHoweverManyReadsThereAre) {
  for (const char* name : {"a", "b", "c", "d"}) read(name, 2);
  for (int i = 0; i < 3; ++i) loop_.post([this] { seen_ += "!"; });
  run(11);
  EXPECT_EQ(seen_, "a!!!bcdabcd");
}

TEST_F(TurnsTest, GivesEachReadItsTurn) {
  read("a", 3);
  read("b", 1);
  read("c", 2);
  run(6);
  EXPECT_EQ(seen_, "abcaca");
}

TEST_F(TurnsTest, BeginsSoManyReadsAndTheOthersInTheirOrder) {
  for (int i = 0; i < reads_at_once_max; ++i) read("a", 2);
  read("b", 2);
  read("c", 1);
  run(2 * reads_at_once_max + 3);
  const std::string a(reads_at_once_max, 'a');
  EXPECT_EQ(seen_, a + a + "bcb") << "none begins before one has ended";
}

TEST_F(TurnsTest, DropsAPartThatThrowsAndGoesOn) {
  std::string failure;
  turns_.on_failure([&](const Fault& fault) { failure = fault.detail; });
  turns_.take([] { throw std::runtime_error("asked for"); });
  read("a", 2);
  run(3);
  EXPECT_EQ(seen_, "aa");
  EXPECT_NE(failure.find("asked for"), std::string::npos);
}

TEST(TurnsEndTest, WhatStillWaitsIsDropped) {
  testing::OwnerLoop loop;
  auto held = std::make_shared<int>(0);
  {
    Turns turns([&](std::function<void()> task) { loop.post(std::move(task)); });
    turns.take([held] { ++*held; });
  }
  EXPECT_EQ(held.use_count(), 1);
  loop.run_one();
  EXPECT_EQ(*held, 0);
}

}  // namespace
}  // namespace voucherd
