// A decoder that knows shapes must say of every body what one that knows none says: whatever is
// changed in an event, and whatever the decoder has seen before.
#include "metering/wire/event_shape.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/metering/wire/decoded_body.h"

namespace voucherd::wire {
namespace {

using Random = std::mt19937_64;

struct Read {
  std::string bytes;  // with hostile padding
  boost::system::result<Batch, BodyFault> result;
};

std::unique_ptr<Read> read(Decoder& decoder, std::string_view body, BodyFormat format) {
  auto read = std::make_unique<Read>(Read{std::string(body), Batch()});
  read->bytes.append(body_padding_bytes, '"');
  read->result = decoder.decode({read->bytes.data(), body.size()}, format);
  return read;
}

void expect_same_item(const Item& one, const Item& other) {
  EXPECT_EQ(one.raw, other.raw);
  EXPECT_TRUE(one.event == other.event);
  ASSERT_EQ(one.problem.has_value(), other.problem.has_value());
  if (!one.problem) return;
  EXPECT_EQ(one.problem->code, other.problem->code);
  EXPECT_EQ(one.problem->detail, other.problem->detail);
}

void expect_same(Decoder& knowing, std::string_view body, BodyFormat format) {
  Decoder fresh;
  const auto one = read(knowing, body, format), other = read(fresh, body, format);
  SCOPED_TRACE(std::string(body));
  ASSERT_EQ(one->result.has_value(), other->result.has_value());
  if (!one->result) {
    EXPECT_EQ(one->result.error().detail, other->result.error().detail);
    return;
  }
  ASSERT_EQ(one->result->items.size(), other->result->items.size());
  EXPECT_EQ(one->result->ignored_members, other->result->ignored_members);
  for (std::size_t i = 0; i < one->result->items.size(); ++i) {
    expect_same_item(one->result->items[i], other->result->items[i]);
  }
}

const std::vector<std::string>& samples() {
  static const std::vector<std::string> all = {
      std::string(good_usage),
      std::string(good_correction),
      with(good_usage, R"("quantity":"8")", R"("quantity":8)"),
      with(good_usage, R"("project":"agent-platform")", R"("project":null)"),
      with(good_usage, R"("project":"agent-platform",)", ""),
      with(good_usage, "agent-platform", "智能体平台"),
      with(good_usage, "agent-platform", R"(agent\u002dplatform)"),
      with(good_usage, R"("node":"gpu-017")", R"("rack":[1,{"a":2}])"),
      with(good_usage, R"(,"data":)", R"(, "datacontenttype" : "application/json" , "data" : )"),
  };
  return all;
}

/// Bytes that mean something to JSON or to the rules, and others.
std::string mutated(std::string text, Random& random) {
  static constexpr std::string_view bytes = "\"\\{}[]:,0189-+.eE \t\n\x1f\x7f\xc3\xa9xZT/un";
  for (std::size_t left = random() % 3; left > 0; --left) {
    const std::size_t at = random() % text.size();
    const char byte = bytes[random() % bytes.size()];
    switch (random() % 3) {
      case 0:
        text[at] = byte;
        break;
      case 1:
        text.insert(at, 1, byte);
        break;
      default:
        text.erase(at, 1 + random() % 3);
        if (text.empty()) text = "{";
    }
  }
  return text;
}

TEST(EventShapeTest, ReadsWhateverItKnowsAsIfItKnewNothing) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  Decoder knowing;
  for (int i = 0; i < 20'000 && !::testing::Test::HasFailure(); ++i) {
    const std::string event = mutated(samples()[random() % samples().size()], random);
    const std::string another = mutated(samples()[random() % samples().size()], random);
    expect_same(knowing, event, BodyFormat::event);
    expect_same(knowing, event + "\n" + another + "\n" + event, BodyFormat::ndjson);
    expect_same(knowing, "[" + event + "," + another + " , " + event + "]", BodyFormat::batch);
  }
}

TEST(EventShapeTest, ReadsALongBatchOfOneShapeAndItsOddOnes) {
  Decoder knowing;
  for (const std::string_view odd : {"", "{}", "17", "{\"specversion\":", "]"}) {
    std::string batch = "[", lines;
    for (int i = 0; i < 300; ++i) {
      const std::string event = with(good_usage, "81723/", std::to_string(i) + "/");
      batch += (i == 0 ? "" : ",") + event;
      lines += event + "\n";
    }
    expect_same(knowing, batch + "," + std::string(odd) + "]", BodyFormat::batch);
    expect_same(knowing, batch + "]", BodyFormat::batch);
    expect_same(knowing, batch, BodyFormat::batch);
    expect_same(knowing, lines + std::string(odd), BodyFormat::ndjson);
  }
}

Members members_of(std::string_view text, std::string_view quantity, JsonKind kind) {
  Members members;
  const auto put = [&](Member member, std::string_view value, JsonKind value_kind) {
    members[member] = {value_kind, true, text.substr(text.find(value), value.size())};
  };
  put(Member::id, "job-1", JsonKind::string);
  put(Member::quantity, quantity, kind);
  return members;
}

TEST(EventShapeTest, TakesValuesThatNeedNoSecondLookOnly) {
  const std::string_view text = R"({"id":"job-1","q":12.5})";
  const auto shape = EventShape::learn(text, members_of(text, "12.5", JsonKind::number));
  ASSERT_TRUE(shape.has_value());
  Members members;
  const std::string_view like = R"({"id":"j","q":-3e9} and more)";
  EXPECT_EQ(shape->read(like, members), like.find(" and"));
  EXPECT_EQ(members[Member::id].text, "j");
  EXPECT_EQ(members[Member::quantity].text, "-3e9");
  EXPECT_EQ(members[Member::quantity].kind, JsonKind::number);
  for (const std::string_view other :
       {R"({"id":"j\n","q":1})", "{\"id\":\"j\n\",\"q\":1}", R"({"id":"é","q":1})", R"({"id":"j","q":01})",
        R"({"id":"j","q":})", R"({"id":"j","q":1)", R"({"id":"j", "q":1})", R"({"id":"j)", ""}) {
    EXPECT_EQ(shape->read(other, members), 0u) << other;
  }
}

TEST(EventShapeTest, IsNotLearntWhereSomethingIsNotAsItStandsInTheText) {
  const std::string_view text = R"({"id":"job-1","q":12.5})";
  Members members = members_of(text, "12.5", JsonKind::number);
  members.ignored = 1;
  EXPECT_FALSE(EventShape::learn(text, members).has_value());
  members.ignored = 0;
  const std::string unescaped = "job-1";
  members[Member::id].text = unescaped;
  EXPECT_FALSE(EventShape::learn(text, members).has_value());
}

}  // namespace
}  // namespace voucherd::wire
