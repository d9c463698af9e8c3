// The workload: seeded random facts and events of one history, over about four months with the end
// of a year in them. It knows what it has sent, so that it can send it again, contradict it and
// correct it. It never asks the program anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/dice.h"
#include "tests/simulation/event_text.h"
#include "tests/support/naive_model.h"

namespace voucherd::simulation {

/// What histories contain. Properties that are about usage alone leave corrections out. Where much is taken
/// back, most usage is eligible, and awards come and go between the closes.
struct Features {
  bool corrections = true;
  bool taken_back = false;
};

class Workload {
 public:
  Workload(std::uint64_t seed, Features features);

  const naive::Reckoning::Head& head() const { return head_; }
  std::int64_t start_ms() const { return start_ms_; }
  std::int64_t end_ms() const { return end_ms_; }
  Dice& dice() { return dice_; }

  /// Firms, SKUs, price books, contracts, policies and awards that a history starts with.
  std::vector<naive::FactChange> first_facts();
  /// A change as someone would make it at `now_ms`; some are wrong.
  naive::FactChange next_fact(const naive::Model& model, std::int64_t now_ms);
  /// Awards that come or go before a month is closed; none where the features say so.
  std::vector<naive::FactChange> awards_before_close(const naive::Model& model);
  /// `intake_ms`: what the intake time of the events will be.
  Request next_request(const naive::Model& model, std::int64_t intake_ms);

 private:
  // facts
  naive::Json firm_body(std::size_t number, int from_day, int until_day);
  naive::Json intervals(int from_day, int until_day, bool eligibility);
  naive::Json price();
  naive::FactChange book(const std::string& version, int day, int omitted_percent);
  naive::FactChange contract(const std::string& number, const std::string& firm, int from_day, int until_day);
  naive::FactChange policy(const std::string& id, int from_day, int until_day);
  naive::FactChange award(const std::string& id, int year);
  naive::FactChange changed_firm(const naive::Model& model, int today);
  naive::FactChange changed_terms(const naive::Model& model, int today);
  naive::FactChange changed_policy(const naive::Model& model, const std::string& name, int today);
  std::vector<naive::FactChange> first_policies();

  // events
  naive::SentEvent good_event(const naive::Model& model, std::int64_t intake_ms);
  naive::SentEvent bad_event(const naive::Model& model, std::int64_t intake_ms);
  naive::SentEvent correction(const naive::Model& model, std::int64_t intake_ms);
  naive::SentEvent contradiction(const naive::SentEvent& event, const naive::Model& model);
  WireEvent sent_again(const naive::Model& model);
  std::int64_t some_instant(const naive::Model& model, std::int64_t intake_ms);
  void give_time(naive::SentEvent& event, const naive::Model& model, std::int64_t intake_ms);
  std::string some_quantity();
  WireEvent next_event(const naive::Model& model, std::int64_t intake_ms);

  Dice dice_;
  Features features_;
  naive::Reckoning::Head head_;
  std::int64_t start_ms_, end_ms_;
  std::vector<std::string> firms_, skus_;
  std::string late_firm_, late_sku_;  // registered in the course of the history, if at all
  std::vector<WireEvent> sent_;
  std::vector<naive::SentEvent> unsent_;  // corrected already, to be sent later
  int next_id_ = 0, next_fact_ = 0;
};

}  // namespace voucherd::simulation
