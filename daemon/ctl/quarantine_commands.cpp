// quarantine list: what could not be counted, and why.
#include "daemon/ctl/command.h"
#include "daemon/ctl/text_output.h"

namespace voucherd::ctl {

namespace {

struct Filter {
  std::string code, subject, sku;
};

int list_quarantine(const Session& session, const Filter& filter) {
  ApiClient api(session.server);
  const Query query{{"code", filter.code}, {"subject", filter.subject}, {"sku", filter.sku}};
  const auto done = print_list(api, "/v1/quarantine", query,
                               {{"quarantine", "NUMBER"},
                                {"code", "CODE"},
                                {"subject", "FIRM"},
                                {"sku", "SKU"},
                                {"source", "SOURCE"},
                                {"id", "ID"},
                                {"detail", "DETAIL"}},
                               session.json);
  return done ? exit_done : report(done.error());
}

}  // namespace

void add_quarantine_commands(CLI::App& app, Session& session) {
  auto* group = app.add_subcommand("quarantine", "Events that could not be counted");
  group->require_subcommand(1);
  auto* list = group->add_subcommand("list", "List what waits in quarantine");
  const auto filter = std::make_shared<Filter>();
  list->add_option("--code", filter->code, "Only with this reason, e.g. sku_unknown");
  list->add_option("--subject", filter->subject, "Only of this firm (统一社会信用代码)");
  list->add_option("--sku", filter->sku, "Only of this SKU");
  list->footer(R"(
Examples:
  voucherctl quarantine list
  voucherctl quarantine list --code sku_unknown --sku gpu.h20
  voucherctl --json quarantine list --subject 91500000MA5U00000W)");
  on_command(list, session, [&session, filter] { return list_quarantine(session, *filter); });
}

}  // namespace voucherd::ctl
