// PostgreSQL with the same events: what one would build without voucherd. A cluster of its own in a
// scratch directory, on a Unix socket, tuned for this load; three ways to put events into it.
#pragma once

#include <memory>
#include <string>

#include "tests/bench/driver/events.h"
#include "tests/bench/driver/http_client.h"
#include "tests/bench/driver/process.h"

struct pg_conn;

namespace voucherd::bench {

class PostgresCluster {
 public:
  /// Makes the cluster and starts it; as the user `postgres` where the bench runs as root, which
  /// PostgreSQL refuses to.
  explicit PostgresCluster(const std::string& parent_directory);
  ~PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  static bool installed();
  /// "name = value" lines, as set.
  static const std::string& settings();
  std::string version() const;

  /// An empty table of events, primary key (source, id).
  void make_table();
  Process& process() { return *process_; }
  /// For PQconnectdb.
  std::string connection() const;
  std::uint64_t data_bytes() const { return directory_bytes(directory_.path() + "/data"); }

 private:
  ScratchDirectory directory_;
  std::unique_ptr<Process> process_;
};

/// Each puts the events [0, count) into an empty table and fails where the table does not hold them all
/// afterwards. Figures as run_stream's; latency is that of one statement or transaction.
enum class PostgresWay {
  insert,  // 2 clients, 1,000-row INSERT … ON CONFLICT DO NOTHING
  copy,    // 2 clients, COPY of 10,000 rows to a temporary table + INSERT … ON CONFLICT DO NOTHING
  single   // 64 clients, one prepared row a transaction
};
Json run_postgres(PostgresCluster& cluster, const Events& events, PostgresWay way, std::uint64_t count);

}  // namespace voucherd::bench
