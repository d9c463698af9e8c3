// GET /v1/audit/bundle/{period}/{uscc}: one firm's closed month with all that it follows from, for a check
// offline. Made while it is sent: a piece of work at a time, so that ingest goes on meanwhile; records are
// read as a whole on the render thread. What a client gets of one that can't be finished lacks the
// container's end, so that nobody takes it for whole.
#include <memory>

#include "daemon/api/api.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"
#include "daemon/audit/bundle_builder.h"
#include "daemon/documents.h"

namespace voucherd::api {

namespace {

/// Each holds a megabyte and a place in the loop; beyond: 503.
constexpr int bundles_max = 4;
constexpr std::size_t piece_bytes = 256u << 10;

struct BundlesUnderWay {
  int count = 0;
};

class Bundle : public std::enable_shared_from_this<Bundle> {
 public:
  Bundle(const Engine& engine, Documents& documents, std::unique_ptr<BundleBuilder> builder,
         std::shared_ptr<BundlesUnderWay> under_way, std::string name, http::Reply reply)
      : engine_(engine),
        documents_(documents),
        builder_(std::move(builder)),
        under_way_(std::move(under_way)),
        name_(std::move(name)),
        reply_(std::move(reply)) {
    ++under_way_->count;
  }
  ~Bundle() { --under_way_->count; }
  Bundle(const Bundle&) = delete;
  Bundle& operator=(const Bundle&) = delete;

  void step() {
    const auto next = builder_->step();
    if (!next) return fail(next.error());
    if (*next == BundleBuilder::Next::read) return read();
    ended_ = *next == BundleBuilder::Next::done;
    if (ended_ || builder_->bytes() >= piece_bytes) return deliver();
    go_on();
  }

 private:
  void go_on() {
    engine_.later([self = shared_from_this()] { self->step(); });
  }

  void read() {
    // What is done afterwards keeps the builder; the work itself may be let go of on the other thread.
    documents_.thread.go_on([builder = builder_.get()] { return builder->read(); },
                            [self = shared_from_this()](const Result<void>& done) {
                              if (!done) return self->fail(done.error());
                              self->step();
                            });
  }

  void fail(const Fault& fault) {
    ended_ = true;
    if (!reply_) return std::exchange(deliver_, nullptr)(std::nullopt);
    const bool provable = fault.code != "bundle_not_provable";
    std::exchange(
        reply_, nullptr)(provable ? problem(500, "bundle-failed", "No bundle", fault.detail)
                                  : problem(409, "bundle-not-provable", "There is no bundle", fault.detail));
  }

  /// The first piece is the answer, and asks for the next one; behind the last comes an empty one.
  void deliver() {
    if (!reply_) return std::exchange(deliver_, nullptr)(builder_->take());
    http::Response response;
    response.content_type = "application/x-tar";
    response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + name_ + "\"");
    response.body = builder_->take();
    response.next_piece = [self = shared_from_this()](http::DeliverPiece to) {
      self->deliver_ = std::move(to);
      if (self->ended_) return self->deliver();
      self->go_on();
    };
    std::exchange(reply_, nullptr)(std::move(response));
  }

  const Engine& engine_;
  Documents& documents_;
  std::unique_ptr<BundleBuilder> builder_;
  std::shared_ptr<BundlesUnderWay> under_way_;  // what is left of the loop may outlive the routes
  std::string name_;
  http::Reply reply_;
  http::DeliverPiece deliver_;
  bool ended_ = false;
};

http::Response busy() {
  auto response = problem(503, "overloaded", "Too many bundles",
                          std::to_string(bundles_max) + " bundles are being made; try again later");
  response.headers.emplace_back("Retry-After", "5");
  return response;
}

void send(const Engine& engine, Documents& documents, const std::shared_ptr<BundlesUnderWay>& under_way,
          const http::Request& request, const PathValues& values, const http::Reply& reply) {
  if (auto refusal = refuse_unknown_query(request, {})) return reply(std::move(*refusal));
  const auto period = parse_month(values[0]);
  if (!period) return reply(problem(422, "invalid", "Wrong period", period.error().detail));
  if (under_way->count >= bundles_max) return reply(busy());
  auto begun = BundleBuilder::begin(engine, *period, FirmId(values[1]));
  if (const auto* refusal = std::get_if<billing::Refusal>(&begun)) return reply(problem(*refusal));
  std::make_shared<Bundle>(engine, documents, std::get<std::unique_ptr<BundleBuilder>>(std::move(begun)),
                           under_way, values[0] + "-" + values[1] + ".tar", reply)
      ->step();
}

}  // namespace

void add_bundle_routes(Router& router, Engine& engine, Documents& documents) {
  router.add("GET", "/v1/audit/bundle/{}/{}",
             [&engine, &documents, under_way = std::make_shared<BundlesUnderWay>()](
                 http::Request&& request, const PathValues& values, const http::Reply& reply) {
               send(engine, documents, under_way, request, values, reply);
             });
}

}  // namespace voucherd::api
