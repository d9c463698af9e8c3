// The configuration's table: what is read, what is refused and in which words.
#include "config/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config/rows.h"

namespace voucherd::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::string read_file(const std::string& path) {
  std::ifstream file(std::string(VOUCHERD_SOURCE_DIR) + "/" + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ConfigTableTest, TheCommittedSampleIsTheGeneratedOne) {
  EXPECT_EQ(read_file("config/voucherd.sample.toml"), sample_file());
}

/// What stands between the markers; to bring it up to date: voucherd --config-reference en|zh.
std::string reference_of(const std::string& readme) {
  const std::string begin = "<!-- config:begin -->\n", end = "<!-- config:end -->";
  const std::string text = read_file(readme);
  const auto from = text.find(begin), until = text.find(end);
  if (from == std::string::npos || until == std::string::npos) return "no markers";
  return text.substr(from + begin.size(), until - from - begin.size());
}

TEST(ConfigTableTest, TheReadmesReferenceIsTheGeneratedOne) {
  EXPECT_EQ(reference_of("README.md"), reference_markdown(Language::english));
  EXPECT_EQ(reference_of("README.zh-CN.md"), reference_markdown(Language::chinese));
}

TEST(ConfigTableTest, TheSampleHoldsEveryDefaultAndIsWithoutFault) {
  const auto parsed = parse(sample_file(), "sample");
  EXPECT_THAT(parsed.faults, IsEmpty());
  for (const Row& row : rows())
    EXPECT_EQ(toml_value(row, parsed.options), toml_value(row, Options{})) << name_of(row);
}

TEST(ConfigTableTest, TheDefaultsAreUsable) { EXPECT_THAT(check(Options{}), IsEmpty()); }

TEST(ConfigTableTest, AnEmptyFileIsTheDefaults) {
  const auto parsed = parse("", "f");
  EXPECT_THAT(parsed.faults, IsEmpty());
  EXPECT_EQ(parsed.options.api, Options{}.api);
}

TEST(ConfigTableTest, EveryKeyReachesItsOption) {
  const auto parsed = parse(R"(
[listen]
api = "127.0.0.2:1"
admin = "[::1]:2"
[tls]
certificate_file = "c.pem"
key_file = "$CREDENTIALS_DIRECTORY/key"
client_ca_file = "ca.pem"
require_client_certificate = true
[data]
directory = "/d"
checkpoint_every_events = 3
checkpoint_every_records = 4
checkpoint_cpu_percent = 5
[provider]
name = "甲"
uscc = "9150000020286320X6"
utc_offset = "-03:30"
currency = "CNY"
[facts]
files = ["/etc/facts", "b.json"]
[documents]
font = "F"
latin_font = "L"
address = "地"
telephone = "1"
bank_name = "行"
bank_account = "2"
prepared_by = "甲"
reviewed_by = "乙"
approved_by = "丙"
due_days = 15
[access]
required = true
bootstrap_token_file = "/etc/voucherd/admin"
log_directory = "/var/log/voucherd"
log_retention_days = 200
token_connections_max = 10
token_requests_per_second = 20
token_requests_burst = 30
[memory]
block_cache_bytes = 13_000_000
event_cache_bytes = 14_000_000
[log]
level = "warn"
)",
                            "f");
  EXPECT_THAT(parsed.faults, IsEmpty());
  const Options& o = parsed.options;
  EXPECT_EQ(o.api, "127.0.0.2:1");
  EXPECT_EQ(o.admin, "[::1]:2");
  EXPECT_EQ(o.certificate_file + o.key_file + o.client_ca_file, "c.pem$CREDENTIALS_DIRECTORY/keyca.pem");
  EXPECT_TRUE(o.require_client_certificate);
  EXPECT_EQ(o.directory, "/d");
  EXPECT_EQ(o.checkpoint_every_events, 3u);
  EXPECT_EQ(o.checkpoint_every_records, 4u);
  EXPECT_EQ(o.checkpoint_cpu_percent, 5u);
  EXPECT_EQ(o.provider_name, "甲");
  EXPECT_EQ(o.provider_uscc, "9150000020286320X6");
  EXPECT_EQ(o.utc_offset, UtcOffset{-210});
  EXPECT_EQ(o.currency, "CNY");
  EXPECT_THAT(o.fact_files, ElementsAre("/etc/facts", "b.json"));
  EXPECT_EQ(o.document_font + o.latin_font, "FL");
  EXPECT_EQ(o.address + o.telephone + o.bank_name + o.bank_account, "地1行2");
  EXPECT_TRUE(o.access_required);
  EXPECT_EQ(o.bootstrap_token_file + o.access_log_directory, "/etc/voucherd/admin/var/log/voucherd");
  EXPECT_EQ(o.access_log_retention_days, 200u);
  EXPECT_EQ(o.token_connections_max, 10u);
  EXPECT_EQ(o.token_requests_per_second, 20u);
  EXPECT_EQ(o.token_requests_burst, 30u);
  EXPECT_EQ(o.prepared_by + o.reviewed_by + o.approved_by, "甲乙丙");
  EXPECT_EQ(o.due_days, 15u);
  EXPECT_EQ(o.block_cache_bytes, 13'000'000u);
  EXPECT_EQ(o.event_cache_bytes, 14'000'000u);
  EXPECT_EQ(o.log_level, "warn");
  EXPECT_THAT(check(o), IsEmpty());
}

TEST(ConfigTableTest, EveryLimitReachesItsOption) {
  const auto parsed = parse(R"(
[limits]
body_bytes_max = 5_000
header_bytes_max = 4_000
chunk_framing_bytes_max = 3_000
connections_max = 6
connections_per_address_max = 5
requests_per_second = 9
requests_burst = 10
received_bytes_max = 6_000
queue_bytes_max = 7_000
group_events_max = 8
handshake_timeout_ms = 80
header_timeout_ms = 90
body_timeout_ms = 100
transfer_bytes_per_second_min = 17
transfer_grace_ms = 105
idle_timeout_ms = 110
drain_timeout_ms = 120
)",
                            "f");
  EXPECT_THAT(parsed.faults, IsEmpty());
  const Options& o = parsed.options;
  EXPECT_EQ(o.body_bytes_max, 5'000u);
  EXPECT_EQ(o.header_bytes_max, 4'000u);
  EXPECT_EQ(o.chunk_framing_bytes_max, 3'000u);
  EXPECT_EQ(o.connections_max, 6u);
  EXPECT_EQ(o.connections_per_address_max, 5u);
  EXPECT_EQ(o.requests_per_second, 9u);
  EXPECT_EQ(o.requests_burst, 10u);
  EXPECT_EQ(o.received_bytes_max, 6'000u);
  EXPECT_EQ(o.queue_bytes_max, 7'000u);
  EXPECT_EQ(o.group_events_max, 8u);
  EXPECT_EQ(o.handshake_timeout_ms, 80u);
  EXPECT_EQ(o.header_timeout_ms, 90u);
  EXPECT_EQ(o.body_timeout_ms, 100u);
  EXPECT_EQ(o.transfer_bytes_per_second_min, 17u);
  EXPECT_EQ(o.transfer_grace_ms, 105u);
  EXPECT_EQ(o.idle_timeout_ms, 110u);
  EXPECT_EQ(o.drain_timeout_ms, 120u);
  EXPECT_THAT(check(o), IsEmpty());
}

TEST(ConfigTableTest, AllFaultsAreListedWithFileLineAndKey) {
  const auto parsed = parse(R"(colour = 1
[limits]
body_bytes_max = "16 MiB"
conections_max = 5
queue_bytes_max = -1
group_events_max = 0
idle_timeout_ms = 1.5
[provider]
uscc = "9150000020286320X7"
utc_offset = "8"
currency = "USD"
name = ""
[listen]
api = "localhost:8080"
admin = "0.0.0.0"
[log]
level = "loud"
[billing]
cap = 1
)",
                            "v.toml");
  EXPECT_THAT(
      parsed.faults,
      ElementsAre(
          StartsWith("v.toml:1: colour is unknown; the sections are [listen], [tls], [data]"),
          StartsWith("v.toml:3: limits.body_bytes_max is a text; it must be a whole number from 1024"),
          StartsWith(
              "v.toml:4: limits.conections_max is unknown; [limits] has body_bytes_max, header_bytes_max"),
          StartsWith("v.toml:5: limits.queue_bytes_max is -1; it must be a whole number from"),
          StartsWith("v.toml:6: limits.group_events_max is 0; it must be a whole number from 1 to"),
          StartsWith("v.toml:7: limits.idle_timeout_ms is a number with a fraction"),
          StartsWith("v.toml:9: provider.uscc is '9150000020286320X7', which is no 统一社会信用代码"),
          StartsWith("v.toml:10: provider.utc_offset is '8'; it must be an offset"),
          StartsWith("v.toml:11: provider.currency is 'USD'"),
          StartsWith("v.toml:12: provider.name is empty"),
          StartsWith("v.toml:14: listen.api is 'localhost:8080'; it must be an IP address and a port"),
          StartsWith("v.toml:15: listen.admin is '0.0.0.0'; it must be an IP address and a port"),
          StartsWith("v.toml:17: log.level is 'loud'"), StartsWith("v.toml:18: billing is unknown")));
  EXPECT_THAT(check(parsed.options), IsEmpty()) << "wrong values must leave the defaults";
}

TEST(ConfigTableTest, AListHoldsTextsThatNameFiles) {
  const auto fault_of_list = [](const std::string& list) {
    const auto faults = parse("[facts]\nfiles = " + list, "f").faults;
    return faults.empty() ? std::string() : faults.front();
  };
  EXPECT_EQ(fault_of_list("[]"), "");
  EXPECT_THAT(fault_of_list("\"a\""), HasSubstr("facts.files is a text; it must be a list of texts"));
  EXPECT_THAT(fault_of_list("[\"a\", 1]"), HasSubstr("holds a whole number"));
  EXPECT_THAT(fault_of_list("[\"\"]"), HasSubstr("has an empty name"));
  EXPECT_THAT(fault_of_list("[\"a\\u0007\"]"), HasSubstr("control byte"));
}

TEST(ConfigTableTest, BrokenTomlIsOneFaultWithItsLine) {
  EXPECT_THAT(parse("[limits]\nbody_bytes_max = = 1\n", "v.toml").faults,
              ElementsAre(StartsWith("v.toml:2: is not TOML: ")));
  EXPECT_THAT(parse("[log]\nlevel = \"warn\"\nlevel = \"info\"\n", "v.toml").faults,
              ElementsAre(StartsWith("v.toml:3: is not TOML: ")));
  EXPECT_THAT(parse("log = \xff\xfe", "v.toml").faults, ElementsAre(StartsWith("v.toml:1: is not TOML: ")));
}

TEST(ConfigTableTest, AFileThatCanNotBeReadIsAFault) {
  EXPECT_THAT(parse_file("/nonexistent/v.toml").faults,
              ElementsAre(HasSubstr("/nonexistent/v.toml: cannot be read")));
  EXPECT_THAT(parse_file(VOUCHERD_SOURCE_DIR).faults, ElementsAre(HasSubstr("cannot be read")));
}

TEST(ConfigTableTest, WhatOthersCanReachNeedsTlsAndAccessControl) {
  Options options;
  for (const char* good : {"127.0.0.1:0", "127.1.2.3:8080", "[::1]:8080", "127.255.255.255:65535"}) {
    options.api = good;
    EXPECT_THAT(check(options), IsEmpty()) << good;
  }
  for (const char* open : {"0.0.0.0:8080", "10.0.0.1:8080", "[::]:8080", "[::ffff:127.0.0.1]:8080",
                           "128.0.0.1:80", "126.255.255.255:80"}) {
    options.api = open;
    EXPECT_THAT(check(options), ElementsAre(AllOf(HasSubstr(open), HasSubstr("set tls.certificate_file")),
                                            AllOf(HasSubstr(open), HasSubstr("set access.required"))))
        << open;
  }
  for (const char* broken :
       {"", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.1:8080",
        "127.0.0.1:80 ", "::1:8080", "[::1]", "[127.0.0.1]:80", "[]:80", "127.0.0.1:+80"}) {
    options.api = broken;
    EXPECT_THAT(check(options), ElementsAre(StartsWith("listen.api is '"))) << broken;
    EXPECT_THAT(check(options), ElementsAre(HasSubstr("must be an IP address and a port"))) << broken;
  }
}

TEST(ConfigTableTest, TlsNeedsBothCertificateAndKeyAndClientsTheirAuthority) {
  Options options;
  options.certificate_file = "c.pem";
  EXPECT_THAT(check(options), ElementsAre(HasSubstr("tls.certificate_file and tls.key_file go together")));
  options.key_file = "k.pem";
  EXPECT_THAT(check(options), IsEmpty());
  options.require_client_certificate = true;
  EXPECT_THAT(check(options), ElementsAre(HasSubstr("set tls.client_ca_file")));
  options.client_ca_file = "ca.pem";
  EXPECT_THAT(check(options), IsEmpty());
  options.certificate_file = options.key_file = "";
  EXPECT_THAT(check(options), ElementsAre(HasSubstr("tls.client_ca_file is set without TLS")));
}

TEST(ConfigTableTest, AFlagIsTrueOrFalse) {
  EXPECT_THAT(parse("[tls]\nrequire_client_certificate = \"yes\"", "f").faults,
              ElementsAre(HasSubstr("is a text; it must be true or false")));
  EXPECT_TRUE(parse("[tls]\nrequire_client_certificate = true", "f").options.require_client_certificate);
}

TEST(ConfigTableTest, EitherListenerMayBeReachedOnceThereIsTlsAndAccessControl) {
  for (std::string Options::*const listener : {&Options::api, &Options::admin}) {
    Options options;
    options.*listener = "10.0.0.1:8443";
    options.certificate_file = "c.pem";
    options.key_file = "k.pem";
    EXPECT_THAT(check(options), ElementsAre(HasSubstr("set access.required")));
    options.access_required = true;
    EXPECT_THAT(check(options), IsEmpty());
    options.certificate_file = options.key_file = "";
    EXPECT_THAT(check(options), ElementsAre(HasSubstr("set tls.certificate_file")));
  }
}

TEST(ConfigTableTest, WhatHoldsBetweenKeysIsChecked) {
  Options options;
  options.admin = options.api;
  options.queue_bytes_max = options.body_bytes_max - 1;
  EXPECT_THAT(check(options),
              ElementsAre(HasSubstr("which listen.api has"), HasSubstr("at least limits.body_bytes_max")));
  options = {};
  options.api = options.admin = "127.0.0.1:0";  // any free port, twice
  EXPECT_THAT(check(options), IsEmpty());
}

}  // namespace
}  // namespace voucherd::config
