#include "tests/bench/driver/daemon.h"

#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/bench/driver/events.h"
#include "tests/bench/driver/http_client.h"

namespace voucherd::bench {

namespace {

std::uint16_t port_in(const Json& ports, const char* name) {
  const auto address = ports.at(name).get<std::string>();
  return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

/// What `voucherctl journal <command>` says of the directory.
std::string run_voucherctl(const Programs& programs, const std::string& directory, const char* command) {
  const std::string log = directory + "/voucherctl.log";
  std::filesystem::remove(log);
  const int status =
      run_to_end({{programs.voucherctl, "--json", "journal", command, directory + "/data"}, log, ""});
  std::string said = read_file(log);
  if (status != 0) fail(std::string("journal ") + command + " found something wrong:\n" + said);
  return said;
}

}  // namespace

Daemon::Daemon(const Programs& programs, std::string directory, const std::string& toml)
    : directory_(std::move(directory)) {
  const std::string ports = directory_ + "/ports.json", config = directory_ + "/voucherd.toml";
  std::filesystem::remove(ports);
  std::ofstream(config) << toml;
  const auto started = std::chrono::steady_clock::now();
  process_ = std::make_unique<Process>(
      Process::Start{{programs.voucherd, "--config", config, "--data", data(), "--listen", "127.0.0.1:0",
                      "--admin-listen", "127.0.0.1:0", "--ports-file", ports},
                     directory_ + "/voucherd.log",
                     ""});
  Json addresses;
  while (addresses.is_null()) {
    if (!process_->running()) {
      fail("the daemon did not start:\n" + read_file(directory_ + "/voucherd.log"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const std::string text = read_file(ports);
    if (Json::accept(text)) addresses = Json::parse(text);
  }
  start_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (toml.find("[tls]") != std::string::npos) tls_client_ = make_tls_client();
  api_ = {port_in(addresses, "api"), tls_client_.get()};
  admin_ = {port_in(addresses, "admin"), tls_client_.get()};
}

std::unique_ptr<Daemon> Daemon::over_tls(const Programs& programs, const std::string& directory) {
  const std::string certificate = directory + "/server.pem", key = directory + "/server.key";
  const int status =
      run_to_end({{"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                   "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", certificate},
                  directory + "/openssl.log",
                  ""});
  if (status != 0) fail("openssl made no certificate:\n" + read_file(directory + "/openssl.log"));
  return std::make_unique<Daemon>(
      programs, directory, "[tls]\ncertificate_file = \"" + certificate + "\"\nkey_file = \"" + key + "\"\n");
}

void Daemon::register_facts() const {
  HttpClient client(api_);
  Json prices = Json::object();
  for (int i = 0; i < skus; ++i) {
    client.put("/v1/skus/" + sku_name(i),
               {{"name", sku_name(i)}, {"unit", "card_hour"}, {"kind", "compute"}, {"tax_rate", "0.06"}});
    prices[sku_name(i)] = "8.50";
  }
  client.put("/v1/price-books/bench",
             {{"effective_from", first_usage_day}, {"tax_inclusive", false}, {"prices", prices}});
  client.put("/v1/policies/bench", {{"programme", "compute-voucher"},
                                    {"title", "bench"},
                                    {"document", "bench"},
                                    {"from", first_usage_day},
                                    {"until", "2028-01-01"},
                                    {"categories", {"ai_agent"}},
                                    {"rate", "0.20"},
                                    {"annual_cap", "1000000.00"},
                                    {"tax_basis", "net"},
                                    {"subsidised_kinds", {"compute"}},
                                    {"settlement", "reimburse"},
                                    {"require_payment", false}});
  for (int i = 0; i < firms; ++i) {
    const Json eligible = {{"category", "ai_agent"},
                           {"from", first_usage_day},
                           {"until", nullptr},
                           {"basis", "bench"},
                           {"evidence_sha256", ""}};
    client.put("/v1/firms/" + firm_code(i), {{"name", "firm " + std::to_string(i)},
                                             {"district", "渝北区"},
                                             {"eligibility", Json::array({eligible})}});
  }
}

double Daemon::peak_memory_mib() const {
  return static_cast<double>(process_->figure("status", "VmHWM:")) / 1024;
}

double Daemon::resident_memory_mib() const {
  return static_cast<double>(process_->figure("status", "VmRSS:")) / 1024;
}

std::map<std::string, double> Daemon::metrics() const {
  HttpClient client(admin_);
  std::map<std::string, double> figures;
  std::istringstream lines(client.get("/metrics", "text/plain"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t blank = line.find(' ');
    if (line.empty() || line[0] == '#' || blank == std::string::npos) continue;
    figures[line.substr(0, blank)] = std::stod(line.substr(blank + 1));
  }
  return figures;
}

void Daemon::stop() {
  process_->signal(SIGTERM);
  if (const int status = process_->wait(); status != 0) {
    fail("the daemon stopped with status " + std::to_string(status) + ":\n" +
         read_file(directory_ + "/voucherd.log"));
  }
}

void Daemon::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

void check_journal(const Programs& programs, const std::string& directory) {
  run_voucherctl(programs, directory, "check");
}

Json recount_journal(const Programs& programs, const std::string& directory) {
  const std::string said = run_voucherctl(programs, directory, "recount");
  return Json::parse(said.substr(said.find('{')));
}

}  // namespace voucherd::bench
