// token create|list|show|rotate|revoke|bootstrap. A secret is made here, printed once, and never sent: the
// daemon gets its hash.
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <charconv>
#include <iostream>

#include "daemon/access/token_text.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/text_output.h"
#include "metering/core/clock.h"
#include "metering/journal/posix_file.h"

namespace voucherd::ctl {

namespace {

constexpr std::int64_t ms_per_hour = 3'600'000;

struct CreateArguments {
  std::string role, source, expires, description, certificate;
  std::vector<std::string> firms;
};

struct RotateArguments {
  std::string id, expires;
  std::uint64_t overlap_hours = 24;
};

Instant now() { return SystemClock().now(); }

std::string text_of(Instant instant) { return format_instant(instant, UtcOffset{0}); }

/// "never", "90d" from now on, or an instant.
Result<Json> read_expires(const std::string& text) {
  if (text == "never") return {boost::system::in_place_value, nullptr};
  std::uint64_t days = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, days);
  constexpr std::uint64_t days_max = 36'500;
  if (error == std::errc() && stop + 1 == end && *stop == 'd' && days >= 1 && days <= days_max)
    return {boost::system::in_place_value,
            text_of({now().ms + static_cast<std::int64_t>(days) * ms_per_day})};
  const auto instant = parse_instant(text);
  if (instant) return {boost::system::in_place_value, text_of(*instant)};
  return Fault{"expires_malformed",
               "--expires " + text +
                   ": write an instant like 2027-01-01T00:00:00+08:00, days from now on like "
                   "90d, or never"};
}

/// SHA-256 of the certificate's DER.
Result<std::string> fingerprint_of(const std::string& file) {
  const auto pem = read_whole(file);
  if (!pem) return pem.error();
  BIO* const bytes = BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size()));
  X509* const certificate = PEM_read_bio_X509(bytes, nullptr, nullptr, nullptr);
  BIO_free(bytes);
  if (certificate == nullptr) return Fault{"certificate_malformed", file + " is no certificate in PEM"};
  unsigned char* der = nullptr;
  const int length = i2d_X509(certificate, &der);
  const std::string copy =
      length < 0 ? "" : std::string(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
  OPENSSL_free(der);
  X509_free(certificate);
  return {boost::system::in_place_value, access::sha256_hex(copy)};
}

/// The token on stdout, or with --json the answer with it; what it is, on stderr.
void print_secret(const Session& session, Json answer, const std::string& token) {
  const std::string id = text_member(answer, "id");
  if (session.json) {
    if (!token.empty()) answer["token"] = token;
    return print(answer.dump());
  }
  if (token.empty()) return print("the certificate is bound: " + id);
  std::cerr << "token " << id << ": the next line is its secret, which is kept nowhere else\n";
  print(token);
}

int create(const Session& session, const CreateArguments& arguments) {
  const auto expires = read_expires(arguments.expires);
  if (!expires) return report(expires.error());
  const std::string id = access::new_token_id();
  Json body = {{"role", arguments.role}, {"expires", *expires}, {"description", arguments.description}};
  if (!arguments.source.empty()) body["source"] = arguments.source;
  if (!arguments.firms.empty()) body["firms"] = arguments.firms;
  std::string token;
  if (arguments.certificate.empty()) {
    token = access::new_token(id);
    body["sha256"] = access::sha256_hex(token);
  } else {
    const auto fingerprint = fingerprint_of(arguments.certificate);
    if (!fingerprint) return report(fingerprint.error());
    body["certificate_sha256"] = *fingerprint;
  }
  ApiClient api(session.server);
  auto answer = api.send_json("PUT", "/v1/tokens/" + id, body.dump());
  if (!answer) return report(answer.error());
  print_secret(session, std::move(*answer), token);
  return exit_done;
}

int rotate(const Session& session, const RotateArguments& arguments) {
  if (!access::is_token_id(arguments.id))
    return report(
        {"token_malformed", "a token's id is 12 characters of a to z and 2 to 7: see voucherctl token list"});
  const std::string token = access::new_token(arguments.id);
  Json body = {
      {"sha256", access::sha256_hex(token)},
      {"old_until", text_of({now().ms + static_cast<std::int64_t>(arguments.overlap_hours) * ms_per_hour})}};
  if (!arguments.expires.empty()) {
    const auto expires = read_expires(arguments.expires);
    if (!expires) return report(expires.error());
    body["expires"] = *expires;
  }
  ApiClient api(session.server);
  auto answer = api.send_json("POST", "/v1/tokens/" + arguments.id + "/rotate", body.dump());
  if (!answer) return report(answer.error());
  print_secret(session, std::move(*answer), token);
  return exit_done;
}

int revoke(const Session& session, const std::string& id, const std::string& reason) {
  Json body = Json::object();
  if (!reason.empty()) body["reason"] = reason;
  ApiClient api(session.server);
  const auto answer = api.send_json("POST", "/v1/tokens/" + percent_encoded(id) + "/revoke", body.dump());
  if (!answer) return report(answer.error());
  print(session.json ? answer->dump() : id + " is revoked");
  return exit_done;
}

int list(const Session& session) {
  ApiClient api(session.server);
  const auto done = print_list(api, "/v1/tokens", {},
                               {{"id", "ID"},
                                {"role", "ROLE"},
                                {"state", "STATE"},
                                {"expires", "EXPIRES"},
                                {"source", "SOURCE"},
                                {"description", "DESCRIPTION"}},
                               session.json);
  return done ? exit_done : report(done.error());
}

int show(const Session& session, const std::string& id) {
  ApiClient api(session.server);
  const auto token = api.get_json("/v1/tokens/" + percent_encoded(id));
  if (!token) return report(token.error());
  print(session.json ? token->dump() : outline(*token));
  return exit_done;
}

/// Never over a file that is there: it would lock its admin out.
Result<void> write_new_file(const std::string& path, const std::string& bytes) {
  const auto file = PosixFile::open(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!file) return file.error();
  if (auto written = file->write_at(0, bytes); !written) return written;
  return file->sync();
}

int bootstrap(const Session& session, const std::string& file) {
  ::umask(0077);
  const std::string id = access::new_token_id();
  const std::string token = access::new_token(id);
  const auto written = write_new_file(file, id + " " + access::sha256_hex(token) + "\n");
  if (!written) return report(written.error());
  print_secret(session, {{"id", id}, {"role", "admin"}}, token);
  return exit_done;
}

void add_create(CLI::App& group, Session& session) {
  auto* command = group.add_subcommand("create", "Make a token, or bind a certificate to a role");
  const auto arguments = std::make_shared<CreateArguments>();
  command->add_option("--role", arguments->role, "What it may do")
      ->required()
      ->check(CLI::IsMember({"ingest", "operator", "finance", "firm", "auditor", "admin"}));
  command->add_option("--source", arguments->source, "ingest: the source that it may send, and all below it");
  command->add_option("--firm", arguments->firms,
                      "firm: the code of a firm whose figures it reads; repeatable");
  command->add_option("--expires", arguments->expires, "An instant, days from now on like 90d, or never")
      ->required();
  command->add_option("--description", arguments->description, "For whom it is: no names of persons");
  command->add_option("--certificate", arguments->certificate,
                      "PEM of a client certificate, instead of a secret");
  command->footer(R"(
The token is printed once, on stdout. Its secret is kept nowhere else.

Examples:
  (umask 077; voucherctl token create --role ingest --source /centre/slurm --expires 365d >slurm.token)
  voucherctl token create --role firm --firm 91500112MA5DEM001H --expires 2027-01-01T00:00:00+08:00
  voucherctl token create --role auditor --certificate auditor.pem --expires 90d)");
  on_command(command, session, [&session, arguments] { return create(session, *arguments); });
}

void add_rotate(CLI::App& group, Session& session) {
  auto* command = group.add_subcommand("rotate", "Exchange a token's secret");
  const auto arguments = std::make_shared<RotateArguments>();
  command->add_option("ID", arguments->id, "The token's id")->required();
  constexpr std::uint64_t hours_max = 31 * 24;
  command->add_option("--overlap", arguments->overlap_hours, "Hours that the old secret stays good")
      ->check(CLI::Range(std::uint64_t{0}, hours_max))
      ->capture_default_str();
  command->add_option("--expires", arguments->expires, "A new end: an instant, days like 90d, or never");
  command->footer("\nExample:\n  (umask 077; voucherctl token rotate q4x… --overlap 48 >slurm.token.new)");
  on_command(command, session, [&session, arguments] { return rotate(session, *arguments); });
}

}  // namespace

void add_token_commands(CLI::App& app, Session& session) {
  auto* group = app.add_subcommand("token", "Who may do what");
  group->require_subcommand(1);
  add_create(*group, session);
  auto* all = group->add_subcommand("list", "List all");
  all->footer("\nExample:\n  voucherctl token list");
  on_command(all, session, [&session] { return list(session); });
  const auto id = std::make_shared<std::string>(), reason = std::make_shared<std::string>();
  auto* one = group->add_subcommand("show", "Show one with its history");
  one->add_option("ID", *id, "The token's id")->required();
  one->footer("\nExample:\n  voucherctl token show q4xk2m5jw7ab");
  on_command(one, session, [&session, id] { return show(session, *id); });
  add_rotate(*group, session);
  auto* end = group->add_subcommand("revoke", "End a token for good, at once");
  end->add_option("ID", *id, "The token's id")->required();
  end->add_option("--reason", *reason, "Why");
  end->footer("\nExample:\n  voucherctl token revoke q4xk2m5jw7ab --reason '采集器已下线'");
  on_command(end, session, [&session, id, reason] { return revoke(session, *id, *reason); });
  auto* first = group->add_subcommand("bootstrap", "Make the first admin's token, without the daemon");
  const auto file = std::make_shared<std::string>();
  first->add_option("FILE", *file, "Where its id and hash go, for access.bootstrap_token_file; a new file")
      ->required();
  first->footer(R"(
Example:
  (umask 077; voucherctl token bootstrap /etc/voucherd/admin.hash >admin.token))");
  on_command(first, session, [&session, file] { return bootstrap(session, *file); });
}

}  // namespace voucherd::ctl
