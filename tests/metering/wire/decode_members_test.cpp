// Each member of the contract: what is kept, what is refused with which code, what is ignored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/metering/wire/decoded_body.h"

namespace voucherd::wire {
namespace {

using testing::HasSubstr;

/// The code of a good usage event with one place changed.
std::string usage_code(std::string_view from, std::string_view to) {
  const DecodedBody decoded = one(with(good_usage, from, to));
  return decoded.refused() ? "refused: " + decoded.fault() : std::string(decoded.code());
}

std::string correction_code(std::string_view from, std::string_view to) {
  const DecodedBody decoded = one(with(good_correction, from, to));
  return decoded.refused() ? "refused: " + decoded.fault() : std::string(decoded.code());
}

TEST(DecodeUsageTest, KeepsTheContractsMembers) {
  const DecodedBody decoded = one(good_usage);
  ASSERT_EQ(decoded.code(), "") << decoded.detail();
  const EventView& event = decoded.item().event;
  EXPECT_EQ(event.kind, EventKind::usage);
  EXPECT_EQ(event.source, "/centre/rongzhi/slurm");
  EXPECT_EQ(event.id, "job-81723/step-0/2026-03-01T08");
  EXPECT_EQ(event.subject, "9150000020286320X6");
  EXPECT_EQ(event.time, parse_instant("2026-03-01T01:00:00Z").value());
  EXPECT_EQ(event.sku, "gpu.a800");
  EXPECT_EQ(to_string(event.quantity), "8");
  EXPECT_EQ(event.start, parse_instant("2026-03-01T00:00:00Z").value());
  EXPECT_EQ(event.end, parse_instant("2026-03-01T01:00:00Z").value());
  EXPECT_EQ(event.project, "agent-platform");
  EXPECT_EQ(event.node, "gpu-017");
  EXPECT_EQ(event.job, "81723");
  EXPECT_EQ(decoded.batch().ignored_members, 0U);
}

TEST(DecodeUsageTest, TheSameContentInOtherWordsIsEqual) {
  const DecodedBody plain = one(good_usage);
  const DecodedBody other = one(
      R"( { "data" : {"job":"8172\u0033","node":"gpu-017","project":"agent-platform","x":[1],"quantity":8.0,)"
      R"("end":"2026-03-01T01:00:00Z","start":"2026-03-01T00:00:00+00:00","sku":"gpu.a800"},"trace":"t",)"
      R"("time":"2026-03-01T01:00:00.0001Z","subject":"9150000020286320X6","id":"job-81723\/step-0\/2026-03-01T08",)"
      R"("\u0073ource":"/centre/rongzhi/slurm","type":"compute.usage.v1","specversion":"1.0"} )");
  ASSERT_EQ(other.code(), "") << other.detail() << other.fault();
  EXPECT_EQ(other.item().event, plain.item().event);
  EXPECT_EQ(other.batch().ignored_members, 2U);
}

TEST(DecodeUsageTest, StringsWithoutEscapesAreViewsIntoTheBody) {
  const DecodedBody decoded = one(with(good_usage, "gpu-017", "gpu\\t017"));
  const EventView& event = decoded.item().event;
  for (const std::string_view view :
       {event.source, event.id, event.subject, event.sku, event.project, event.job}) {
    EXPECT_TRUE(decoded.lies_in_body(view)) << view;
  }
  EXPECT_FALSE(decoded.lies_in_body(event.node));
  EXPECT_EQ(event.node, "gpu\t017");
}

TEST(DecodeUsageTest, ManyEscapedStringsKeepTheirBytes) {
  std::string body = "[";
  for (int i = 0; i < 500; ++i) {
    const std::string id =
        "\\u4e2d\\ud83d\\ude00" + std::string(static_cast<std::size_t>(i % 200), 'x') + std::to_string(i);
    body += (i == 0 ? "" : ",") + with(good_usage, "job-81723/step-0/2026-03-01T08", id);
  }
  const DecodedBody decoded(body + "]", BodyFormat::batch);
  ASSERT_EQ(decoded.batch().items.size(), 500U) << decoded.fault();
  for (int i = 0; i < 500; ++i) {
    const auto index = static_cast<std::size_t>(i);
    ASSERT_EQ(decoded.item(index).event.id,
              "中😀" + std::string(static_cast<std::size_t>(i % 200), 'x') + std::to_string(i));
  }
}

TEST(DecodeUsageTest, RequiredMembersMustBeThere) {
  for (const std::string_view member :
       {R"("specversion":"1.0",)", R"("type":"compute.usage.v1",)", R"("source":"/centre/rongzhi/slurm",)",
        R"("id":"job-81723/step-0/2026-03-01T08",)", R"("subject":"9150000020286320X6",)",
        R"("sku":"gpu.a800",)", R"("quantity":"8",)"}) {
    EXPECT_EQ(usage_code(member, ""), "member_missing") << member;
    const std::string name(member.substr(0, member.find(':')));
    EXPECT_EQ(usage_code(member, name + ":null,"), "member_missing") << member;
    EXPECT_EQ(usage_code(member, name + ":[8],"), "member_wrong_type") << member;
    EXPECT_EQ(usage_code(member, name + ":true,"), "member_wrong_type") << member;
  }
  EXPECT_EQ(usage_code(R"("source":"/centre/rongzhi/slurm")", R"("source":7)"), "member_wrong_type");
  const DecodedBody decoded = one(
      R"({"specversion":"1.0","type":"compute.usage.v1","source":"s","id":"i","subject":"9150000020286320X6"})");
  EXPECT_EQ(decoded.detail(), "data is missing; it is required");
}

TEST(DecodeUsageTest, OptionalMembersMayBeAbsentNullOrEmpty) {
  for (const std::string_view name : {"project", "node", "job"}) {
    const std::string member = "\"" + std::string(name) + "\":";
    const std::string value = name == "project" ? "\"agent-platform\""
                              : name == "node"  ? "\"gpu-017\""
                                                : "\"81723\"";
    for (const std::string_view empty : {"null", "\"\""}) {
      EXPECT_EQ(usage_code(member + value, member + std::string(empty)), "");
    }
    EXPECT_EQ(usage_code(member + value, member + "7"), "member_wrong_type");
  }
  EXPECT_EQ(usage_code(R"("time":"2026-03-01T09:00:00+08:00",)", ""), "");
  EXPECT_EQ(usage_code(R"("time":"2026-03-01T09:00:00+08:00")", R"("time":null)"), "");
  EXPECT_EQ(usage_code(R"("time":"2026-03-01T09:00:00+08:00")", R"("time":"")"), "time_malformed");
  EXPECT_EQ(usage_code(R"("start":"2026-03-01T08:00:00+08:00")", R"("start":"")"), "time_malformed");
}

TEST(DecodeUsageTest, EmptyNamesAreRefused) {
  EXPECT_EQ(usage_code("\"/centre/rongzhi/slurm\"", "\"\""), "member_empty");
  EXPECT_EQ(usage_code("\"job-81723/step-0/2026-03-01T08\"", "\"\""), "member_empty");
  EXPECT_EQ(usage_code("\"gpu.a800\"", "\"\""), "member_empty");
}

TEST(DecodeUsageTest, LengthsAreLimitedInBytesAfterUnescaping) {
  const auto text = [](std::size_t bytes) { return std::string(bytes, 'x'); };
  EXPECT_EQ(usage_code("/centre/rongzhi/slurm", text(256)), "");
  EXPECT_EQ(usage_code("/centre/rongzhi/slurm", text(257)), "member_too_long");
  EXPECT_EQ(usage_code("job-81723/step-0/2026-03-01T08", text(256)), "");
  EXPECT_EQ(usage_code("job-81723/step-0/2026-03-01T08", text(257)), "member_too_long");
  for (const std::string_view label : {"gpu.a800", "agent-platform", "gpu-017"}) {
    EXPECT_EQ(usage_code(label, text(128)), "");
    EXPECT_EQ(usage_code(label, text(129)), "member_too_long");
  }
  std::string escaped;
  for (int i = 0; i < 128; ++i) escaped += "\\u0041";
  EXPECT_EQ(usage_code("gpu-017", escaped), "");
  EXPECT_EQ(usage_code("gpu-017", escaped + "x"), "member_too_long");
  const DecodedBody decoded = one(with(good_usage, "/centre/rongzhi/slurm", text(1 << 20)));
  EXPECT_EQ(decoded.item().event.source, "");
  EXPECT_EQ(decoded.detail(), "source has 1048576 bytes; at most 256 are kept");
}

TEST(DecodeUsageTest, OnlyTheKnownVersionAndTypes) {
  EXPECT_EQ(usage_code("\"1.0\"", "\"0.3\""), "specversion_unsupported");
  EXPECT_EQ(usage_code("\"1.0\"", "1.0"), "member_wrong_type");
  EXPECT_EQ(usage_code("compute.usage.v1", "compute.usage.v2"), "type_unknown");
  EXPECT_EQ(usage_code("compute.usage.v1", ""), "type_unknown");
}

TEST(DecodeUsageTest, TheFirmsCodeIsChecked) {
  EXPECT_EQ(usage_code("9150000020286320X6", "9150000020286320X7"), "subject_invalid");
  EXPECT_EQ(usage_code("9150000020286320X6", ""), "subject_invalid");
  EXPECT_EQ(usage_code("9150000020286320X6", " 9150000020286320X6"), "subject_invalid");
  const DecodedBody decoded = one(with(good_usage, "9150000020286320X6", "9150000020286320X7"));
  EXPECT_EQ(decoded.item().event.subject, "9150000020286320X7");
  EXPECT_THAT(decoded.detail(), HasSubstr("it should be 6"));
}

TEST(DecodeUsageTest, AQuantityIsAStringOrANumberAndNeverADouble) {
  for (const std::string_view good : {"8", "\"8\"", "8.0", "8e0", "0.8e1", "\"80e-1\""}) {
    const DecodedBody decoded = one(with(good_usage, "\"8\"", good));
    EXPECT_EQ(to_string(decoded.item().event.quantity), "8") << good << decoded.detail();
  }
  // A double has 53 bits: this would come out as 100000000.123456791.
  const DecodedBody exact = one(with(good_usage, "\"8\"", "100000000.123456789"));
  EXPECT_EQ(to_string(exact.item().event.quantity), "100000000.123456789");
  EXPECT_EQ(usage_code("\"8\"", "0"), "quantity_not_positive");
  EXPECT_EQ(usage_code("\"8\"", "-1"), "quantity_not_positive");
  EXPECT_EQ(usage_code("\"8\"", "1e10"), "quantity_out_of_range");
  EXPECT_EQ(usage_code("\"8\"", "1e400"), "quantity_out_of_range");
  EXPECT_EQ(usage_code("\"8\"", "1e-400"), "quantity_too_fine");
  EXPECT_EQ(usage_code("\"8\"", "0.0000000001"), "quantity_too_fine");
  EXPECT_EQ(usage_code("\"8\"", "\"\""), "quantity_malformed");
  EXPECT_EQ(usage_code("\"8\"", "\" 8\""), "quantity_malformed");
  EXPECT_EQ(usage_code("\"8\"", "\"08\""), "quantity_malformed");
  EXPECT_EQ(usage_code("\"8\"", "\"NaN\""), "quantity_malformed");
  EXPECT_EQ(usage_code("\"8\"", "8." + std::string(40, '0')), "quantity_malformed");
  EXPECT_EQ(one(with(good_usage, "\"8\"", "-1")).detail(), "data.quantity is -1; it must be above 0");
}

TEST(DecodeUsageTest, TheIntervalIsWholeAndForward) {
  constexpr std::string_view start = R"("start":"2026-03-01T08:00:00+08:00",)",
                             end = R"("end":"2026-03-01T09:00:00+08:00",)";
  EXPECT_EQ(usage_code(start, ""), "interval_incomplete");
  EXPECT_EQ(usage_code(end, ""), "interval_incomplete");
  EXPECT_EQ(usage_code(end, R"("end":null,)"), "interval_incomplete");
  EXPECT_EQ(usage_code(end, R"("end":"2026-03-01T08:00:00+08:00",)"), "");
  EXPECT_EQ(usage_code(end, R"("end":"2026-03-01T07:59:59.999+08:00",)"), "interval_reversed");
  EXPECT_EQ(usage_code(end, R"("end":"2026-03-01T09:00:60+08:00",)"), "time_malformed");
  const std::string no_interval = with(with(good_usage, start, ""), end, "");
  EXPECT_EQ(one(no_interval).code(), "");
  EXPECT_EQ(one(with(no_interval, R"("time":"2026-03-01T09:00:00+08:00",)", "")).code(), "no_usage_time");
  EXPECT_EQ(one(with(no_interval, R"("time":"2026-03-01T09:00:00+08:00",)", R"("time":17,)")).code(),
            "member_wrong_type");
}

TEST(DecodeUsageTest, DataIsAJsonObject) {
  EXPECT_EQ(usage_code("\"data\":{", "\"datacontenttype\":\"application/json\",\"data\":{"), "");
  for (const std::string_view good :
       {"Application/JSON; charset=utf-8", "text/json", "application/vnd.x+json"}) {
    EXPECT_EQ(usage_code("\"data\":{", "\"datacontenttype\":\"" + std::string(good) + "\",\"data\":{"), "")
        << good;
  }
  for (const std::string_view bad :
       {"application/xml", "", "json", "application/jsonx", "text/plain; x=application/json"}) {
    EXPECT_EQ(usage_code("\"data\":{", "\"datacontenttype\":\"" + std::string(bad) + "\",\"data\":{"),
              "data_unsupported")
        << bad;
  }
  EXPECT_EQ(usage_code("\"data\":{", "\"data_base64\":\"eA==\",\"data\":{"), "data_unsupported");
  EXPECT_EQ(usage_code("\"data\":{", "\"data_base64\":null,\"data\":{"), "");
  EXPECT_EQ(usage_code("\"data\":{", "\"data\":\"x\",\"more\":{"), "member_wrong_type");
  EXPECT_EQ(usage_code("\"data\":{", "\"dataschema\":\"http://x\",\"data\":{"), "");
}

TEST(DecodeUsageTest, WhatIsIgnoredIsCounted) {
  const DecodedBody decoded =
      one(with(with(good_usage, "\"sku\":", "\"user\":{\"a\":1},\"corrects\":1,\"sku\":"),
               "\"type\":", "\"traceparent\":\"00\",\"dataschema\":\"x\",\"type\":"));
  EXPECT_EQ(decoded.code(), "") << decoded.detail();
  EXPECT_EQ(decoded.batch().ignored_members, 3U);
}

TEST(DecodeUsageTest, AProblemLeavesTheReadableMembersReadable) {
  const DecodedBody decoded = one(with(with(good_usage, "\"1.0\"", "\"2.0\""), "\"8\"", "\"x\""));
  EXPECT_EQ(decoded.code(), "specversion_unsupported");
  const EventView& event = decoded.item().event;
  EXPECT_EQ(event.source, "/centre/rongzhi/slurm");
  EXPECT_EQ(event.id, "job-81723/step-0/2026-03-01T08");
  EXPECT_EQ(event.subject, "9150000020286320X6");
  EXPECT_EQ(event.sku, "gpu.a800");
  EXPECT_TRUE(event.time && event.start && event.end);
  EXPECT_TRUE(event.quantity.is_zero());
}

TEST(DecodeUsageTest, TheReportedProblemDoesNotDependOnTheOrderOfMembers) {
  const std::string one_way = R"({"specversion":"1.0","type":"t","source":"","id":""})";
  const std::string other_way = R"({"id":"","source":"","type":"t","specversion":"1.0"})";
  EXPECT_EQ(one(one_way).detail(), one(other_way).detail());
}

TEST(DecodeCorrectionTest, KeepsTheContractsMembers) {
  const DecodedBody decoded = one(good_correction);
  ASSERT_EQ(decoded.code(), "") << decoded.detail();
  const EventView& event = decoded.item().event;
  EXPECT_EQ(event.kind, EventKind::correction);
  EXPECT_EQ(event.corrects_source, "/centre/rongzhi/slurm");
  EXPECT_EQ(event.corrects_id, "job-81723");
  EXPECT_EQ(event.reason, "node failure");
  EXPECT_TRUE(event.quantity.is_zero());
  EXPECT_EQ(event.time, parse_instant("2026-03-04T02:00:00Z").value());
  EXPECT_EQ(decoded.batch().ignored_members, 0U);
}

TEST(DecodeCorrectionTest, NeedsItsTimeTargetQuantityAndReason) {
  EXPECT_EQ(correction_code(R"("time":"2026-03-04T10:00:00+08:00",)", ""), "member_missing");
  EXPECT_EQ(correction_code(R"("time":"2026-03-04T10:00:00+08:00")", R"("time":null)"), "member_missing");
  EXPECT_EQ(correction_code(R"("corrects":{"source":"/centre/rongzhi/slurm","id":"job-81723"},)", ""),
            "member_missing");
  EXPECT_EQ(correction_code(R"({"source":"/centre/rongzhi/slurm","id":"job-81723"})", "\"x\""),
            "member_wrong_type");
  EXPECT_EQ(correction_code(R"("source":"/centre/rongzhi/slurm",)", ""), "member_missing");
  EXPECT_EQ(correction_code(R"(,"id":"job-81723")", ""), "member_missing");
  EXPECT_EQ(correction_code(R"("quantity":"0",)", ""), "member_missing");
  EXPECT_EQ(correction_code("\"0\"", "-1"), "quantity_not_positive");
  EXPECT_EQ(correction_code(R"(,"reason":"node failure")", ""), "member_missing");
  EXPECT_EQ(correction_code("node failure", ""), "member_empty");
  EXPECT_EQ(correction_code("node failure", std::string(1024, 'x')), "");
  EXPECT_EQ(correction_code("node failure", std::string(1025, 'x')), "member_too_long");
}

TEST(DecodeCorrectionTest, AUsageEventsMembersAreIgnoredInIt) {
  const DecodedBody decoded =
      one(with(good_correction, "\"reason\"", "\"sku\":7,\"start\":\"x\",\"reason\""));
  EXPECT_EQ(decoded.code(), "") << decoded.detail();
  EXPECT_EQ(decoded.item().event, one(good_correction).item().event);
  EXPECT_EQ(decoded.batch().ignored_members, 2U);
}

}  // namespace
}  // namespace voucherd::wire
