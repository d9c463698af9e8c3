// audit bundle|verify: one firm's closed month for a check offline, and the check, of a bundle or of a whole
// data directory.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "billing/audit/container.h"
#include "billing/audit/verify.h"
#include "daemon/audit/directory_check.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/mapped_file.h"
#include "daemon/ctl/progress.h"
#include "daemon/ctl/text_output.h"
#include "daemon/ctl/verifier_key.h"

namespace voucherd::ctl {

namespace {

struct BundleArguments {
  std::string period, uscc, out;
};

struct VerifyArguments {
  std::string path, key;
};

/// What is received, counted; and its last bytes, by which an archive that is whole is known.
struct Received {
  std::uint64_t bytes = 0;
  std::string end;

  void note(std::string_view piece) {
    bytes += piece.size();
    end += piece;
    if (end.size() > billing::container_end_bytes) end.erase(0, end.size() - billing::container_end_bytes);
  }
  bool is_whole() const { return end == std::string(billing::container_end_bytes, '\0'); }
};

/// Writes what comes as it comes. One that the daemon could not finish ends early.
Result<Received> receive_bundle(const Session& session, const BundleArguments& arguments, std::ostream& out) {
  ApiClient api(session.server);
  Received received;
  Progress progress;
  const auto done = api.download(
      "/v1/audit/bundle/" + percent_encoded(arguments.period) + "/" + percent_encoded(arguments.uscc),
      "application/x-tar", [&](std::string_view piece) {
        out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
        received.note(piece);
        progress.show(0, 0, std::to_string(received.bytes) + " bytes");
        return out.good();
      });
  if (!out.flush()) return Fault{"write_failed", "what was fetched can't be written"};
  if (!done) return done.error();
  if (!received.is_whole()) {
    return Fault{"bundle_unfinished",
                 "the daemon ended the bundle early, and what came is none; its log says why"};
  }
  return received;
}

/// Into a file beside it first: one that is not whole is never left under the bundle's name.
int fetch_into(const Session& session, const BundleArguments& arguments, const std::string& file) {
  const std::string unfinished = file + ".unfinished";
  std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
  if (!out) return report({"write_failed", "can't write " + unfinished});
  const auto received = receive_bundle(session, arguments, out);
  out.close();
  std::error_code error;
  if (received) {
    std::filesystem::rename(unfinished, file, error);
  } else {
    std::filesystem::remove(unfinished, error);
    return report(received.error());
  }
  if (error) return report({"write_failed", "can't write " + file});
  print(session.json ? Json{{"file", file}, {"bytes", received->bytes}}.dump()
                     : file + ", " + std::to_string(received->bytes) + " bytes");
  return exit_done;
}

int fetch_bundle(const Session& session, const BundleArguments& arguments) {
  if (arguments.out == "-") {
    const auto received = receive_bundle(session, arguments, std::cout);
    return received ? exit_done : report(received.error());
  }
  return fetch_into(session, arguments,
                    arguments.out.empty() ? arguments.period + "-" + arguments.uscc + ".tar" : arguments.out);
}

Json as_json(const billing::BundleReport& found) {
  return {{"verified", true},
          {"statement", billing::statement_number(found.period, found.firm)},
          {"net", to_string(found.net)},
          {"tax", to_string(found.tax)},
          {"gross", to_string(found.gross)},
          {"eligible", to_string(found.eligible)},
          {"subsidy", to_string(found.subsidy)},
          {"close", found.close},
          {"events", found.events},
          {"facts", found.facts},
          {"closes", found.closes},
          {"earlier_statements", found.earlier_statements},
          {"origin", found.head.origin},
          {"tree_size", found.head.size},
          {"root", to_hex(found.head.root)},
          {"signature_checked", found.signature_checked},
          {"not_proven", found.not_proven}};
}

void print_report(const billing::BundleReport& found) {
  print("statement " + billing::statement_number(found.period, found.firm) + ": net " + to_string(found.net) +
        ", tax " + to_string(found.tax) + ", gross " + to_string(found.gross) + ", eligible " +
        to_string(found.eligible) + ", subsidy " + to_string(found.subsidy));
  print("follows from " + std::to_string(found.events) + " events, " + std::to_string(found.facts) +
        " facts and " + std::to_string(found.earlier_statements) + " earlier statements; closed by record " +
        std::to_string(found.close) + ", under the head of " + found.head.origin + " with " +
        std::to_string(found.head.size) + " records");
  print(found.signature_checked ? "All of it holds." : "It holds together, but nothing shows who made it.");
  print("Not proven:");
  for (const std::string& open : found.not_proven) print("  " + open);
}

int refuse(const Session& session, const Fault& fault) {
  if (session.json) print(Json{{"verified", false}, {"detail", fault.detail}}.dump());
  return report(fault);
}

Json as_json(const DirectoryReport& found) {
  Json findings = Json::array();
  for (const DirectoryFinding& finding : found.findings) {
    Json shown{{"what", finding.what}};
    if (finding.position != 0) shown["position"] = finding.position;
    if (!finding.firm.empty()) shown["firm"] = finding.firm.value;
    if (finding.month) shown["month"] = to_string(*finding.month);
    findings.push_back(std::move(shown));
  }
  return {{"verified", found.findings.empty()},
          {"last_position", found.last_position},
          {"events", found.events},
          {"closes", found.closes},
          {"statements", found.statements},
          {"checkpoints", found.checkpoints},
          {"root", found.tree_root},
          {"signed_size", found.head ? Json(found.head->size) : Json(nullptr)},
          {"signature_checked", found.signature_checked},
          {"findings", std::move(findings)},
          {"notes", found.notes}};
}

void print_report(const DirectoryReport& found) {
  print(std::to_string(found.last_position) + " records with " + std::to_string(found.events) + " events, " +
        std::to_string(found.statements) + " statements of " + std::to_string(found.closes) +
        " closes made again, " + std::to_string(found.checkpoints) + " checkpoints compared");
  print("root " + found.tree_root +
        (found.head ? ", the signed head has " + std::to_string(found.head->size) + " records" : ""));
  for (const DirectoryFinding& finding : found.findings) {
    std::string where;
    if (finding.position != 0) where += " position " + std::to_string(finding.position);
    if (!finding.firm.empty()) where += " firm " + finding.firm.value;
    if (finding.month) where += " month " + to_string(*finding.month);
    print("WRONG" + where + ": " + finding.what);
  }
  for (const std::string& note : found.notes) print("note: " + note);
  if (!found.findings.empty()) return print("the directory is not sound");
  print(found.signature_checked
            ? "All of it holds: the first " + std::to_string(found.head ? found.head->size : 0) +
                  " records are those under the signed head, byte for byte."
            : "All of it holds together, but nothing shows that nobody signed a changed journal: no key was "
              "given.");
}

int verify_directory(const Session& session, const std::string& directory,
                     const std::optional<VerifierKey>& key) {
  Progress progress;  // drawn only where stderr is a terminal
  const auto found = voucherd::verify_directory(
      directory, key, [&progress](std::uint64_t done, std::uint64_t whole, const char* what) {
        progress.show(done, whole, what);
      });
  if (!found) return refuse(session, found.error());
  if (session.json) {
    print(as_json(*found).dump());
  } else {
    print_report(*found);
  }
  return found->findings.empty() ? exit_done : exit_failed;
}

int verify(const Session& session, const VerifyArguments& arguments) {
  const auto key = read_verifier_key(arguments.key);
  if (!key) return report(key.error());
  if (std::filesystem::is_directory(arguments.path)) return verify_directory(session, arguments.path, *key);
  const auto bundle = MappedFile::open(arguments.path, billing::container_bytes_max);
  if (!bundle) return report(bundle.error());
  const auto found = billing::verify_bundle(bundle->bytes(), *key);
  if (!found) return refuse(session, found.error());
  if (session.json) {
    print(as_json(*found).dump());
  } else {
    print_report(*found);
  }
  return exit_done;
}

struct SampleArguments {
  std::string seed;
  std::uint64_t events = 0, lines = 0, population = 0;
};

int draw_sample(const Session& session, const SampleArguments& arguments) {
  const bool lines = arguments.lines > 0;
  if (lines == (arguments.events > 0)) return report({"usage", "name either --events or --lines"});
  const auto number = [](std::uint64_t value) { return value == 0 ? std::string() : std::to_string(value); };
  ApiClient api(session.server);
  const auto sample =
      api.get_json(with_query("/v1/audit/sample", {{"seed", arguments.seed},
                                                   {"events", number(arguments.events)},
                                                   {"lines", number(arguments.lines)},
                                                   {"population", number(arguments.population)}}));
  if (!sample) return report(sample.error());
  print(session.json ? sample->dump() : outline(*sample));
  return exit_done;
}

void add_sample(CLI::App& group, Session& session) {
  auto* sample = group.add_subcommand("sample", "Draw events or lines by a seed, with their evidence");
  const auto drawn = std::make_shared<SampleArguments>();
  sample->add_option("--seed", drawn->seed, "Any text: throw dice for it")->required();
  sample->add_option("--events", drawn->events, "How many accepted events");
  sample->add_option("--lines", drawn->lines, "How many lines of closed statements");
  sample->add_option("--population", drawn->population,
                     "Draw from so many, as an earlier sample says: then it is the same again");
  sample->footer(R"(
The same seed and population give the same sample; how it is drawn stands in daemon/audit/README.md.

Example:
  voucherctl audit sample --seed 4711 --events 25)");
  on_command(sample, session, [&session, drawn] { return draw_sample(session, *drawn); });
}

}  // namespace

void add_audit_bundle(CLI::App& group, Session& session) {
  auto* bundle = group.add_subcommand("bundle", "Fetch one firm's closed month for a check offline");
  const auto fetched = std::make_shared<BundleArguments>();
  bundle->add_option("PERIOD", fetched->period, "The month, e.g. 2026-03")->required();
  bundle->add_option("USCC", fetched->uscc, "The firm's 统一社会信用代码")->required();
  bundle->add_option("--out", fetched->out, "The file; - is stdout. As a rule PERIOD-USCC.tar");
  bundle->footer(R"(
The statement, the events and facts behind it, and what proves them; nothing of another firm.

Example:
  voucherctl audit bundle 2026-03 91500000MA5U00000W --out march.tar)");
  on_command(bundle, session, [&session, fetched] { return fetch_bundle(session, *fetched); });

  add_sample(group, session);

  auto* check =
      group.add_subcommand("verify", "Check a bundle, or a stopped daemon's data directory, offline");
  const auto checked = std::make_shared<VerifyArguments>();
  check->add_option("PATH", checked->path, "The bundle, or the data directory (daemon stopped, or a backup)")
      ->required()
      ->check(CLI::ExistingPath);
  check
      ->add_option(
          "--key", checked->key,
          "The centre's verifier key, or a file with it, from the centre by another way than the bundle")
      ->check(refuse_empty_key);
  check->footer(R"(
A bundle: makes the statement again from the events by the rules and checks every proof. A directory:
compares all records with the last signed head, folds them and makes every closed statement again as it was
before its close. Without the key nothing shows who signed. Writes nothing. Exit status 1 where something
does not hold, with what and where.

Examples:
  voucherctl audit verify march.tar --key centre.vkey
  voucherctl audit verify /var/lib/voucherd --key centre.vkey)");
  on_command(check, session, [&session, checked] { return verify(session, *checked); });
}

}  // namespace voucherd::ctl
