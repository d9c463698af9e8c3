#include "daemon/app.h"

#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "daemon/access/token_text.h"
#include "daemon/api/api.h"
#include "daemon/api/gate.h"
#include "daemon/documents.h"
#include "daemon/http/server.h"
#include "daemon/http/tls.h"
#include "daemon/imports/fact_import.h"
#include "daemon/log/log.h"
#include "daemon/metrics/metrics.h"
#include "daemon/metrics_snapshot.h"
#include "daemon/version.h"

namespace voucherd {

namespace {

constexpr std::chrono::seconds head_interval{1};

http::Limits limits_of(const config::Options& options) {
  http::Limits limits{options.body_bytes_max, options.connections_max, options.header_timeout_ms,
                      options.body_timeout_ms, options.idle_timeout_ms};
  limits.header_bytes_max = options.header_bytes_max;
  limits.chunk_framing_bytes_max = options.chunk_framing_bytes_max;
  limits.connections_per_address_max = options.connections_per_address_max;
  limits.requests_per_second = options.requests_per_second;
  limits.requests_burst = options.requests_burst;
  limits.handshakes_per_second = options.handshakes_per_second;
  limits.handshakes_burst = options.handshakes_burst;
  limits.refused_idle_timeout_ms = options.refused_idle_timeout_ms;
  limits.handshake_timeout_ms = options.handshake_timeout_ms;
  limits.transfer_bytes_per_second_min = options.transfer_bytes_per_second_min;
  limits.transfer_grace_ms = options.transfer_grace_ms;
  limits.received_bytes_max = std::max(options.received_bytes_max, options.body_bytes_max);
  limits.answers_bytes_max = limits.received_bytes_max;
  return limits;
}

/// Nobody has a body for it.
http::Limits admin_limits_of(const config::Options& options) {
  http::Limits limits = limits_of(options);
  limits.body_bytes_max = limits.received_bytes_max = 64u << 10;
  return limits;
}

http::TlsFiles tls_files_of(const config::Options& options) {
  return {options.certificate_file, options.key_file, options.client_ca_file,
          options.require_client_certificate};
}

billing::Letterhead letterhead_of(const config::Options& options) {
  billing::Letterhead letterhead;
  letterhead.address = options.address;
  letterhead.telephone = options.telephone;
  letterhead.bank_name = options.bank_name;
  letterhead.bank_account = options.bank_account;
  letterhead.prepared_by = options.prepared_by;
  letterhead.reviewed_by = options.reviewed_by;
  letterhead.approved_by = options.approved_by;
  letterhead.due_days = static_cast<std::int32_t>(options.due_days);
  return letterhead;
}

/// Counts and logs each answer on its way out.
http::Reply observed(http::Reply reply, log::Logger& logger, const http::Request& request) {
  return [reply = std::move(reply), &logger, method = request.method,
          path = access::without_secrets(request.path), peer = request.peer](http::Response response) {
    if (response.status >= 500) {
      logger.warn("request_failed",
                  {{"method", method}, {"path", path}, {"peer", peer}, {"status", response.status}});
    } else {
      logger.debug("request",
                   {{"method", method}, {"path", path}, {"peer", peer}, {"status", response.status}});
    }
    reply(std::move(response));
  };
}

/// So that a full set of connections leaves descriptors for the database; the default of many shells does
/// not.
void raise_file_limit(const config::Options& options, log::Logger& logger) {
  constexpr std::uint64_t other_files = 8192;  // tables of 64 MiB, each open twice at most; logs, checkpoints
  const std::uint64_t wanted = 2 * (options.connections_max + http::refused_connections_max) + other_files;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted) return;
  files.rlim_cur = std::min<rlim_t>(wanted, files.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < wanted) {
    logger.warn("few_file_descriptors", {{"allowed", files.rlim_cur}, {"wanted", wanted}});
  }
}

constexpr std::size_t tokens_limited_max = 10'000;  // that are in use at once

http::Response text_response(int status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body), {}};
}

bool write_ports_file(const std::string& path, const std::string& api, const std::string& admin) {
  const std::string temporary = path + ".tmp";
  std::ofstream out(temporary, std::ios::trunc);
  out << nlohmann::json{{"api", api}, {"admin", admin}}.dump() << "\n";
  out.close();
  return out.good() && std::rename(temporary.c_str(), path.c_str()) == 0;
}

std::string with_port(const std::string& address, std::uint16_t port) {
  return address.substr(0, address.rfind(':') + 1) + std::to_string(port);
}

/// Everything that runs, in the order in which it is built; destroyed in reverse.
class Daemon {
 public:
  Daemon(const config::Options& options, log::Logger& logger, const Clock& clock)
      : options_(options),
        logger_(logger),
        clock_(clock),
        started_(clock.now()),
        metrics_(build_info()),
        signals_(io_, SIGTERM, SIGINT),
        reload_signal_(io_, SIGHUP),
        api_server_(
            io_,
            [this](http::Request&& request, http::Reply reply) {
              answer_api(std::move(request), std::move(reply));
            },
            limits_of(options)),
        admin_server_(
            io_,
            [this](http::Request&& request, http::Reply reply) {
              admin_gate_->answer(std::move(request), std::move(reply));
            },
            admin_limits_of(options)) {}

  Result<void> start(const std::string& ports_file) {
    if (auto fonts = open_documents(); !fonts) return fonts;
    auto engine = Engine::open(
        options_, clock_, [this](std::function<void()> task) { post_unfailing(std::move(task)); },
        [this](const Fault& fault) {
          // Nothing after this can be acknowledged truthfully: leave at once, without destructors.
          logger_.error("journal_write_failed", fault);
          ::_exit(1);
        },
        [this](double seconds) { metrics_.observe_commit(seconds); });
    if (!engine) return engine.error();
    engine_ = std::move(*engine);
    engine_->on_answer_failure([this](const Fault& fault) { note_failure(fault); });
    logger_.info("journal_open", {{"directory", options_.directory}, {"position", engine_->position()}});
    add_routes();
    if (auto gates = open_gates(); !gates) return gates;
    import_at_start();
    for (auto* server : {&api_server_, &admin_server_}) {
      server->on_failure([this](const Fault& fault) { logger_.error("http_failed", fault); });
    }
    if (auto tls = take_tls(); !tls) return tls;
    if (auto listening = api_server_.listen(options_.api); !listening) return listening;
    if (auto listening = admin_server_.listen(options_.admin); !listening) return listening;
    const std::string api = with_port(options_.api, api_server_.port());
    const std::string admin = with_port(options_.admin, admin_server_.port());
    if (!ports_file.empty() && !write_ports_file(ports_file, api, admin)) {
      return Fault{"ports_file", "can't write " + ports_file};
    }
    logger_.info("listening", {{"api", api}, {"admin", admin}});
    await_reload();
    sign_head_soon();
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (!error) stop(signal);
    });
    return {};
  }

  /// What throws on the way of a connection ends that one (daemon/http/connection.h); what is left is logged,
  /// and the daemon goes on.
  void run() {
    for (;;) {
      try {
        io_.run();
        return;
      } catch (const std::exception& error) {
        note_failure({"task_failed", std::string("a task threw: ") + error.what()});
      }
    }
  }

 private:
  /// The engine's own: where one throws, its state may lack the half of a record. What is durable is folded
  /// again by the next start.
  void post_unfailing(std::function<void()> task) {
    boost::asio::post(io_, [this, task = std::move(task)] {
      try {
        task();
      } catch (const std::exception& error) {
        logger_.error("engine_failed", Fault{"engine_failed", error.what()});
        ::_exit(1);
      }
    });
  }

  void note_failure(const Fault& fault) {
    ++failures_;
    logger_.error("request_failed_inside", fault);
  }

  /// Before the journal: without its font the daemon does not start.
  Result<void> open_documents() {
    std::unique_ptr<billing::PdfRenderer> pdf;
    if (!options_.document_font.empty()) {
      auto opened = billing::PdfRenderer::open(options_.document_font, options_.latin_font);
      if (!opened) return opened.error();
      pdf = std::move(*opened);
    }
    documents_.reset(new Documents{std::move(pdf), RenderThread([this](std::function<void()> task) {
                                     boost::asio::post(io_, std::move(task));
                                   })});
    return {};
  }

  /// Before anyone is answered: the first answer knows the files.
  void import_at_start() {
    bool done = false;
    {
      const auto work = boost::asio::make_work_guard(io_);  // the journal's writer posts from its own thread
      take_in_letterhead([&] { take_in_files([&done] { done = true; }); });
      while (!done) io_.run_one();
    }
    io_.restart();  // without work it has stopped
  }

  /// A head a second, while there is something new in the journal.
  void sign_head_soon() {
    head_timer_.expires_after(head_interval);
    head_timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      engine_->heads().sign([this](const Result<void>& signed_now) { note_head(signed_now); });
      sign_head_soon();
    });
  }

  /// Each failure once, not every second.
  void note_head(const Result<void>& signed_now) {
    const std::string fault = signed_now ? "" : signed_now.error().detail;
    if (fault == head_fault_) return;
    head_fault_ = fault;
    if (signed_now) {
      logger_.info("tree_head_signed_again", {{"size", engine_->heads().signed_size()}});
    } else {
      logger_.error("tree_head_failed", signed_now.error());
    }
  }

  void await_reload() {
    reload_signal_.async_wait([this](const boost::system::error_code& error, int) {
      if (error || stopping_) return;
      reload_tls();
      if (auto read = read_admin(); !read) logger_.error("bootstrap_token_failed", read.error());
      // One at a time: a signal meanwhile waits for its turn.
      take_in_letterhead([this] { take_in_files([this] { await_reload(); }); });
    });
  }

  /// Where it can't be recorded (a full disk, a clock that is behind), documents go on with the last one.
  void take_in_letterhead(std::function<void()> done) {
    record_letterhead(*engine_, letterhead_of(options_),
                      [this, done = std::move(done)](const std::optional<billing::Refusal>& refusal) {
                        if (refusal) logger_.error("letterhead_not_recorded", {{"detail", refusal->detail}});
                        done();
                      });
  }

  /// Certificates and key as their files have them now, for the connections to come.
  Result<void> take_tls() {
    if (options_.certificate_file.empty()) return {};
    auto tls = http::TlsContext::load(tls_files_of(options_));
    if (!tls) return tls.error();
    certificate_expires_ = (*tls)->expires_at();
    for (auto* server : {&api_server_, &admin_server_}) server->use_tls(*tls);
    const Instant expires{std::chrono::milliseconds(certificate_expires_.time_since_epoch()).count()};
    logger_.info("tls_loaded", {{"certificate", options_.certificate_file},
                                {"expires_at", format_instant(expires, UtcOffset{0})}});
    if (certificate_expires_ < std::chrono::system_clock::now()) {
      logger_.warn("tls_certificate_expired", {{"certificate", options_.certificate_file}});
    }
    return {};
  }

  /// On a fault the old ones stay.
  void reload_tls() {
    const auto taken = take_tls();
    tls_reload_failed_ = !taken;
    if (!taken) logger_.error("tls_reload_failed", taken.error());
  }

  /// Files with a fault change nothing: the daemon goes on with the facts that it has.
  void take_in_files(std::function<void()> done) {
    import_facts(*engine_, options_.fact_files, [this, done = std::move(done)](const ImportOutcome& outcome) {
      for (const std::string& fault : outcome.faults)
        logger_.error("facts_import_fault", {{"detail", fault}});
      import_failed_ = !outcome.faults.empty();
      if (import_failed_) {
        logger_.error("facts_import_failed", {{"files", outcome.files}, {"faults", outcome.faults.size()}});
      } else {
        logger_.info(
            "facts_imported",
            {{"files", outcome.files}, {"changes", outcome.changes}, {"position", outcome.position}});
      }
      done();
    });
  }

  void add_routes() {
    api::add_routes(router_, *engine_, *documents_, options_.body_bytes_max);
    admin_router_.add("GET", "/metrics",
                      [this](http::Request&&, const api::PathValues&, const http::Reply& reply) {
                        auto snapshot = take_snapshot(*engine_, api_server_.connections(), started_);
                        put_http(snapshot);
                        snapshot.facts_import_failed = import_failed_;
                        snapshot.tls_reload_failed = tls_reload_failed_;
                        snapshot.tls_certificate_expires_s = certificate_expires_.time_since_epoch().count();
                        reply({200, std::string(metrics_content_type), metrics_.render(snapshot), {}});
                      });
    admin_router_.add("GET", "/healthz",
                      [](http::Request&&, const api::PathValues&, const http::Reply& reply) {
                        reply(text_response(200, "alive\n"));
                      });
    admin_router_.add("GET", "/readyz",
                      [this](http::Request&&, const api::PathValues&, const http::Reply& reply) {
                        if (stopping_) return reply(text_response(503, "stopping\n"));
                        if (engine_->clock_behind())
                          return reply(text_response(503, "the clock is behind the last record\n"));
                        reply(text_response(200, "ready\n"));
                      });
  }

  void put_http(MetricsSnapshot& snapshot) const {
    snapshot.failures = failures_;
    for (const auto* server : {&api_server_, &admin_server_}) {
      snapshot.failures += server->figures().failures;
      snapshot.handshakes_refused += server->figures().handshakes_refused;
    }
  }

  Result<void> open_gates() {
    access_.required = options_.access_required;
    if (auto read = read_admin(); !read) return read;
    access_.rates = http::RateLimits(options_.token_requests_per_second, options_.token_requests_burst,
                                     tokens_limited_max);
    const std::string directory = options_.access_log_directory.empty() ? options_.directory + "/access-log"
                                                                        : options_.access_log_directory;
    auto log = access::AccessLog::open(
        {directory, options_.access_log_retention_days, engine_->genesis().offset}, clock_,
        [this](std::function<void()> task) { boost::asio::post(io_, std::move(task)); },
        [this](const Fault& fault) { logger_.error("access_log_failed", fault); });
    if (!log) return log.error();
    access_.log = std::move(*log);
    if (const std::uint64_t bytes = access_.log->cut_off_bytes(); bytes > 0) {
      logger_.warn("access_log_cut_off", {{"directory", directory}, {"bytes", bytes}});
    }
    gate_.emplace(router_, *engine_, access_, options_.token_connections_max);
    admin_gate_.emplace(admin_router_, *engine_, access_, options_.token_connections_max);
    api_server_.on_close([this](const std::string& peer) { gate_->closed(peer); });
    admin_server_.on_close([this](const std::string& peer) { admin_gate_->closed(peer); });
    api_server_.admit_by([this](const http::Request& head) { return gate_->admit(head); });
    admin_server_.admit_by([this](const http::Request& head) { return admin_gate_->admit(head); });
    return {};
  }

  /// The admin of the file that the configuration names.
  Result<void> read_admin() {
    if (options_.bootstrap_token_file.empty()) return {};
    // Taking the file away takes the token away: it may have leaked. (At start it must be there.)
    std::error_code unknown;
    const auto status = std::filesystem::status(options_.bootstrap_token_file, unknown);
    if (gate_ && status.type() == std::filesystem::file_type::not_found) {
      access_.authenticator = access::Authenticator();
      logger_.warn("bootstrap_token_gone", {{"file", options_.bootstrap_token_file}});
      return {};
    }
    const auto admin = access::read_bootstrap_token(options_.bootstrap_token_file);
    if (!admin) return admin.error();
    access_.authenticator = access::Authenticator(*admin);
    logger_.info("bootstrap_token", {{"id", admin->id}, {"file", options_.bootstrap_token_file}});
    return {};
  }

  void answer_api(http::Request&& request, http::Reply reply) {
    // The pattern that answers is known only when dispatch returns; most answers come later.
    auto pattern = std::make_shared<std::string>();
    auto status = std::make_shared<int>(0);
    auto counted = [this, pattern, status,
                    reply = observed(std::move(reply), logger_, request)](http::Response response) {
      if (pattern->empty()) {
        *status = response.status;  // answered within dispatch: counted below
      } else {
        metrics_.count_request(*pattern, response.status);
      }
      reply(std::move(response));
    };
    const std::string answered_by = gate_->answer(std::move(request), counted);
    if (*status != 0) metrics_.count_request(answered_by, *status);
    *pattern = answered_by;
  }

  void stop(int signal) {
    if (std::exchange(stopping_, true)) return;
    reload_signal_.cancel();
    head_timer_.cancel();  // the last head is signed when the engine closes
    logger_.info("stopping", {{"signal", signal}});
    api_server_.stop(options_.drain_timeout_ms, [this] {
      engine_->drain([this] {
        admin_server_.stop(options_.drain_timeout_ms, [this] {
          logger_.info("stopped", {{"position", engine_->position()}});
          io_.stop();
        });
      });
    });
  }

  const config::Options& options_;
  log::Logger& logger_;
  const Clock& clock_;
  Instant started_;
  Metrics metrics_;
  boost::asio::io_context io_{1};
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Documents> documents_;
  api::Router router_, admin_router_;
  api::Access access_;
  std::optional<api::Gate> gate_, admin_gate_;
  boost::asio::signal_set signals_, reload_signal_;
  http::Server api_server_, admin_server_;
  boost::asio::steady_timer head_timer_{io_};
  std::string head_fault_;  // the last one that was logged; "": heads are signed
  bool stopping_ = false;
  std::uint64_t failures_ = 0;  // beside those that the servers count
  bool import_failed_ = false;  // the last one
  bool tls_reload_failed_ = false;
  std::chrono::sys_seconds certificate_expires_{};
};  // namespace

}  // namespace

std::optional<Fault> tls_fault(const config::Options& options) {
  if (options.certificate_file.empty() || options.key_file.empty()) return std::nullopt;
  const auto tls = http::TlsContext::load(tls_files_of(options));
  if (tls) return std::nullopt;
  return tls.error();
}

/// What each commit group or statement needs anew, some MiB, would be mapped and unmapped each time, and its
/// pages cleared by the kernel: a tenth of the CPU under load. Both are needed: setting one of them switches
/// off that glibc adjusts the other by itself.
void keep_freed_memory() {
  constexpr int mapped_from = 32 << 20, kept = 64 << 20;  // bytes
  ::mallopt(M_MMAP_THRESHOLD, mapped_from);
  ::mallopt(M_TRIM_THRESHOLD, kept);
}

int run_daemon(const config::Options& options, const std::string& ports_file) {
  keep_freed_memory();
  const SystemClock clock;
  log::Logger logger(log::parse_level(options.log_level).value(), clock);
  ::signal(SIGPIPE, SIG_IGN);  // a peer that is gone is an error of its connection (daemon/http/channel.h)
  raise_file_limit(options, logger);
  logger.info("starting", {{"version", version_text()}, {"directory", options.directory}});
  Daemon daemon(options, logger, clock);
  if (const auto started = daemon.start(ports_file); !started) {
    logger.error("start_failed", started.error());
    return 1;
  }
  daemon.run();
  return 0;
}

}  // namespace voucherd
