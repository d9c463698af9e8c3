// The registry and its text. References to children are kept: looking one up costs more than counting.
#include "daemon/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <fstream>
#include <utility>
#include <vector>

#include "daemon/metrics/figures.h"
#include "metering/core/assert.h"

namespace voucherd {
namespace {

/// From an fsync of a good disk to one that makes clients time out.
const prometheus::Histogram::BucketBoundaries commit_buckets = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};

/// Counters are kept elsewhere as totals; prometheus-cpp only adds.
struct Total {
  const Figure* figure;
  prometheus::Counter* counter;
  double last = 0;  // beside the counter: what was added up differs in its last bit where it is no integer

  void advance(double total) {
    VOUCHERD_ASSERT(total >= last);
    last = total;
    if (const double missing = total - counter->Value(); missing > 0) counter->Increment(missing);
  }
};

}  // namespace

struct Metrics::Impl {
  explicit Impl(const BuildInfo& build);

  prometheus::Gauge& child(prometheus::Family<prometheus::Gauge>& family,
                           std::map<std::string, prometheus::Gauge*>& children, const char* label,
                           const std::string& value) {
    prometheus::Gauge*& gauge = children[value];
    if (gauge == nullptr) gauge = &family.Add({{label, value}});
    return *gauge;
  }

  prometheus::Registry registry;
  std::vector<Total> totals;
  std::vector<std::pair<const Figure*, prometheus::Gauge*>> gauges;
  prometheus::Family<prometheus::Counter>& requests;
  prometheus::Family<prometheus::Gauge>& accepted_quantity;
  prometheus::Family<prometheus::Gauge>& charged_quantity;
  prometheus::Family<prometheus::Gauge>& cap_used;
  prometheus::Family<prometheus::Gauge>& programme_budget;
  prometheus::Histogram& commit_seconds;
  std::map<std::pair<std::string, int>, prometheus::Counter*, std::less<>> request_children;
  std::map<std::string, prometheus::Gauge*> accepted_children, charged_children, cap_children,
      budget_children;
};

Metrics::Impl::Impl(const BuildInfo& build)
    : requests(prometheus::BuildCounter()
                   .Name("voucherd_http_requests_total")
                   .Help("Requests answered, by the pattern that answered and the status.")
                   .Register(registry)),
      accepted_quantity(
          prometheus::BuildGauge()
              .Name("voucherd_accepted_quantity")
              .Help("Quantities of accepted events, as corrected, in the SKUs' units, by kind of SKU.")
              .Register(registry)),
      charged_quantity(prometheus::BuildGauge()
                           .Name("voucherd_charged_quantity")
                           .Help("Quantities on charges, in the SKUs' units, by kind of SKU.")
                           .Register(registry)),
      cap_used(prometheus::BuildGauge()
                   .Name("voucherd_subsidy_cap_used_fen")
                   .Help("Subsidy of a usage year over all firms, granted and open, in fen (0.01 yuan).")
                   .Register(registry)),
      programme_budget(
          prometheus::BuildGauge()
              .Name("voucherd_programme_budget_fen")
              .Help("The programme's budget of a usage year, in fen (0.01 yuan), where the policy "
                    "names one. It changes no entitlement.")
              .Register(registry)),
      commit_seconds(prometheus::BuildHistogram()
                         .Name("voucherd_commit_seconds")
                         .Help("Time for a commit group to become durable.")
                         .Register(registry)
                         .Add({}, commit_buckets)) {
  for (const Figure& figure : figures()) {
    if (figure.type == Figure::Type::counter) {
      auto& family = prometheus::BuildCounter().Name(figure.name).Help(figure.help).Register(registry);
      totals.push_back({&figure, &family.Add({})});
    } else {
      auto& family = prometheus::BuildGauge().Name(figure.name).Help(figure.help).Register(registry);
      gauges.emplace_back(&figure, &family.Add({}));
    }
  }
  prometheus::BuildGauge()
      .Name("voucherd_build_info")
      .Help("1, with what this program was built of as labels.")
      .Register(registry)
      .Add({{"version", build.version}, {"compiler", build.compiler}, {"rocksdb", build.rocksdb}})
      .Set(1);
}

Metrics::Metrics(const BuildInfo& build) : impl_(std::make_unique<Impl>(build)) {}
Metrics::~Metrics() = default;

void Metrics::count_request(std::string_view route, int status) {
  const auto key = std::make_pair(std::string(route), status);
  prometheus::Counter*& counter = impl_->request_children[key];
  if (counter == nullptr) {
    counter = &impl_->requests.Add({{"route", key.first}, {"status", std::to_string(status)}});
  }
  counter->Increment();
}

void Metrics::observe_commit(double seconds) { impl_->commit_seconds.Observe(seconds); }

std::string Metrics::render(const MetricsSnapshot& snapshot) {
  for (Total& total : impl_->totals) total.advance(total.figure->value(snapshot));
  for (const auto& [figure, gauge] : impl_->gauges) gauge->Set(figure->value(snapshot));
  for (const auto& [kind, quantity] : snapshot.accepted_by_kind) {
    impl_->child(impl_->accepted_quantity, impl_->accepted_children, "kind", kind)
        .Set(static_cast<double>(quantity.nanos) / 1e9);
  }
  for (const auto& [kind, quantity] : snapshot.charged_by_kind) {
    impl_->child(impl_->charged_quantity, impl_->charged_children, "kind", kind)
        .Set(static_cast<double>(quantity.nanos) / 1e9);
  }
  for (const auto& [year, amount] : snapshot.subsidy_by_year) {
    impl_->child(impl_->cap_used, impl_->cap_children, "year", std::to_string(year))
        .Set(static_cast<double>(amount.value));
  }
  for (const auto& [year, amount] : snapshot.budget_by_year) {
    impl_->child(impl_->programme_budget, impl_->budget_children, "year", std::to_string(year))
        .Set(static_cast<double>(amount.value));
  }
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

std::uint64_t resident_memory_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size_pages = 0, resident_pages = 0;
  if (!(file >> size_pages >> resident_pages)) return 0;
  const long page_bytes = ::sysconf(_SC_PAGESIZE);  // 64 KiB on some aarch64 systems
  return page_bytes > 0 ? resident_pages * static_cast<std::uint64_t>(page_bytes) : 0;
}

}  // namespace voucherd
