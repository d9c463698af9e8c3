#include "tests/bench/driver/postgres.h"

#include <libpq-fe.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

namespace voucherd::bench {

namespace {

/// Durable on every commit, as voucherd is; else as one would tune it for a machine of its own.
const std::string settings_text =
    "synchronous_commit = on\n"
    "fsync = on\n"
    "full_page_writes = on\n"
    "shared_buffers = 4GB\n"
    "wal_buffers = 64MB\n"
    "max_wal_size = 16GB\n"
    "min_wal_size = 2GB\n"
    "wal_compression = lz4\n"
    "checkpoint_timeout = 30min\n"
    "checkpoint_completion_target = 0.9\n"
    "work_mem = 64MB\n"
    "temp_buffers = 64MB\n"
    "maintenance_work_mem = 1GB\n"
    "wal_level = minimal\n"
    "max_wal_senders = 0\n"
    "max_connections = 80\n"
    "jit = off\n"
    "huge_pages = try\n";

std::string user() { return geteuid() == 0 ? "postgres" : ""; }

/// Where Debian keeps the programs of the newest version; "" where there is none.
std::string programs() {
  std::string newest;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", none)) {
    if (std::filesystem::exists(entry.path() / "bin/postgres")) {
      newest = std::max(newest, (entry.path() / "bin").string());
    }
  }
  return newest;
}

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, Finish>;

Connection connect(const PostgresCluster& cluster) {
  Connection connection(PQconnectdb(cluster.connection().c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK) fail(PQerrorMessage(connection.get()));
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  return connection;
}

/// The first value that the statement gives; "" where it gives none.
std::string execute(PGconn* connection, const char* statement) {
  PGresult* const result = PQexec(connection, statement);
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(PQerrorMessage(connection));
  std::string value = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
  PQclear(result);
  return value;
}

}  // namespace

bool PostgresCluster::installed() { return !programs().empty(); }
const std::string& PostgresCluster::settings() { return settings_text; }

PostgresCluster::PostgresCluster(const std::string& parent_directory) : directory_(parent_directory, user()) {
  const std::string data = directory_.path() + "/data", log = directory_.path() + "/postgres.log";
  if (run_to_end(
          {{programs() + "/initdb", "-D", data, "-A", "trust", "-U", "bench", "-E", "UTF8", "--locale=C"},
           log,
           user()}) != 0) {
    fail("initdb failed:\n" + read_file(log));
  }
  std::vector<std::string> command = {programs() + "/postgres", "-D", data, "-k", directory_.path(), "-c",
                                      "listen_addresses="};
  for (std::size_t at = 0; at < settings_text.size();) {
    const std::size_t end = settings_text.find('\n', at);
    std::string setting = settings_text.substr(at, end - at);
    setting.erase(setting.find(" = "), 1);
    setting.erase(setting.find("= ") + 1, 1);
    command.insert(command.end(), {"-c", setting});
    at = end + 1;
  }
  process_ = std::make_unique<Process>(Process::Start{command, log, user()});
  while (PQping(connection().c_str()) != PQPING_OK) {
    if (!process_->running()) fail("postgres did not start:\n" + read_file(log));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

PostgresCluster::~PostgresCluster() {
  process_->signal(SIGINT);  // a fast shutdown: its memory and semaphores are given back
  process_->wait();
}

std::string PostgresCluster::connection() const {
  return "host=" + directory_.path() + " user=bench dbname=postgres";
}

std::string PostgresCluster::version() const { return execute(connect(*this).get(), "SHOW server_version"); }

void PostgresCluster::make_table() {
  const Connection connection = connect(*this);
  execute(connection.get(), "DROP TABLE IF EXISTS events");
  execute(connection.get(),
          "CREATE TABLE events (source text, id text, subject text NOT NULL, time timestamptz NOT NULL,"
          " sku text NOT NULL, quantity numeric NOT NULL, started timestamptz, ended timestamptz,"
          " project text, PRIMARY KEY (source, id))");
  execute(connection.get(), "CHECKPOINT");
}

}  // namespace voucherd::bench
