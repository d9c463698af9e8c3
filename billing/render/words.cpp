#include "billing/render/words.h"

#include <algorithm>
#include <span>

namespace voucherd::billing {
namespace {

struct Entry {
  std::string_view code;
  Words words;
};

Words find(std::span<const Entry> table, std::string_view code) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Entry& entry) { return entry.code == code; });
  return found == table.end() ? Words{code, ""} : found->words;
}

constexpr Entry states[] = {{"open", {"未结账（草稿）", "open (draft)"}}, {"closed", {"已结账", "closed"}}};
constexpr Entry settlements[] = {{"reimburse", {"先付后补", "paid in full, then reimbursed"}},
                                 {"deduct", {"直接抵扣", "deducted at once"}}};
constexpr Entry tax_bases[] = {{"net", {"不含税金额", "net"}}, {"gross", {"价税合计", "gross"}}};
constexpr Entry units[] = {{"card_hour", {"卡时", "card hour"}},        {"card_day", {"卡日", "card day"}},
                           {"pflops_day", {"PFLOPS·日", "PFLOPS day"}}, {"core_hour", {"核时", "core hour"}},
                           {"gib_month", {"GiB·月", "GiB month"}},      {"gib", {"GiB", ""}},
                           {"ktoken", {"千词元", "1,000 tokens"}}};
constexpr Entry reasons[] = {{"policy_not_in_force", {"政策未施行", "no policy in force"}},
                             {"sku_not_subsidised", {"非补贴品类", "kind not subsidised"}},
                             {"related_party", {"关联企业", "related party"}},
                             {"firm_not_eligible", {"企业不在补贴对象期间", "firm not eligible"}}};

}  // namespace

Words state_words(std::string_view state) { return find(states, state); }
Words settlement_words(std::string_view settlement) { return find(settlements, settlement); }
Words tax_basis_words(std::string_view tax_basis) { return find(tax_bases, tax_basis); }
Words unit_words(std::string_view unit) { return find(units, unit); }
Words reason_words(std::string_view code) { return find(reasons, code); }

}  // namespace voucherd::billing
