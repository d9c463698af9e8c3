// What the daemon can be told: plain structs with defaults. config/table.h maps TOML keys onto
// them; nothing else reads configuration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "metering/core/time.h"

namespace voucherd::config {

struct Options {
  // [listen]
  std::string api = "127.0.0.1:8080";    // address:port of the API; port 0: any free one
  std::string admin = "127.0.0.1:9464";  // of /metrics, /healthz, /readyz
  // [tls]: on both listeners where there is a certificate
  std::string certificate_file, key_file;  // PEM; empty: no TLS
  std::string client_ca_file;              // empty: clients are not asked for certificates
  bool require_client_certificate = false;
  // [data]
  std::string directory = "./voucherd-data";
  std::uint64_t checkpoint_every_events = 1'000'000;
  std::uint64_t checkpoint_every_records = 10'000;
  std::uint64_t checkpoint_cpu_percent = 4;  // of the daemon's processor time
  // [provider]: fixed in the genesis record; a difference later is refused at start
  std::string provider_name = "示例智算中心";
  std::string provider_uscc = "91500000MA5U00000W";
  UtcOffset utc_offset{480};
  std::string currency = "CNY";
  // [audit]: the signature of the journal's tree
  std::string
      signing_key_file;      // empty: proof/signing-key.pem in the data directory, made at the first start
  std::string audit_origin;  // empty: "voucherd/" and the provider's code
  // [facts]
  std::vector<std::string> fact_files;  // files or folders of facts, read at start and on SIGHUP
  // [documents]: what a statement's XLSX and PDF say beside its figures; empty texts are left out
  std::string document_font = "Noto Sans CJK SC";  // of Chinese in PDFs; empty: there are none
  std::string latin_font = "Noto Sans CJK JP";     // of letters and digits in PDFs
  std::string address, telephone, bank_name, bank_account;
  std::string prepared_by, reviewed_by, approved_by;  // empty: signed by hand
  std::uint64_t due_days = 30;                        // from the day of the close to the due date
  // [access]
  bool access_required = false;      // false: whoever reaches the API may do everything
  std::string bootstrap_token_file;  // the admin's who makes the first tokens; "": there is none
  std::string access_log_directory;  // "": <directory>/access-log
  std::uint64_t access_log_retention_days = 180;
  std::uint64_t token_connections_max = 256;
  std::uint64_t token_requests_per_second = 1'000;  // 0: no limit
  std::uint64_t token_requests_burst = 2'000;
  // [limits]
  std::uint64_t body_bytes_max = 16u << 20;
  std::uint64_t header_bytes_max = 16u << 10;
  std::uint64_t chunk_framing_bytes_max = 1u << 20;
  std::uint64_t connections_max = 1024;
  std::uint64_t connections_per_address_max = 512;
  std::uint64_t requests_per_second = 0;  // of one address; 0: any number
  std::uint64_t requests_burst = 1000;
  std::uint64_t received_bytes_max = 256u << 20;
  std::uint64_t queue_bytes_max = 64u << 20;
  std::uint64_t group_events_max = 65'536;
  std::uint64_t handshakes_per_second = 50;  // of one address; 0: any number
  std::uint64_t handshakes_burst = 512;
  std::uint64_t handshake_timeout_ms = 10'000;
  std::uint64_t header_timeout_ms = 10'000;
  std::uint64_t body_timeout_ms = 60'000;
  std::uint64_t transfer_bytes_per_second_min = 1'024;  // of bodies and answers
  std::uint64_t transfer_grace_ms = 10'000;
  std::uint64_t idle_timeout_ms = 120'000;
  std::uint64_t refused_idle_timeout_ms = 5'000;  // after 401 and 403
  std::uint64_t drain_timeout_ms = 30'000;        // SIGTERM: then connections are cut
  // [memory]
  std::uint64_t block_cache_bytes = 64u << 20;    // RocksDB's
  std::uint64_t write_buffer_bytes = 64u << 20;   // RocksDB's; without a key: tests make it small
  std::uint64_t event_cache_bytes = 128u << 20;   // decoded usage records
  std::uint64_t identity_bytes_max = 4ull << 30;  // known identities; beyond, they are on disk
  // [log]
  std::string log_level = "info";  // debug, info, warn, error
};

}  // namespace voucherd::config
