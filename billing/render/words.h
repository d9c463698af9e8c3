// The words of documents for the codes of the canonical JSON: Chinese, English beside or beneath.
#pragma once

#include <string_view>

namespace voucherd::billing {

struct Words {
  std::string_view chinese, english;
};

/// Each takes a value of the canonical JSON; one that is not in the table is returned as it is.
Words state_words(std::string_view state);
Words settlement_words(std::string_view settlement);
Words tax_basis_words(std::string_view tax_basis);
Words unit_words(std::string_view unit);
Words reason_words(std::string_view code);

}  // namespace voucherd::billing
