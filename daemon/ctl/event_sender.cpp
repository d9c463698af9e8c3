// The account is kept under one lock; the network is not.
#include "daemon/ctl/event_sender.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/ctl/api_client.h"

namespace voucherd::ctl {

namespace {

bool may_pass(int status) { return status == 429 || status == 503 || status == 507; }
bool may_pass(const Fault& fault) { return fault.code != "tls_refused" && fault.code != "tls_unusable"; }

std::uint64_t count_of(const Json& reply, const char* member) {
  const auto found = reply.find(member);
  return found != reply.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

}  // namespace

EventSender::EventSender(SendOptions options, BatchReader& reader, ResumePoint start,
                         const ResumeFile* resume,
                         std::function<void(const SendTally&, std::uint64_t)> progress)
    : options_(std::move(options)),
      reader_(reader),
      start_(start),
      resume_(resume),
      progress_(std::move(progress)),
      acknowledged_bytes_(start.offset),
      point_(std::move(start)) {}

Result<void> EventSender::run() {
  std::vector<std::jthread> workers;
  workers.reserve(static_cast<std::size_t>(options_.connections));
  for (int i = 0; i < options_.connections; ++i) workers.emplace_back([this] { work(); });
  workers.clear();  // joins
  const bool keep_point = failure_ && failure_->code != "resume_unknown" && point_.offset > 0;
  if (resume_ != nullptr && keep_point) static_cast<void>(resume_->save(point_));
  if (resume_ != nullptr && !failure_) resume_->remove();
  if (failure_) return *failure_;
  return {};
}

void EventSender::work() {
  HttpClient client(options_.server);
  while (auto batch = take_batch()) {
    HttpReply reply;
    if (!batch->body.empty()) {
      HttpRequest request{"POST", "/v1/events", "application/x-ndjson", "application/json",
                          std::move(batch->body)};
      auto sent = send_until_settled(client, request);
      if (!sent) return fail(sent.error());
      if (sent->status != 200) {
        Fault fault = problem_of(*sent);
        fault.detail = "lines " + std::to_string(batch->line_numbers.front()) + " to " +
                       std::to_string(batch->line_numbers.back()) + " were refused: " + fault.detail;
        return fail(std::move(fault));
      }
      reply = std::move(*sent);
    }
    account(*batch, reply);
  }
}

std::optional<EventBatch> EventSender::take_batch() {
  const std::lock_guard lock(mutex_);
  if (failure_ || at_end_) return std::nullopt;
  auto batch = reader_.next();
  if (!batch) {
    failure_ = batch.error();
    stopped_.notify_all();
    return std::nullopt;
  }
  if (!*batch) at_end_ = true;
  return std::move(*batch);
}

Result<HttpReply> EventSender::send_until_settled(HttpClient& client, const HttpRequest& request) {
  const auto give_up = std::chrono::steady_clock::now() + options_.give_up_after;
  auto next_pause = retry_pause_first;
  for (;;) {
    auto reply = client.send(request);
    if (reply ? !may_pass(reply->status) : !may_pass(reply.error())) return reply;
    std::chrono::milliseconds wait = next_pause;
    if (reply && reply->retry_after) {
      wait = std::max<std::chrono::milliseconds>(wait, std::min(*reply->retry_after, retry_after_max));
    }
    next_pause = std::min(next_pause * 2, retry_pause_max);
    if (std::chrono::steady_clock::now() + wait > give_up || !pause(wait)) {
      if (!reply) return reply.error();
      return reply;
    }
  }
}

/// False where the work has failed elsewhere: there is nothing left to wait for.
bool EventSender::pause(std::chrono::milliseconds length) {
  std::unique_lock lock(mutex_);
  ++tally_.retries;
  return !stopped_.wait_for(lock, length, [this] { return failure_.has_value(); });
}

void EventSender::fail(Fault fault) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(fault);
  stopped_.notify_all();
}

void EventSender::account(const EventBatch& batch, const HttpReply& reply) {
  const std::lock_guard lock(mutex_);
  if (!batch.line_numbers.empty()) {
    if (auto fault = add_counts(batch, reply.body)) {
      if (!failure_) failure_ = std::move(fault);
      stopped_.notify_all();
      return;
    }
  }
  acknowledge(batch, tally_.position);
  if (progress_) progress_(tally_, acknowledged_bytes_);
}

std::optional<Fault> EventSender::add_counts(const EventBatch& batch, const std::string& reply_body) {
  const Json reply = Json::parse(reply_body, nullptr, false);
  if (!reply.is_object() || !reply.contains("position")) {
    return Fault{"answer_malformed", "the server's answer to POST /v1/events can't be read"};
  }
  const auto accepted = count_of(reply, "accepted");
  if (start_.offset > 0 && batch.begin == start_.offset && accepted > 0) {
    return Fault{"resume_unknown", "the server does not know what it is said to have acknowledged"};
  }
  tally_.received += count_of(reply, "received");
  tally_.accepted += accepted;
  tally_.duplicate += count_of(reply, "duplicate");
  tally_.conflict += count_of(reply, "conflict");
  tally_.quarantined += count_of(reply, "quarantined");
  tally_.position = std::max(tally_.position, count_of(reply, "position"));
  const auto problems = reply.find("problems");
  if (problems == reply.end() || !problems->is_array()) return std::nullopt;
  for (const auto& problem : *problems) add_problem(batch, problem);
  return std::nullopt;
}

void EventSender::add_problem(const EventBatch& batch, const Json& problem) {
  if (!problem.is_object()) return;
  const auto index = count_of(problem, "index");
  EventProblem kept;
  if (index < batch.line_numbers.size()) kept.line = batch.line_numbers[index];
  kept.id = text_member(problem, "id");
  kept.code = text_member(problem, "code");
  kept.detail = text_member(problem, "detail");
  ++tally_.problems_by_code[kept.code];
  if (tally_.first_problems.size() < problems_kept_max) tally_.first_problems.push_back(std::move(kept));
}

void EventSender::acknowledge(const EventBatch& batch, std::uint64_t position) {
  ahead_[batch.begin] = {batch.end, batch.lines_before, position};
  for (auto first = ahead_.begin(); first != ahead_.end() && first->first == acknowledged_bytes_;
       first = ahead_.erase(first)) {
    point_.offset = first->first;
    point_.lines = first->second.lines_before;
    point_.position = std::max(point_.position, first->second.position);
    acknowledged_bytes_ = first->second.end;
  }
  const auto now = std::chrono::steady_clock::now();
  if (resume_ == nullptr || now - saved_ < resume_saved_every || point_.offset == 0) return;
  saved_ = now;
  // A point that can't be kept only costs time after an interruption: the work goes on.
  static_cast<void>(resume_->save(point_));
}

}  // namespace voucherd::ctl
