// audit checkpoint|key|proof|consistency: the signed heads of the journal's tree, checked here and not taken
// on the server's word.

#include "daemon/ctl/command.h"
#include "daemon/ctl/verifier_key.h"
#include "metering/proof/base64.h"

namespace voucherd::ctl {

namespace {

struct SignedHead {
  TreeHead head;
  std::string note;
};

/// What the note says; its signature too, where there is a key.
Result<SignedHead> open_head(std::string note, const std::optional<VerifierKey>& key) {
  if (key) {
    const auto text = key->open(note);
    if (!text) return text.error();
    const auto head = parse_tree_head(*text);
    if (!head) return head.error();
    if (head->origin == key->name()) return SignedHead{*head, std::move(note)};
    return Fault{"checkpoint_of_another_origin",
                 "the checkpoint is of " + head->origin + ", the key of " + key->name()};
  }
  const auto signer = first_signer(note);
  if (!signer) return signer.error();
  const auto head = parse_tree_head(note);
  if (!head) return head.error();
  return SignedHead{*head, std::move(note)};
}

Result<SignedHead> fetch_head(ApiClient& api, const std::optional<VerifierKey>& key) {
  auto note = api.get("/v1/audit/checkpoint", "text/plain");
  if (!note) return note.error();
  return open_head(std::move(*note), key);
}

Fault not_understood(const char* what) {
  return {"answer_malformed", std::string("the server's answer has no good ") + what};
}

Result<TreeHash> hash_of(const Json& text) {
  TreeHash hash{};
  const auto bytes = text.is_string() ? from_base64(text.get_ref<const std::string&>()) : std::nullopt;
  if (!bytes || bytes->size() != hash.size()) return not_understood("hash");
  bytes->copy(reinterpret_cast<char*>(hash.data()), bytes->size());
  return hash;
}

Result<std::vector<TreeHash>> hashes_of(const Json& answer) {
  std::vector<TreeHash> hashes;
  const auto list = answer.find("hashes");
  if (list == answer.end() || !list->is_array()) return not_understood("list of hashes");
  for (const Json& text : *list) {
    const auto hash = hash_of(text);
    if (!hash) return hash.error();
    hashes.push_back(*hash);
  }
  return hashes;
}

/// What a check without a key leaves open.
const char* about_signature(const std::optional<VerifierKey>& key) {
  return key ? "signature verified" : "signature not checked: give --key";
}

int show_checkpoint(const Session& session, const std::string& key_text) {
  const auto key = read_verifier_key(key_text);
  if (!key) return report(key.error());
  ApiClient api(session.server);
  const auto fetched = fetch_head(api, *key);
  if (!fetched) return report(fetched.error());
  if (session.json) {
    print(Json{{"origin", fetched->head.origin},
               {"size", fetched->head.size},
               {"root", to_base64(bytes_of(fetched->head.root))},
               {"signature_verified", key->has_value()},
               {"note", fetched->note}}
              .dump());
  } else {
    print(fetched->note.substr(0, fetched->note.size() - 1));  // as it is: what is saved must verify
  }
  return exit_done;
}

int show_key(const Session& session) {
  ApiClient api(session.server);
  auto key = api.get("/v1/audit/key", "text/plain");
  if (!key) return report(key.error());
  while (key->ends_with('\n')) key->pop_back();
  print(session.json ? Json{{"key", *key}}.dump() : *key);
  return exit_done;
}

Result<Json> check_proof(ApiClient& api, const SignedHead& head, std::uint64_t position) {
  auto answer = api.get_json("/v1/audit/proof?position=" + std::to_string(position) +
                             "&size=" + std::to_string(head.head.size));
  if (!answer) return answer.error();
  const auto hashes = hashes_of(*answer);
  if (!hashes) return hashes.error();
  const auto leaf = hash_of(answer->value("leaf_hash", Json()));
  if (!leaf) return leaf.error();
  if (proves_inclusion(*leaf, position - 1, head.head.size, *hashes, head.head.root)) return answer;
  return Fault{"proof_wrong", "the server's proof does not show that position " + std::to_string(position) +
                                  " stands in the signed tree of " + std::to_string(head.head.size) +
                                  " records"};
}

int show_proof(const Session& session, std::uint64_t position, const std::string& key_text) {
  const auto key = read_verifier_key(key_text);
  if (!key) return report(key.error());
  ApiClient api(session.server);
  const auto head = fetch_head(api, *key);
  if (!head) return report(head.error());
  auto proof = check_proof(api, *head, position);
  if (!proof) return report(proof.error());
  if (session.json) {
    (*proof)["signature_verified"] = key->has_value();
    (*proof)["checkpoint"] = head->note;
    print(proof->dump());
  } else {
    print("position " + std::to_string(position) + " stands in the signed tree of " +
          std::to_string(head->head.size) + " records, with the leaf hash " +
          text_member(*proof, "leaf_hash") + "; " + about_signature(*key));
  }
  return exit_done;
}

int show_consistency(const Session& session, const std::string& file, const std::string& key_text) {
  const auto key = read_verifier_key(key_text);
  if (!key) return report(key.error());
  auto saved = read_whole(file);
  if (!saved) return report(saved.error());
  const auto older = open_head(std::move(*saved), *key);
  if (!older) return report(older.error());
  ApiClient api(session.server);
  const auto newer = fetch_head(api, *key);
  if (!newer) return report(newer.error());
  const std::uint64_t from = older->head.size, to = newer->head.size;
  if (from > to) {
    return report({"journal_shorter_than_signed", "the saved checkpoint has " + std::to_string(from) +
                                                      " records, the server's only " + std::to_string(to) +
                                                      ": records are missing"});
  }
  const auto answer =
      api.get_json("/v1/audit/consistency?from=" + std::to_string(from) + "&to=" + std::to_string(to));
  if (!answer) return report(answer.error());
  const auto hashes = hashes_of(*answer);
  if (!hashes) return report(hashes.error());
  const bool consistent = older->head.origin == newer->head.origin &&
                          proves_consistency(from, older->head.root, to, newer->head.root, *hashes);
  if (!consistent) {
    return report({"tree_inconsistent",
                   "the journal of now does not begin with the one of the saved checkpoint: its first " +
                       std::to_string(from) + " records are others"});
  }
  if (session.json) {
    print(Json{{"from", from}, {"to", to}, {"consistent", true}, {"signature_verified", key->has_value()}}
              .dump());
  } else {
    print("the journal's " + std::to_string(to) + " records begin with the " + std::to_string(from) +
          " of the saved checkpoint; " + about_signature(*key));
  }
  return exit_done;
}

void add_key_option(CLI::App* command, const std::shared_ptr<std::string>& key) {
  command->add_option("--key", *key, "The centre's public key, or a file with it (audit key prints it)")
      ->check(refuse_empty_key);
}

}  // namespace

void add_audit_commands(CLI::App& app, Session& session) {
  auto* group =
      app.add_subcommand("audit", "Proofs: checkpoint, key, proof, consistency, bundle, sample, verify");
  group->require_subcommand(1);
  const auto key = std::make_shared<std::string>();
  auto* checkpoint = group->add_subcommand("checkpoint", "The last signed head of the journal's tree");
  add_key_option(checkpoint, key);
  checkpoint->footer(R"(
Save it: with it a later journal can be held to what it was (audit consistency).

Example:
  voucherctl audit checkpoint --key centre.vkey > 2026-03-31.checkpoint)");
  on_command(checkpoint, session, [&session, key] { return show_checkpoint(session, *key); });

  auto* show = group->add_subcommand("key", "The public key of the signed heads");
  show->footer(R"(
Take it once, by a way that you trust, and keep it.

Example:
  voucherctl audit key > centre.vkey)");
  on_command(show, session, [&session] { return show_key(session); });

  auto* proof = group->add_subcommand("proof", "Check that a record stands in the signed tree");
  const auto position = std::make_shared<std::uint64_t>(0);
  proof->add_option("POSITION", *position, "The record's position")->required()->check(CLI::PositiveNumber);
  add_key_option(proof, key);
  proof->footer("\nExample:\n  voucherctl audit proof 1842 --key centre.vkey");
  on_command(proof, session, [&session, position, key] { return show_proof(session, *position, *key); });

  auto* consistency =
      group->add_subcommand("consistency", "Check that the journal begins with an earlier one");
  const auto file = std::make_shared<std::string>();
  consistency->add_option("FILE", *file, "A checkpoint that was saved earlier")->required();
  add_key_option(consistency, key);
  consistency->footer("\nExample:\n  voucherctl audit consistency 2026-03-31.checkpoint --key centre.vkey");
  on_command(consistency, session, [&session, file, key] { return show_consistency(session, *file, *key); });

  add_audit_bundle(*group, session);
}

}  // namespace voucherd::ctl
