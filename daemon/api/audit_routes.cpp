// GET /v1/audit/checkpoint, proof, consistency and key: what an auditor needs to hold the journal to what it
// said before. Proofs are for the tree that was signed last, unless a size says otherwise.
#include <charconv>

#include "daemon/api/api.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"
#include "metering/proof/base64.h"

namespace voucherd::api {

namespace {

constexpr const char* text_type = "text/plain; charset=utf-8";

/// A query parameter that is a whole number; nullopt where it is absent, or wrong: then there is a fault
/// more.
std::optional<std::uint64_t> read_number(const http::Request& request, const char* name,
                                         std::vector<billing::FieldFault>& faults) {
  const std::string* given = request.query_value(name);
  if (given == nullptr) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = given->data() + given->size();
  const auto read = std::from_chars(given->data(), end, number);
  if (read.ec == std::errc() && read.ptr == end && std::to_string(number) == *given) return number;
  faults.push_back({"", std::string(name) + " is '" + *given + "'; it must be a whole number, as 1842"});
  return std::nullopt;
}

nlohmann::ordered_json show_hashes(const std::vector<TreeHash>& hashes) {
  auto list = nlohmann::ordered_json::array();
  for (const TreeHash& hash : hashes) list.push_back(to_base64(bytes_of(hash)));
  return list;
}

/// A journal that is not what was signed is no fault of the one who asks.
http::Response proof_problem(const Fault& fault) {
  if (fault.code == "proof_out_of_range") return not_found(fault.detail);
  return problem(500, "tree-inconsistent", "The journal can't be proven", fault.detail);
}

http::Response not_signed_yet(const Engine& engine, const std::string& what) {
  const std::string detail = what + " is not signed yet; heads are signed every second: try again";
  const auto& fault = engine.heads().fault();
  return not_found(fault ? detail + " (" + fault->detail + ")" : detail);
}

http::Response wrong_query(const std::vector<billing::FieldFault>& faults) {
  return problem(422, "invalid", "Wrong query", faults.front().detail, faults);
}

http::Response checkpoint(const Engine& engine, const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {})) return *refusal;
  if (engine.heads().note().empty()) return not_signed_yet(engine, "the journal");
  return {200, text_type, engine.heads().note(), {{"Cache-Control", "no-store"}}};
}

http::Response key(const Engine& engine, const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {})) return *refusal;
  return {200, text_type, engine.heads().verifier().text() + "\n", {}};
}

void prove(Engine& engine, const http::Request& request, const http::Reply& reply) {
  if (auto refusal = refuse_unknown_query(request, {"position", "size"})) return reply(std::move(*refusal));
  std::vector<billing::FieldFault> faults;
  const auto position = read_number(request, "position", faults);
  const auto asked_size = read_number(request, "size", faults);
  if (faults.empty() && !position) faults.push_back({"", "name the record: ?position=1842"});
  if (!faults.empty()) return reply(wrong_query(faults));
  const std::uint64_t size = asked_size.value_or(engine.heads().signed_size());
  if (!asked_size && *position > size && *position <= engine.position()) {
    return reply(not_signed_yet(engine, "position " + std::to_string(*position)));
  }
  engine.proofs().inclusion(*position, size,
                            [position = *position, reply](const Result<InclusionProof>& proof) {
                              if (!proof) return reply(proof_problem(proof.error()));
                              reply(json_response(200, {{"position", position},
                                                        {"leaf_index", proof->index},
                                                        {"tree_size", proof->size},
                                                        {"leaf_hash", to_base64(bytes_of(proof->leaf))},
                                                        {"root", to_base64(bytes_of(proof->root))},
                                                        {"hashes", show_hashes(proof->hashes)}}));
                            });
}

void prove_consistency(Engine& engine, const http::Request& request, const http::Reply& reply) {
  if (auto refusal = refuse_unknown_query(request, {"from", "to"})) return reply(std::move(*refusal));
  std::vector<billing::FieldFault> faults;
  const auto from = read_number(request, "from", faults);
  const auto to = read_number(request, "to", faults);
  if (faults.empty() && !from) faults.push_back({"", "name the size of the older tree: ?from=1842"});
  if (!faults.empty()) return reply(wrong_query(faults));
  engine.proofs().consistency(
      *from, to.value_or(engine.heads().signed_size()), [reply](const Result<ConsistencyProof>& proof) {
        if (!proof) return reply(proof_problem(proof.error()));
        reply(json_response(200, {{"from", proof->from},
                                  {"to", proof->to},
                                  {"from_root", to_base64(bytes_of(proof->from_root))},
                                  {"to_root", to_base64(bytes_of(proof->to_root))},
                                  {"hashes", show_hashes(proof->hashes)}}));
      });
}

}  // namespace

void add_audit_routes(Router& router, Engine& engine) {
  router.add("GET", "/v1/audit/checkpoint",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               reply(checkpoint(engine, request));
             });
  router.add("GET", "/v1/audit/key",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               reply(key(engine, request));
             });
  router.add("GET", "/v1/audit/proof",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               prove(engine, request, reply);
             });
  router.add("GET", "/v1/audit/consistency",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               prove_consistency(engine, request, reply);
             });
}

}  // namespace voucherd::api
