// The shape of one event: the bytes between its values, learned from a good event that was read
// in full. A stream's events are nearly always of a few shapes, and one that fits a known shape
// is read at a fraction of the cost. What does not fit is read in full.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metering/wire/members.h"

namespace voucherd::wire {

class EventShape {
 public:
  /// The shape of `text`, which was read into `members` without a problem. None where a value is not
  /// as it stands in the text (escapes), or where members were ignored: those are read in full.
  static std::optional<EventShape> learn(std::string_view text, const Members& members);

  /// Reads the event at the front of `text` as a full reading would. Returns its length; 0 where it
  /// is of another shape, and then `members` are of no use.
  std::size_t read(std::string_view text, Members& members) const;

  bool operator==(const EventShape& other) const { return literals_ == other.literals_; }

 private:
  struct Value {
    std::size_t literal_bytes;  // in front of it: of literals_, behind those of the values before
    Member member;
    bool string;
  };
  std::string literals_;
  std::vector<Value> values_;  // in the order of the text
  std::size_t last_literal_bytes_ = 0;
  Members members_;  // kinds; texts of what never varies are views of constants
};

}  // namespace voucherd::wire
