// Batches come back decoded, in the order in which they were given, on the owner thread.
#include "metering/ingest/decode_thread.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/metering/ingest/ingest_harness.h"

namespace voucherd {
namespace {

using testing::event_text;

constexpr std::size_t decoded_bytes_max = 1u << 30;  // as if there were no limit

std::string large_body(const std::string& prefix) {
  std::string body;
  for (int i = 0; i < 200; ++i) body += event_text(prefix + std::to_string(i));
  return body;
}

TEST(DecodeThreadTest, GivesBatchesBackInTheirOrderWhateverTheirSize) {
  testing::OwnerLoop loop;
  DecodeThread decoder([&](std::function<void()> task) { loop.post(std::move(task)); }, 7, decoded_bytes_max);
  std::vector<std::string> first_ids;
  const auto owner = std::this_thread::get_id();
  for (int i = 0; i < 40; ++i) {
    const std::string id = std::to_string(i) + "-";
    decoder.decode(i % 2 == 0 ? large_body(id) : event_text(id + "0"), wire::BodyFormat::ndjson, "",
                   [&](std::unique_ptr<IngestBatch> batch, std::optional<wire::BodyFault> fault) {
                     EXPECT_FALSE(fault.has_value());
                     EXPECT_EQ(std::this_thread::get_id(), owner);
                     const auto& items = batch->decoded.items;
                     first_ids.emplace_back(items.at(0).event.id);
                     ASSERT_EQ(batch->hashes.size(), items.size());
                     for (std::size_t at = 0; at < items.size(); ++at) {
                       EXPECT_EQ(batch->hashes[at], identity_hash("/s", items[at].event.id, 7));
                     }
                   });
  }
  EXPECT_GT(decoder.bytes(), 0u);
  loop.run_until([&] { return first_ids.size() == 40; });
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(first_ids[i], std::to_string(i) + "-0");
  EXPECT_EQ(decoder.bytes(), 0u);
}

TEST(DecodeThreadTest, DecodesASmallBodyAtOnceWhereNothingIsUnderWay) {
  DecodeThread decoder([](const std::function<void()>&) { FAIL() << "nothing is to be posted"; }, 7,
                       decoded_bytes_max);
  int done = 0;
  decoder.decode(event_text("a"), wire::BodyFormat::ndjson, "",
                 [&](const std::unique_ptr<IngestBatch>& batch, const std::optional<wire::BodyFault>& fault) {
                   EXPECT_FALSE(fault.has_value());
                   EXPECT_EQ(batch->decoded.items.size(), 1u);
                   ++done;
                 });
  EXPECT_EQ(done, 1);
}

TEST(DecodeThreadTest, CountsWhatABatchHoldsOnceItIsDecoded) {
  std::promise<std::function<void()>> posted;
  DecodeThread decoder([&](std::function<void()> task) { posted.set_value(std::move(task)); }, 7,
                       decoded_bytes_max);
  std::string body;
  for (int i = 0; i < 10'000; ++i) body += "1\n";
  std::size_t items = 0;
  decoder.decode(body, wire::BodyFormat::ndjson, "",
                 [&](const std::unique_ptr<IngestBatch>& batch, const std::optional<wire::BodyFault>&) {
                   items = batch->decoded.items.size();
                 });
  const std::function<void()> task = posted.get_future().get();
  EXPECT_GE(decoder.bytes(), 10'000 * sizeof(wire::Item));
  task();
  EXPECT_EQ(items, 10'000u);
  EXPECT_EQ(decoder.bytes(), 0u);
}

TEST(DecodeThreadTest, SaysWhyABodyCantBeRead) {
  testing::OwnerLoop loop;
  DecodeThread decoder([&](std::function<void()> task) { loop.post(std::move(task)); }, 7, decoded_bytes_max);
  std::vector<std::string> faults;
  const auto keep = [&](const std::unique_ptr<IngestBatch>&, const std::optional<wire::BodyFault>& fault) {
    faults.push_back(fault ? fault->detail : "");
  };
  decoder.decode("[" + std::string(100'000, ' '), wire::BodyFormat::batch, "", keep);
  decoder.decode("[", wire::BodyFormat::batch, "", keep);
  loop.run_until([&] { return faults.size() == 2; });
  for (const std::string& fault : faults) EXPECT_NE(fault.find("is not JSON"), std::string::npos) << fault;
}

TEST(DecodeThreadTest, DoesNotRunAheadOfTheOwnerBeyondItsLimit) {
  testing::OwnerLoop loop;
  std::atomic<int> posted = 0, taken = 0;
  DecodeThread decoder(
      [&](std::function<void()> task) {
        // The one that the owner is about to take, and the next.
        EXPECT_LE(++posted, taken + 2);
        loop.post(std::move(task));
      },
      7, 1);
  for (int i = 0; i < 50; ++i) {
    decoder.decode(
        large_body(std::to_string(i)), wire::BodyFormat::ndjson, "",
        [&](const std::unique_ptr<IngestBatch>&, const std::optional<wire::BodyFault>&) { ++taken; });
  }
  loop.run_until([&] { return taken == 50; });
}

TEST(DecodeThreadTest, LeavesBatchesUnansweredWhenItIsDestroyed) {
  std::vector<std::function<void()>> posted;
  std::mutex mutex;
  {
    DecodeThread decoder(
        [&](std::function<void()> task) {
          const std::lock_guard lock(mutex);
          posted.push_back(std::move(task));
        },
        7, decoded_bytes_max);
    for (int i = 0; i < 50; ++i) {
      decoder.decode(large_body(std::to_string(i)), wire::BodyFormat::ndjson, "",
                     [](const std::unique_ptr<IngestBatch>&, const std::optional<wire::BodyFault>&) {
                       FAIL() << "the thread is gone";
                     });
    }
  }
  for (const auto& task : posted) task();
}

}  // namespace
}  // namespace voucherd
