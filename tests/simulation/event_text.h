// Events as clients write them: the same event in many spellings (order of members, offsets,
// quantities as strings or numbers, members that nobody asked for).
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/dice.h"
#include "tests/support/naive_model.h"

namespace voucherd::simulation {

/// An event with the bytes that it is sent as.
struct WireEvent {
  naive::SentEvent event;
  std::string text;
};

/// One request's events and its body.
struct Request {
  std::vector<WireEvent> events;
  bool ndjson = true;
  std::string body() const;
};

/// An instant in some offset; at random with digits below the millisecond, which are cut off.
std::string spell_instant(std::int64_t ms, Dice& dice);
/// Another spelling of a good quantity.
std::string spell_quantity(const std::string& quantity, Dice& dice);
/// The same event in other words: equal after reading.
naive::SentEvent respell(const naive::SentEvent& event, Dice& dice);
WireEvent write_event(const naive::SentEvent& event, Dice& dice);

}  // namespace voucherd::simulation
