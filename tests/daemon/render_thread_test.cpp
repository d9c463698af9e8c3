// One document that can't be made is a fault of its own; the thread goes on with the next.
#include "daemon/render_thread.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/support/owner_loop.h"

namespace voucherd {
namespace {

TEST(RenderThreadTest, AnExceptionIsTheJobsFaultAndTheNextJobIsDone) {
  testing::OwnerLoop loop;
  RenderThread thread([&](std::function<void()> task) { loop.post(std::move(task)); });
  std::optional<Result<void>> no_memory, wrong, fine;
  thread.go_on([]() -> Result<void> { throw std::bad_alloc(); },
               [&](const Result<void>& outcome) { no_memory = outcome; });
  ASSERT_TRUE(thread.submit(
      []() -> Result<void> {
        return Fault{"xlsx_failed", "d"};
      },
      [&](const Result<void>& outcome) { wrong = outcome; }));
  ASSERT_TRUE(
      thread.submit([] { return Result<void>(); }, [&](const Result<void>& outcome) { fine = outcome; }));
  loop.run_until([&] { return fine.has_value(); });
  ASSERT_TRUE(no_memory.has_value() && no_memory->has_error());
  EXPECT_EQ(no_memory->error().code, "document_failed");
  EXPECT_NE(no_memory->error().detail.find("bad_alloc"), std::string::npos);
  ASSERT_TRUE(wrong.has_value() && wrong->has_error());
  EXPECT_EQ(wrong->error().code, "xlsx_failed");
  EXPECT_TRUE(fine->has_value());
}

}  // namespace
}  // namespace voucherd
