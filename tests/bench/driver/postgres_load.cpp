// The three ways to put events into PostgreSQL, each as its drivers do it: SQL text of many rows, COPY, and
// a prepared statement. The load of many clients runs in one thread, so that it takes little CPU.
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "tests/bench/driver/load_loop.h"
#include "tests/bench/driver/postgres.h"

namespace voucherd::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t insert_rows = 1000, copy_rows = 10'000;
constexpr int batch_clients = 2, single_clients = 64;
constexpr int columns = 9;

struct Session {
  explicit Session(const PostgresCluster& cluster) : connection(PQconnectdb(cluster.connection().c_str())) {
    if (PQstatus(connection) != CONNECTION_OK) fail(PQerrorMessage(connection));
  }
  ~Session() { PQfinish(connection); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void expect(PGresult* result, ExecStatusType status) const {
    if (PQresultStatus(result) != status) fail(PQerrorMessage(connection));
    PQclear(result);
  }
  void execute(const char* statement) const { expect(PQexec(connection, statement), PGRES_COMMAND_OK); }

  PGconn* connection;
};

/// The events of [first, first + count) in a form, one after another.
std::string rows(const Events& events, const EventForm& form, EventNumber first, std::uint64_t count) {
  std::string text(form.size() * count, '\0');
  for (std::uint64_t i = 0; i < count; ++i) events.write(form, first + i, text.data() + i * form.size());
  return text;
}

void insert_batch(const Session& session, const Events& events, EventNumber first, std::uint64_t count) {
  static const EventForm form(
      "('/centre/rongzhi/"
      "slurm-<source>','<id>','<subject>','<day>T<next_hour>:00:00+08:00','gpu.model-<sku>',"
      "<quantity>,'<day>T<hour>:00:00+08:00','<day>T<next_hour>:00:00+08:00','<project>'),");
  std::string statement = "INSERT INTO events VALUES " + rows(events, form, first, count);
  statement.pop_back();
  session.execute((statement + " ON CONFLICT DO NOTHING").c_str());
}

void copy_batch(const Session& session, const Events& events, EventNumber first, std::uint64_t count) {
  static const EventForm form(
      "/centre/rongzhi/slurm-<source>\t<id>\t<subject>\t<day>T<next_hour>:00:00+08:00\tgpu.model-<sku>\t"
      "<quantity>\t<day>T<hour>:00:00+08:00\t<day>T<next_hour>:00:00+08:00\t<project>\n");
  const std::string text = rows(events, form, first, count);
  session.execute("BEGIN");
  session.expect(PQexec(session.connection, "COPY incoming FROM STDIN"), PGRES_COPY_IN);
  if (PQputCopyData(session.connection, text.data(), static_cast<int>(text.size())) != 1 ||
      PQputCopyEnd(session.connection, nullptr) != 1) {
    fail(PQerrorMessage(session.connection));
  }
  session.expect(PQgetResult(session.connection), PGRES_COMMAND_OK);
  while (PGresult* const rest = PQgetResult(session.connection)) PQclear(rest);
  session.execute("INSERT INTO events SELECT * FROM incoming ON CONFLICT DO NOTHING");
  session.execute("COMMIT");  // empties the temporary table
}

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::vector<float> run_batches(const PostgresCluster& cluster, const Events& events, bool copy,
                               std::uint64_t count) {
  const std::uint64_t batch = copy ? copy_rows : insert_rows;
  std::atomic<std::uint64_t> next{0};
  std::mutex mutex;
  std::vector<float> latency_ms;
  const auto client = [&] {
    const Session session(cluster);
    if (copy) session.execute("CREATE TEMP TABLE incoming (LIKE events) ON COMMIT DELETE ROWS");
    for (EventNumber first; (first = next.fetch_add(batch)) < count;) {
      const auto start = Clock::now();
      (copy ? copy_batch : insert_batch)(session, events, first, std::min(batch, count - first));
      const std::lock_guard lock(mutex);
      latency_ms.push_back(static_cast<float>(milliseconds_since(start)));
    }
  };
  std::vector<std::thread> clients;
  for (int i = 0; i < batch_clients; ++i) clients.emplace_back(client);
  for (auto& thread : clients) thread.join();
  return latency_ms;
}

/// One prepared row, under way on a connection.
class SingleClient {
 public:
  explicit SingleClient(const PostgresCluster& cluster) : session_(cluster) {
    session_.expect(PQprepare(session_.connection, "put",
                              "INSERT INTO events VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9) ON CONFLICT DO NOTHING",
                              columns, nullptr),
                    PGRES_COMMAND_OK);
  }
  int socket() const { return PQsocket(session_.connection); }

  void send(const Events& events, EventNumber number) {
    static const std::string pattern = [] {
      std::string text =
          "/centre/rongzhi/slurm-<source>\t<id>\t<subject>\t<day>T<next_hour>:00:00+08:00\tgpu.model-<sku>\t"
          "<quantity>\t<day>T<hour>:00:00+08:00\t<day>T<next_hour>:00:00+08:00\t<project>\t";
      std::replace(text.begin(), text.end(), '\t', '\0');
      return text;
    }();
    static const EventForm form(pattern);
    const std::string row = events.text(form, number);
    std::array<const char*, columns> values{};
    const char* at = row.data();
    for (const char*& value : values) {
      value = at;
      at += std::strlen(at) + 1;
    }
    start_ = Clock::now();
    if (PQsendQueryPrepared(session_.connection, "put", columns, values.data(), nullptr, nullptr, 0) != 1) {
      fail(PQerrorMessage(session_.connection));
    }
  }
  /// Reads what is there; the milliseconds that the row took, once it is committed.
  std::optional<double> receive() {
    if (PQconsumeInput(session_.connection) != 1) fail(PQerrorMessage(session_.connection));
    while (PQisBusy(session_.connection) == 0) {
      PGresult* const result = PQgetResult(session_.connection);
      if (result == nullptr) return milliseconds_since(start_);
      session_.expect(result, PGRES_COMMAND_OK);
    }
    return std::nullopt;
  }

 private:
  Session session_;
  Clock::time_point start_;
};

std::vector<float> run_single(const PostgresCluster& cluster, const Events& events, std::uint64_t count) {
  std::vector<std::unique_ptr<SingleClient>> clients;
  std::vector<pollfd> polled;
  EventNumber next = 0;
  for (int i = 0; i < single_clients; ++i) {
    clients.push_back(std::make_unique<SingleClient>(cluster));
    polled.push_back({clients.back()->socket(), POLLIN, 0});
  }
  for (const auto& client : clients) {
    if (next < count) client->send(events, next++);
  }
  std::vector<float> latency_ms;
  while (latency_ms.size() < count) {
    poll(polled.data(), polled.size(), -1);
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      if (const auto ms = clients[i]->receive()) {
        latency_ms.push_back(static_cast<float>(*ms));
        if (next < count) clients[i]->send(events, next++);
      }
    }
  }
  return latency_ms;
}

void check_count(const PostgresCluster& cluster, std::uint64_t count) {
  const Session session(cluster);
  PGresult* const result = PQexec(session.connection, "SELECT count(*) FROM events");
  if (PQntuples(result) != 1 || PQgetvalue(result, 0, 0) != std::to_string(count)) {
    fail("PostgreSQL does not hold the events that it acknowledged");
  }
  PQclear(result);
}

}  // namespace

Json run_postgres(PostgresCluster& cluster, const Events& events, PostgresWay way, std::uint64_t count) {
  cluster.make_table();
  const double cpu_before = cluster.process().tree_cpu_seconds(), client_before = own_cpu_seconds();
  const auto start = Clock::now();
  const std::vector<float> latency_ms = way == PostgresWay::single
                                            ? run_single(cluster, events, count)
                                            : run_batches(cluster, events, way == PostgresWay::copy, count);
  const double seconds = milliseconds_since(start) / 1e3;
  const double client = own_cpu_seconds() - client_before;
  // A backend that has ended is counted once its parent has noticed.
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double cpu = cluster.process().tree_cpu_seconds() - cpu_before;
  check_count(cluster, count);
  const auto events_count = static_cast<double>(count);
  return {{"events", count},
          {"events_per_second", events_count / seconds},
          {"server_cpu_s_per_million", cpu / events_count * 1e6},
          {"client_cpu_s_per_million", client / events_count * 1e6},
          {"ack_ms_p50", quantile(latency_ms, 0.5)},
          {"ack_ms_p99", quantile(latency_ms, 0.99)},
          {"disk_bytes_per_event", static_cast<double>(cluster.data_bytes()) / events_count}};
}

}  // namespace voucherd::bench
