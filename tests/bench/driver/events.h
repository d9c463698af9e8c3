// The events of the bench: number n is always the same event, in whatever form it is asked for, so that
// every system gets the same ones, any of them can be sent again or looked up, and what the server says
// can be compared with a sum that knows nothing of the server.
//
// As in the design note: CloudEvents of some 330 bytes, 24 hex digits of id, 1,000 firms, 40 SKUs, 500
// sources. Usage hours go on with the numbers, so many events a day; one event in ten is up to 30 days late.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace voucherd::bench {

using EventNumber = std::uint64_t;

inline constexpr int firms = 1000, skus = 40, sources = 500;
inline constexpr int late_days_max = 30;
// Every clock is past these.
inline constexpr const char* first_usage_day = "2025-01-02";  // late ones; those of today begin with February
inline constexpr const char* first_month = "2025-02";
inline constexpr int first_month_from = late_days_max, first_month_until = late_days_max + 28;  // as day()

/// A form of an event: text of fixed length with fields in it. Writing one costs some 40 ns.
class EventForm {
 public:
  /// The fields stand in the pattern as <source> <id> <subject> <day> <hour> <next_hour> <sku> <quantity>
  /// <project>.
  explicit EventForm(std::string_view pattern);
  std::size_t size() const { return skeleton_.size(); }

 private:
  friend class Events;
  enum class Field : std::uint8_t { source, id, subject, day, hour, next_hour, sku, quantity, project };
  struct Place {
    Field field;
    std::size_t at;
  };
  std::string skeleton_;
  std::vector<Place> places_;
};

/// A CloudEvent as one JSON object.
extern const char* const json_pattern;
const EventForm& json_form();

class Events {
 public:
  explicit Events(std::uint64_t events_per_day);

  /// Writes form.size() bytes.
  void write(const EventForm& form, EventNumber number, char* at) const;
  std::string text(const EventForm& form, EventNumber number) const;

  int firm(EventNumber number) const { return slot(number).firm; }
  int sku(EventNumber number) const { return slot(number).sku_number; }
  /// In hundredths.
  std::int64_t quantity(EventNumber number) const { return slot(number).hundredths; }
  /// From first_usage_day on.
  int day(EventNumber number) const;

 private:
  struct Slot {  // what an event is made of beside its id and its day; preformatted
    char source[3], subject[18], sku[2], quantity[4], hour[2], next_hour[2], project[5];
    std::uint8_t days_late, sku_number;
    std::uint16_t firm, hundredths;
  };
  static constexpr std::size_t slot_count = 65'536;
  static Slot make_slot(std::uint64_t random);
  const Slot& slot(EventNumber number) const { return slots_[number % slot_count]; }

  std::uint64_t events_per_day_;
  std::vector<Slot> slots_;
  std::vector<std::string> days_;  // as text
};

/// The code of firm 0 … firms - 1.
std::string firm_code(int number);
/// "gpu.model-07".
std::string sku_name(int number);

std::uint64_t mix(std::uint64_t x);  // splitmix64: random numbers that everyone can repeat

}  // namespace voucherd::bench
