#include "tests/bench/driver/events.h"

#include <array>
#include <cstdio>
#include <cstring>

#include "metering/core/assert.h"
#include "metering/core/ids.h"
#include "metering/core/time.h"

namespace voucherd::bench {

namespace {

constexpr std::size_t id_digits = 24;
constexpr int days_max = 300;  // then the days begin again: all stay in 2025
constexpr std::array<const char*, 4> projects = {"agent", "twins", "train", "infer"};

template <std::size_t size>
void print(char (&to)[size], int number) {  // with leading zeros, without a terminating one
  for (std::size_t i = size; i > 0; --i, number /= 10) to[i - 1] = static_cast<char>('0' + number % 10);
}

void write_id(EventNumber number, char* at) {
  static constexpr char digits[] = "0123456789abcdef";
  const std::uint64_t words[2] = {mix(number), mix(~number)};
  for (std::size_t i = 0; i < id_digits; ++i) at[i] = digits[(words[i / 16] >> (i % 16 * 4)) & 15];
}

}  // namespace

std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::string firm_code(int number) {
  char body[18];
  std::snprintf(body, sizeof body, "91500000MA5%06d", number);
  for (const char check : std::string_view("0123456789ABCDEFGHJKLMNPQRTUWXY")) {
    if (std::string code = std::string(body, 17) + check; is_uscc(code)) return code;
  }
  VOUCHERD_ASSERT(false);
  return {};
}

std::string sku_name(int number) {
  char digits[2];
  print(digits, number);
  return "gpu.model-" + std::string(digits, sizeof digits);
}

EventForm::EventForm(std::string_view pattern) {
  struct Name {
    std::string_view text;
    Field field;
    std::size_t size;
  };
  static constexpr Name names[] = {{"<source>", Field::source, 3},    {"<id>", Field::id, id_digits},
                                   {"<subject>", Field::subject, 18}, {"<day>", Field::day, 10},
                                   {"<hour>", Field::hour, 2},        {"<next_hour>", Field::next_hour, 2},
                                   {"<sku>", Field::sku, 2},          {"<quantity>", Field::quantity, 4},
                                   {"<project>", Field::project, 5}};
  while (!pattern.empty()) {
    const Name* found = nullptr;
    for (const Name& name : names) {
      if (pattern.substr(0, name.text.size()) == name.text) found = &name;
    }
    if (found == nullptr) {
      skeleton_ += pattern.front();
      pattern.remove_prefix(1);
    } else {
      places_.push_back({found->field, skeleton_.size()});
      skeleton_.append(found->size, '0');
      pattern.remove_prefix(found->text.size());
    }
  }
}

const char* const json_pattern =
    R"({"specversion":"1.0","type":"compute.usage.v1","source":"/centre/rongzhi/slurm-<source>",)"
    R"("id":"<id>","subject":"<subject>","time":"<day>T<next_hour>:00:00+08:00",)"
    R"("data":{"sku":"gpu.model-<sku>","quantity":"<quantity>","start":"<day>T<hour>:00:00+08:00",)"
    R"("end":"<day>T<next_hour>:00:00+08:00","project":"<project>"}})";

const EventForm& json_form() {
  static const EventForm form(json_pattern);
  return form;
}

Events::Slot Events::make_slot(std::uint64_t random) {
  const auto take = [&random](int count) {
    const auto value = static_cast<int>(random % static_cast<std::uint64_t>(count));
    random = mix(random);
    return value;
  };
  Slot slot{};
  slot.firm = static_cast<std::uint16_t>(take(firms));
  slot.sku_number = static_cast<std::uint8_t>(take(skus));
  slot.hundredths = static_cast<std::uint16_t>(100 + take(800));
  slot.days_late = static_cast<std::uint8_t>(take(10) == 0 ? take(late_days_max + 1) : 0);
  const int hour = take(23);
  print(slot.source, take(sources));
  print(slot.sku, slot.sku_number);
  print(slot.hour, hour);
  print(slot.next_hour, hour + 1);
  std::memcpy(slot.subject, firm_code(slot.firm).data(), sizeof slot.subject);
  std::memcpy(slot.project, projects[static_cast<std::size_t>(take(projects.size()))], sizeof slot.project);
  char quantity[8];
  std::snprintf(quantity, sizeof quantity, "%d.%02d", slot.hundredths / 100, slot.hundredths % 100);
  std::memcpy(slot.quantity, quantity, sizeof slot.quantity);
  return slot;
}

Events::Events(std::uint64_t events_per_day) : events_per_day_(events_per_day) {
  for (std::size_t i = 0; i < slot_count; ++i) slots_.push_back(make_slot(mix(i)));
  const LocalDay first = parse_day(first_usage_day).value();
  for (int day = 0; day <= days_max + late_days_max; ++day) {
    days_.push_back(to_string(LocalDay{first.days + day}));
  }
}

int Events::day(EventNumber number) const {
  const auto today = static_cast<int>(number / events_per_day_ % days_max);
  return late_days_max + today - slot(number).days_late;
}

void Events::write(const EventForm& form, EventNumber number, char* at) const {
  using Field = EventForm::Field;
  std::memcpy(at, form.skeleton_.data(), form.skeleton_.size());
  const Slot& from = slot(number);
  for (const EventForm::Place& place : form.places_) {
    char* const to = at + place.at;
    switch (place.field) {
      case Field::source:
        std::memcpy(to, from.source, sizeof from.source);
        break;
      case Field::id:
        write_id(number, to);
        break;
      case Field::subject:
        std::memcpy(to, from.subject, sizeof from.subject);
        break;
      case Field::day:
        std::memcpy(to, days_[static_cast<std::size_t>(day(number))].data(), 10);
        break;
      case Field::hour:
        std::memcpy(to, from.hour, sizeof from.hour);
        break;
      case Field::next_hour:
        std::memcpy(to, from.next_hour, sizeof from.next_hour);
        break;
      case Field::sku:
        std::memcpy(to, from.sku, sizeof from.sku);
        break;
      case Field::quantity:
        std::memcpy(to, from.quantity, sizeof from.quantity);
        break;
      case Field::project:
        std::memcpy(to, from.project, sizeof from.project);
        break;
    }
  }
}

std::string Events::text(const EventForm& form, EventNumber number) const {
  std::string text(form.size(), '\0');
  write(form, number, text.data());
  return text;
}

}  // namespace voucherd::bench
