// Random histories of the simulation, and every bundle that can be made at their end: each is checked here,
// searched for anything of another firm, and written into a folder for the second verifier.
//
//   bundle_histories FOLDER FIRST_SEED HISTORIES
#include <filesystem>
#include <fstream>
#include <iostream>

#include "billing/audit/verify.h"
#include "daemon/audit/bundle_builder.h"
#include "tests/simulation/history.h"

namespace voucherd::simulation {
namespace {

std::string build(const Engine& engine, Month month, const FirmId& firm) {
  auto begun = BundleBuilder::begin(engine, month, firm);
  if (const auto* refusal = std::get_if<billing::Refusal>(&begun)) throw Mismatch(refusal->detail);
  const auto& builder = std::get<std::unique_ptr<BundleBuilder>>(begun);
  std::string bundle;
  for (;;) {
    const auto next = builder->step();
    if (!next) throw Mismatch(next.error().detail);
    bundle += builder->take();
    if (*next == BundleBuilder::Next::done) return bundle;
    if (*next == BundleBuilder::Next::step) continue;
    if (const auto read = builder->read(); !read) throw Mismatch(read.error().detail);
  }
}

/// Nothing of a firm that is not its own: codes, but for those that its own fact names, names, and events.
void search_for_others(const Engine& engine, const std::string& bundle, const FirmId& firm) {
  const billing::Facts& facts = engine.ledger().facts();
  const billing::Firm& own = facts.firms.at(firm);
  const auto refuse = [&](const std::string& what) {
    if (!what.empty() && bundle.find(what) != std::string::npos)
      throw Mismatch("the bundle of " + firm.value + " holds " + what + " of another firm");
  };
  const auto* versions = engine.ledger().history(billing::FactKind::firm, firm.value);
  std::string said;  // all that its own facts ever said: predecessors
  for (const auto& version : *versions) said += version.shown.dump();
  for (const auto& [code, other] : facts.firms) {
    if (code == firm) continue;
    if (said.find(code.value) == std::string::npos) refuse(code.value);
    if (other.name.find(own.name) == std::string::npos && own.name.find(other.name) == std::string::npos)
      refuse(other.name);
  }
  for (EventOrdinal ordinal = 0; ordinal < engine.usage().events(); ++ordinal) {
    engine.visit_event(ordinal, [&](const EventView& event, EventPlace, Instant) {
      std::string identity;  // as in the bytes of an event
      for (const std::string_view text : {event.source, event.id}) {
        identity += static_cast<char>(text.size() & 0xff);
        identity += static_cast<char>(text.size() >> 8);
        identity += text;
      }
      if (event.subject != firm.value) refuse(identity);
    });
  }
}

void write(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream out(file, std::ios::binary);
  out << bytes;
  if (!out.flush()) throw Mismatch("can't write " + file.string());
}

std::size_t write_bundles(const std::filesystem::path& folder, std::uint64_t seed) {
  Features features;
  features.taken_back = true;
  History history(seed, features);
  history.run();
  history.program().restart(false);
  const Engine& engine = history.program().engine();
  const VerifierKey& key = engine.heads().verifier();
  const std::string name = std::to_string(seed);
  write(folder / (name + ".vkey"), key.text() + "\n");
  std::size_t bundles = 0;
  for (const Month month : engine.ledger().periods()) {
    if (!engine.ledger().closed(month)) continue;
    for (const FirmId& firm : engine.ledger().firms_with_statement(month, FirmId{}, 1000)) {
      const std::string bundle = build(engine, month, firm);
      const std::string what = name + "-" + to_string(month) + "-" + firm.value;
      write(folder / (what + ".tar"), bundle);
      if (const auto verified = billing::verify_bundle(bundle, key); !verified)
        throw Mismatch(what + ": " + verified.error().detail);
      search_for_others(engine, bundle, firm);
      ++bundles;
    }
  }
  return bundles;
}

int run(const std::filesystem::path& folder, std::uint64_t first, std::uint64_t histories) {
  std::size_t bundles = 0;
  for (std::uint64_t seed = first; seed < first + histories; ++seed) {
    try {
      bundles += write_bundles(folder, seed);
    } catch (const std::exception& found) {
      std::cerr << "seed " << seed << ": " << found.what() << "\n";
      return 1;
    }
  }
  std::cout << bundles << "\n";
  return 0;
}

}  // namespace
}  // namespace voucherd::simulation

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "bundle_histories FOLDER FIRST_SEED HISTORIES\n";
    return 2;
  }
  return voucherd::simulation::run(argv[1], std::stoull(argv[2]), std::stoull(argv[3]));
}
