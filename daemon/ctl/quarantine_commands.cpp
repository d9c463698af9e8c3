// quarantine list|release|dismiss: what could not be counted, and why; tried again or closed for good.
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

/// One page of entries after another, until the server names no next one; the replies as one.
Result<Json> release_many(ApiClient& api, const Filter& filter) {
  Json body = Json::object();
  if (!filter.code.empty()) body["code"] = filter.code;
  if (!filter.subject.empty()) body["subject"] = filter.subject;
  if (!filter.sku.empty()) body["sku"] = filter.sku;
  Json all;
  std::string after;
  do {
    const auto done =
        api.send_json("POST", with_query("/v1/quarantine/release", {{"after", after}}), body.dump());
    if (!done) return done.error();
    if (all.is_null()) {
      all = *done;
    } else {
      for (const char* count : {"released", "still_quarantined"}) {
        all[count] = all[count].get<std::uint64_t>() + done->at(count).get<std::uint64_t>();
      }
      all["position"] = done->at("position");
      for (const auto& problem : done->at("problems")) all["problems"].push_back(problem);
    }
    after = text_member(*done, "next");
  } while (!after.empty());
  all.erase("next");
  return Result<Json>(boost::system::in_place_value, std::move(all));
}

int release(const Session& session, const std::string& number, const Filter& filter) {
  ApiClient api(session.server);
  const auto done = number.empty()
                        ? release_many(api, filter)
                        : api.send_json("POST", "/v1/quarantine/" + percent_encoded(number) + "/release", "");
  if (!done) return report(done.error());
  print(session.json ? done->dump() : outline(*done));
  return done->at("still_quarantined") == 0 ? exit_done : exit_failed;
}

int dismiss(const Session& session, const std::string& number, const std::string& reason) {
  ApiClient api(session.server);
  const Json body = {{"reason", reason}};
  const auto done =
      api.send_json("POST", "/v1/quarantine/" + percent_encoded(number) + "/dismiss", body.dump());
  if (!done) return report(done.error());
  print(session.json ? done->dump() : outline(*done));
  return exit_done;
}

void add_release(CLI::App& group, Session& session) {
  auto* command = group.add_subcommand("release", "Try entries again: one, or all that fit a filter");
  const auto number = std::make_shared<std::string>();
  const auto filter = std::make_shared<Filter>();
  const auto all = std::make_shared<bool>(false);
  auto* one = command->add_option("NUMBER", *number, "The entry, e.g. 1842.0");
  command->add_option("--code", filter->code, "Only with this reason, e.g. sku_unknown")->excludes(one);
  command->add_option("--subject", filter->subject, "Only of this firm (统一社会信用代码)")->excludes(one);
  command->add_option("--sku", filter->sku, "Only of this SKU")->excludes(one);
  command->add_flag("--all", *all, "Everything that waits")->excludes(one);
  command->footer(R"(
What is good now is counted; what is not stays, and the exit status is 1.

Examples:
  voucherctl quarantine release 1842.0
  voucherctl quarantine release --code sku_unknown --sku gpu.h20
  voucherctl quarantine release --all)");
  command->callback([&session, number, filter, all] {
    const bool filtered = !filter->code.empty() || !filter->subject.empty() || !filter->sku.empty();
    if (number->empty() && !filtered && !*all) {
      throw CLI::ValidationError("release", "names an entry, a filter, or --all");
    }
    session.work = [&session, number, filter] { return release(session, *number, *filter); };
  });
}

void add_dismiss(CLI::App& group, Session& session) {
  auto* command = group.add_subcommand("dismiss", "Close an entry for good: it is never counted");
  const auto number = std::make_shared<std::string>();
  const auto reason = std::make_shared<std::string>();
  command->add_option("NUMBER", *number, "The entry, e.g. 1842.0")->required();
  command->add_option("--reason", *reason, "Why; it is kept in the journal")->required();
  command->footer("\nExample:\n  voucherctl quarantine dismiss 1842.0 --reason '测试数据'");
  on_command(command, session, [&session, number, reason] { return dismiss(session, *number, *reason); });
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
  add_release(*group, session);
  add_dismiss(*group, session);
}

}  // namespace voucherd::ctl
