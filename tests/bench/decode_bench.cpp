// Decoding and judging a stream of events like those of performance.md: 312 bytes, 24-hex ids,
// 1,000 firms, 40 SKUs, 500 sources. Reports events a second.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "metering/core/ids.h"
#include "metering/core/usage_event.h"
#include "metering/wire/decode.h"

namespace {

using voucherd::wire::BodyFormat;

constexpr std::string_view uscc_alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";

std::vector<std::string> firms(std::mt19937& random) {
  std::vector<std::string> found;
  while (found.size() < 1000) {
    std::string text = "91500000MA5U";
    while (text.size() < 17) text += uscc_alphabet[random() % uscc_alphabet.size()];
    text += '0';
    for (const char check : uscc_alphabet) {
      text.back() = check;
      if (voucherd::is_uscc(text)) break;
    }
    found.push_back(text);
  }
  return found;
}

std::string hex_id(std::mt19937& random) {
  std::string id;
  while (id.size() < 24) id += "0123456789abcdef"[random() % 16];
  return id;
}

std::string event(std::mt19937& random, const std::vector<std::string>& all_firms) {
  const std::string hour = std::to_string(10 + random() % 13), next = std::to_string(std::stoi(hour) + 1);
  const std::string day = std::to_string(10 + random() % 18);
  return R"({"specversion":"1.0","type":"compute.usage.v1","source":"/centre/rongzhi/slurm-)" +
         std::to_string(100 + random() % 500) + R"(","id":")" + hex_id(random) + R"(","subject":")" +
         all_firms[random() % all_firms.size()] + R"(","time":"2026-03-)" + day + "T" + next +
         R"(:00:00+08:00","data":{"sku":"gpu.a800-)" + std::to_string(10 + random() % 40) +
         R"(","quantity":")" + std::to_string(1 + random() % 8) + R"(.25","start":"2026-03-)" + day + "T" +
         hour + R"(:00:00+08:00","end":"2026-03-)" + day + "T" + next + R"(:00:00+08:00"}})";
}

std::string body(BodyFormat format, std::size_t events) {
  std::mt19937 random(7);
  const std::vector<std::string> all_firms = firms(random);
  std::string text = format == BodyFormat::batch ? "[" : "";
  for (std::size_t i = 0; i < events; ++i) {
    if (i != 0) text += format == BodyFormat::batch ? "," : "\n";
    text += event(random, all_firms);
  }
  return format == BodyFormat::batch ? text + "]" : text;
}

void decode(benchmark::State& state, BodyFormat format) {
  const auto events = static_cast<std::size_t>(state.range(0));
  std::string text = body(format, events);
  const std::size_t size = text.size();
  text.append(voucherd::wire::body_padding_bytes, '\0');
  voucherd::wire::Decoder decoder;
  for (auto _ : state) {
    auto batch = decoder.decode({text.data(), size}, format);
    if (!batch || batch->items.size() != events || batch->items.back().problem) {
      state.SkipWithError("the body was not read");
      break;
    }
    benchmark::DoNotOptimize(batch->items.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
}

void parse_instant(benchmark::State& state) {
  std::string text = "2026-03-01T09:00:00+08:00";
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    auto instant = voucherd::parse_instant(text);
    benchmark::DoNotOptimize(instant);
  }
}

void parse_quantity(benchmark::State& state) {
  std::string text = "12.250000";
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    auto quantity = voucherd::parse_event_quantity(text, false);
    benchmark::DoNotOptimize(quantity);
  }
}

void check_uscc(benchmark::State& state) {
  std::string text = "9150000020286320X6";
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    bool good = voucherd::is_uscc(text);
    benchmark::DoNotOptimize(good);
  }
}

BENCHMARK_CAPTURE(decode, batch, BodyFormat::batch)->Arg(1)->Arg(1000);
BENCHMARK_CAPTURE(decode, ndjson, BodyFormat::ndjson)->Arg(1000);
BENCHMARK(parse_instant);
BENCHMARK(parse_quantity);
BENCHMARK(check_uscc);

}  // namespace
