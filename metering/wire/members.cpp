// The contract's names, in one table.
#include "metering/wire/members.h"

namespace voucherd::wire {
namespace {

struct Name {
  Scope scope;
  std::string_view path;  // its last part is the name
};

// In the order of Member.
constexpr std::array<Name, member_count> names = {{
    {Scope::event, "specversion"},
    {Scope::event, "type"},
    {Scope::event, "source"},
    {Scope::event, "id"},
    {Scope::event, "subject"},
    {Scope::event, "time"},
    {Scope::event, "datacontenttype"},
    {Scope::event, "dataschema"},
    {Scope::event, "data_base64"},
    {Scope::event, "data"},
    {Scope::data, "data.sku"},
    {Scope::data, "data.quantity"},
    {Scope::data, "data.start"},
    {Scope::data, "data.end"},
    {Scope::data, "data.project"},
    {Scope::data, "data.node"},
    {Scope::data, "data.job"},
    {Scope::data, "data.reason"},
    {Scope::data, "data.corrects"},
    {Scope::corrects, "data.corrects.source"},
    {Scope::corrects, "data.corrects.id"},
}};

constexpr std::string_view name_of(const Name& entry) { return entry.path.substr(entry.path.rfind('.') + 1); }

}  // namespace

std::string_view path_of(Member member) { return names[static_cast<std::size_t>(member)].path; }

Member find_member(Scope scope, std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].scope == scope && name_of(names[i]) == name) return static_cast<Member>(i);
  }
  return Member::none;
}

}  // namespace voucherd::wire
