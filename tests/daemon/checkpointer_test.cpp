// When checkpoints are written, and what becomes of one that a disk does not take.
#include <filesystem>
#include <fstream>

#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

namespace fs = std::filesystem;

config::Options eager() {
  config::Options options;
  options.checkpoint_every_records = 1;
  options.checkpoint_cpu_percent = 100;
  return options;
}

class CheckpointerTest : public ApiTest {
 protected:
  CheckpointerTest() : ApiTest(eager()) {}

  fs::path folder() const { return fs::path(options_.directory) / "checkpoints"; }
  std::size_t checkpoints() const {
    std::size_t count = 0;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder(), ignored)) {
      count += entry.path().filename().string().starts_with("checkpoint-") ? 1u : 0u;
    }
    return count;
  }
  void put_sku(int number) {
    const std::string path = "/v1/skus/sku-" + std::to_string(number);
    const std::string body = R"({"name":"s","unit":"card_hour","kind":"compute","tax_rate":"0.06"})";
    EXPECT_EQ(ask("PUT", path, body).status, 201);
  }
};

TEST_F(CheckpointerTest, TriesAgainAfterOneThatTheDiskDidNotTake) {
  engine_.reset();
  fs::remove_all(folder());
  std::ofstream(folder()) << "in the way";
  open();
  for (int number = 0; number < 20; ++number) put_sku(number);
  EXPECT_EQ(checkpoints(), 0u);
  fs::remove(folder());
  for (int number = 20; checkpoints() == 0 && number < 2'000; ++number) put_sku(number);
  EXPECT_GT(checkpoints(), 0u);
  const std::string root = engine_->tree_root();
  restart();
  EXPECT_EQ(engine_->tree_root(), root);
  engine_.reset();
  const auto report = check_directory(options_.directory);
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->differences.empty());
  EXPECT_GT(report->checkpoints, 0u);
}

}  // namespace
}  // namespace voucherd::api
