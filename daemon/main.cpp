// voucherd: reads its configuration and the command line, checks both, and runs.
#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "config/table.h"
#include "daemon/access/authenticator.h"
#include "daemon/app.h"
#include "daemon/imports/fact_files.h"
#include "daemon/version.h"

namespace {

int print_faults(const std::vector<std::string>& faults) {
  for (const auto& fault : faults) std::cerr << fault << "\n";
  std::cerr << faults.size() << (faults.size() == 1 ? " fault" : " faults") << " in the configuration\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("voucherd meters and bills compute vouchers (算力券)");
  app.footer(
      "Examples:\n"
      "  voucherd --config /etc/voucherd/voucherd.toml\n"
      "  voucherd --config voucherd.toml --check\n"
      "  voucherd --data ./voucherd-data --listen 127.0.0.1:8080");
  std::string config_file, ports_file, reference;
  std::optional<std::string> listen, admin_listen, data;
  bool check = false;
  app.set_version_flag("--version", voucherd::version_text());
  app.add_option("--config", config_file, "TOML file; without it, defaults on loopback");
  app.add_flag("--check", check, "Validate the configuration, print every fault, and exit");
  app.add_option("--listen", listen, "Address and port of the API, over the file's");
  app.add_option("--admin-listen", admin_listen, "Address and port of /metrics, /healthz and /readyz");
  app.add_option("--data", data, "Data directory, over the file's");
  app.add_option("--config-reference", reference,
                 "Print all keys as the READMEs have them (en, zh) or as a sample file, and exit")
      ->check(CLI::IsMember({"en", "zh", "sample"}));
  app.add_option("--ports-file", ports_file, "Where to write the addresses listened on, once ready");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  if (!reference.empty()) {
    using voucherd::config::Language;
    std::cout << (reference == "sample" ? voucherd::config::sample_file()
                                        : voucherd::config::reference_markdown(
                                              reference == "zh" ? Language::chinese : Language::english));
    return 0;
  }

  voucherd::config::Parsed parsed;
  if (!config_file.empty()) parsed = voucherd::config::parse_file(config_file);
  if (listen) parsed.options.api = *listen;
  if (admin_listen) parsed.options.admin = *admin_listen;
  if (data) parsed.options.directory = *data;
  for (auto& fault : voucherd::config::check(parsed.options)) parsed.faults.push_back(std::move(fault));
  if (check) {
    for (auto& fault : voucherd::read_fact_files(parsed.options.fact_files).faults) {
      parsed.faults.push_back(std::move(fault));
    }
    if (const auto fault = voucherd::tls_fault(parsed.options)) parsed.faults.push_back(fault->detail);
    if (const auto& file = parsed.options.bootstrap_token_file; !file.empty()) {
      const auto admin = voucherd::access::read_bootstrap_token(file);
      if (!admin) parsed.faults.push_back("access.bootstrap_token_file: " + admin.error().detail);
    }
  }
  if (!parsed.faults.empty()) return print_faults(parsed.faults);
  if (check) {
    std::cout << "the configuration is valid\n";
    return 0;
  }
  return voucherd::run_daemon(parsed.options, ports_file);
}
