// The table itself: one row per key. Parsing, constraints, the sample file and the reference are all
// loops over it, so a key that is added here is added everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "config/options.h"

namespace voucherd::config {

/// What is wrong with a text, as the end of a sentence that begins with the key; nullopt: nothing.
using TextCheck = std::optional<std::string> (*)(const std::string& value);

struct TextField {
  std::string Options::*member;
  TextCheck check;
};
struct TextsField {
  std::vector<std::string> Options::*member;
  TextCheck check;  // of each
};
struct NumberField {
  std::uint64_t Options::*member;
  std::uint64_t min, max;
};
struct FlagField {
  bool Options::*member;
};
struct OffsetField {
  UtcOffset Options::*member;  // a text in the file, "+08:00"
};
using Field = std::variant<TextField, TextsField, NumberField, FlagField, OffsetField>;

struct Row {
  std::string_view section, key;
  Field field;
  std::string_view comment;  // what it is, its unit, its consequence
  std::string_view comment_zh;
};

/// In the order of the sample file; rows of a section stand together.
std::span<const Row> rows();

/// "listen.api".
std::string name_of(const Row& row);
/// What is wrong with the row's value in `options`; nullopt: nothing.
std::optional<std::string> fault_of(const Row& row, const Options& options);
/// The row's value in `options` as TOML: `"text"`, `["text"]`, `123` or `true`.
std::string toml_value(const Row& row, const Options& options);
/// "a whole number from 1 to 9", for faults.
std::string expectation(const Row& row);

}  // namespace voucherd::config
