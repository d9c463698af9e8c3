// The rows and the constraints of their values.
#include "config/rows.h"

#include <algorithm>
#include <array>

#include "config/address.h"
#include "metering/core/ids.h"

namespace voucherd::config {
namespace {

constexpr std::size_t provider_name_bytes_max = 256;
constexpr std::size_t origin_bytes_max = 128;
constexpr std::size_t letterhead_bytes_max = 256;  // of each text
constexpr std::uint64_t due_days_max = 3650;
constexpr std::size_t file_name_bytes_max = 400;  // it stands in the journal, with its digest, as who
constexpr std::uint64_t ms_min = 10, ms_max = 3'600'000;
constexpr std::uint64_t kib = 1u << 10, mib = 1u << 20, gib = 1u << 30;

std::optional<std::string> address_fault(const std::string& value) {
  if (parse_address(value)) return std::nullopt;
  return "is '" + value + "'; it must be an IP address and a port, as 127.0.0.1:8080 or [::1]:8080";
}

bool has_control_bytes(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

std::optional<std::string> key_file_fault(const std::string& value) {
  if (has_control_bytes(value)) return "has a control byte";
  return std::nullopt;
}

std::optional<std::string> origin_fault(const std::string& value) {
  const bool wrong = value.size() > origin_bytes_max || has_control_bytes(value) ||
                     value.find_first_of(" +") != std::string::npos;
  if (!wrong) return std::nullopt;
  return "is '" + value + "'; it must be a name of at most " + std::to_string(origin_bytes_max) +
         " bytes without spaces and '+', like example.com/voucherd";
}

std::optional<std::string> directory_fault(const std::string& value) {
  if (value.empty()) return "is empty; it must name a directory";
  if (has_control_bytes(value)) return "has a control byte";
  return std::nullopt;
}

std::optional<std::string> tls_file_fault(const std::string& value) {
  if (has_control_bytes(value)) return "has a control byte";
  return std::nullopt;
}

std::optional<std::string> provider_name_fault(const std::string& value) {
  if (value.empty()) return "is empty; it must be the provider's name as on the business licence";
  if (value.size() > provider_name_bytes_max) {
    return "has " + std::to_string(value.size()) + " bytes; at most " +
           std::to_string(provider_name_bytes_max) + " are allowed";
  }
  if (has_control_bytes(value)) return "has a control byte";
  return std::nullopt;
}

std::optional<std::string> letterhead_fault(const std::string& value) {
  if (value.size() > letterhead_bytes_max) {
    return "has " + std::to_string(value.size()) + " bytes; at most " + std::to_string(letterhead_bytes_max) +
           " are allowed";
  }
  if (has_control_bytes(value)) return "has a control byte";
  return std::nullopt;
}

std::optional<std::string> uscc_fault(const std::string& value) {
  if (const auto checked = check_uscc(value); !checked) {
    return "is '" + value + "', which is no 统一社会信用代码: " + checked.error().detail;
  }
  return std::nullopt;
}

std::optional<std::string> currency_fault(const std::string& value) {
  if (value != "CNY") return "is '" + value + "'; amounts are counted in 分, so only \"CNY\" is known";
  return std::nullopt;
}

std::optional<std::string> log_level_fault(const std::string& value) {
  constexpr std::array<std::string_view, 4> levels = {"debug", "info", "warn", "error"};
  if (std::find(levels.begin(), levels.end(), value) != levels.end()) return std::nullopt;
  return "is '" + value + "'; it must be \"debug\", \"info\", \"warn\" or \"error\"";
}

std::optional<std::string> file_fault(const std::string& value) {
  if (value.empty()) return "has an empty name; it must name files and folders";
  if (value.size() > file_name_bytes_max) {
    return "names a file with " + std::to_string(value.size()) + " bytes; at most " +
           std::to_string(file_name_bytes_max) + " are allowed";
  }
  if (has_control_bytes(value)) return "names a file with a control byte";
  return std::nullopt;
}

std::optional<std::string> optional_file_fault(const std::string& value) {
  if (value.empty()) return std::nullopt;
  return file_fault(value);
}

const auto table = std::to_array<Row>({
    {"listen", "api", TextField{&Options::api, address_fault},
     "address:port of the API; port 0 takes any free one. Beyond loopback only with TLS and access.required.",
     "接口监听的 地址:端口；端口 0 取任一空闲端口。非本机地址必须同时启用 TLS 和 access.required。"},
    {"listen", "admin", TextField{&Options::admin, address_fault},
     "address:port of /metrics, /healthz and /readyz. Beyond loopback as above.",
     "/metrics、/healthz、/readyz 监听的 地址:端口；非本机地址要求同上。"},

    {"tls", "certificate_file", TextField{&Options::certificate_file, tls_file_fault},
     "The server's certificate and its chain, PEM. With tls.key_file: both listeners speak TLS 1.3 and "
     "nothing else. All of [tls] is read again on SIGHUP; on a fault the old ones stay. "
     "\"$CREDENTIALS_DIRECTORY/NAME\" names a systemd credential, here and in the keys below.",
     "服务器证书及证书链（PEM）。与 tls.key_file 一起设置后，两个监听端口只接受 TLS 1.3。收到 SIGHUP "
     "时重新读取 [tls] 各文件，有错则沿用旧的。\"$CREDENTIALS_DIRECTORY/名称\" 指 systemd 凭据，下同。"},
    {"tls", "key_file", TextField{&Options::key_file, tls_file_fault},
     "The certificate's private key, PEM, without a passphrase. Owned by root or the daemon's user and "
     "readable by nobody else; root's may be readable by a group.",
     "证书的私钥（PEM，不加口令）。属主须为 root 或守护进程的用户，其他人不可读；属主为 root "
     "时可允许一个组读取。"},
    {"tls", "client_ca_file", TextField{&Options::client_ca_file, tls_file_fault},
     "Certificates of the authorities whose client certificates are accepted, PEM. Empty: clients are not "
     "asked for one.",
     "签发客户端证书的机构的证书（PEM）。留空则不要求客户端出示证书。"},
    {"tls", "require_client_certificate", FlagField{&Options::require_client_certificate},
     "Whether clients without a certificate are turned away.", "是否拒绝没有证书的客户端。"},

    {"data", "directory", TextField{&Options::directory, directory_fault},
     "Where the journal and its checkpoints live; created where absent. One daemon at a time.",
     "日志和检查点所在目录，不存在则创建；同一时间只能有一个守护进程使用。"},
    {"data", "checkpoint_every_events", NumberField{&Options::checkpoint_every_events, 1, 1'000'000'000'000},
     "Events between checkpoints. More: less writing, a longer start after a crash.",
     "每隔多少条事件存一次检查点。越大写入越少，崩溃后启动越久。"},
    {"data", "checkpoint_every_records", NumberField{&Options::checkpoint_every_records, 1, 1'000'000'000},
     "Journal records between checkpoints, where they hold few events each.",
     "每隔多少条日志记录存一次检查点（记录中事件很少时起作用）。"},
    {"data", "checkpoint_cpu_percent", NumberField{&Options::checkpoint_cpu_percent, 1, 100},
     "Checkpoints take at most this share of the daemon's processor time: those of a large state are rarer. "
     "100: no limit.",
     "检查点最多占用守护进程处理器时间的百分比：状态越大，检查点越稀。100 表示不限。"},

    {"provider", "name", TextField{&Options::provider_name, provider_name_fault},
     "The computing centre's name, as on its business licence. Fixed when the journal is created, like all "
     "of "
     "[provider]: a difference later is refused at start.",
     "智算中心名称，与营业执照一致。[provider] 各项在创建日志时固定，以后不一致则拒绝启动。"},
    {"provider", "uscc", TextField{&Options::provider_uscc, uscc_fault}, "The centre's 统一社会信用代码.",
     "智算中心的统一社会信用代码。"},
    {"provider", "utc_offset", OffsetField{&Options::utc_offset},
     "Offset from UTC of days, months and years, whatever the host's time zone.",
     "日、月、年所依的 UTC 时差，与主机时区无关。"},
    {"provider", "currency", TextField{&Options::currency, currency_fault}, "Currency of prices and amounts.",
     "价格与金额的币种。"},

    {"audit", "signing_key_file", TextField{&Options::signing_key_file, key_file_fault},
     "PEM file with the Ed25519 key that signs the journal's tree; only the daemon's user may read it. "
     "Empty: "
     "proof/signing-key.pem in the data directory, made at the first start. Keep a copy elsewhere; auditors "
     "need "
     "GET /v1/audit/key.",
     "签署日志树所用 Ed25519 私钥的 PEM 文件，只允许守护进程的用户读取。留空则为数据目录下的 "
     "proof/signing-key.pem，首次启动时生成。请另存一份；审计方需要的是 GET /v1/audit/key。"},
    {"audit", "origin", TextField{&Options::audit_origin, origin_fault},
     "The name under which the tree is signed: one of the centre's own, without spaces and '+', like "
     "example.com/voucherd. Empty: voucherd/ and provider.uscc. A change is refused at start while there is "
     "a "
     "signed head.",
     "签署日志树所用的名称，应为本中心独有，不含空格和“+”，如 example.com/voucherd。留空则为 voucherd/ 加 "
     "provider.uscc。已有签名后再改动则拒绝启动。"},

    {"facts", "files", TextsField{&Options::fact_files, file_fault},
     "Files of facts, or folders with them: firms, SKUs, price books, contracts, policies. Read at start and "
     "on SIGHUP; what changed since the last import of a file is taken in as one record, or nothing is. "
     "Layout: billing/README.md.",
     "档案文件或其所在文件夹：企业、资源、价目、合同、政策。启动时和收到 SIGHUP "
     "时读取；文件自上次导入后的变化"
     "作为一条记录整体生效，有错则一概不生效。格式见 billing/README.md。"},

    {"documents", "font", TextField{&Options::document_font, letterhead_fault},
     "Font family of Chinese in PDFs (Debian: fonts-noto-cjk). One that is not installed is refused at "
     "start; "
     "empty: there are no PDFs.",
     "PDF 所用的中文字体族（Debian 软件包 fonts-noto-cjk）；未安装则拒绝启动，留空则不提供 PDF。"},
    {"documents", "latin_font", TextField{&Options::latin_font, letterhead_fault},
     "Font family of letters and digits in PDFs. Another one than documents.font, though it may look the "
     "same, "
     "keeps the files small.",
     "PDF 所用的西文字体族；与 documents.font 取不同的字体族（外观可以相同），生成的文件才小。"},
    {"documents", "address", TextField{&Options::address, letterhead_fault},
     "The centre's address, as it stands on documents. The texts and due_days may change at any time: a "
     "change is recorded at the next start, and a closed statement's documents keep those of its close.",
     "单据上的地址。以下各项及付款天数可随时修改，下次启动时记入账簿；已结账单的单据保持结账时的内容。"},
    {"documents", "telephone", TextField{&Options::telephone, letterhead_fault}, "Telephone on documents.",
     "单据上的电话。"},
    {"documents", "bank_name", TextField{&Options::bank_name, letterhead_fault},
     "The bank that firms pay to.", "收款开户银行。"},
    {"documents", "bank_account", TextField{&Options::bank_account, letterhead_fault},
     "The account that firms pay to.", "收款银行账号。"},
    {"documents", "prepared_by", TextField{&Options::prepared_by, letterhead_fault},
     "What stands under 制单; empty: signed by hand.", "“制单”栏的内容；留空由经办人签字。"},
    {"documents", "reviewed_by", TextField{&Options::reviewed_by, letterhead_fault},
     "What stands under 复核; empty: signed by hand.", "“复核”栏的内容；留空由复核人签字。"},
    {"documents", "approved_by", TextField{&Options::approved_by, letterhead_fault},
     "What stands under 批准; empty: signed by hand.", "“批准”栏的内容；留空由批准人签字。"},
    {"documents", "due_days", NumberField{&Options::due_days, 0, due_days_max},
     "Days from the day of a month's close to the due date of its statements.",
     "自结账之日起至付款期限的天数。"},

    {"access", "required", FlagField{&Options::access_required},
     "Whether every request must show a token, or a certificate that is bound to a role. false: who shows "
     "nothing "
     "may do everything, which is for loopback only.",
     "每个请求是否必须出示令牌或已绑定角色的证书。false：不出示者可做一切，仅适用于本机地址。"},
    {"access", "bootstrap_token_file", TextField{&Options::bootstrap_token_file, optional_file_fault},
     "File with the id and the SHA-256 of an admin's token, who makes all others: `voucherctl token "
     "bootstrap` "
     "writes it. Only its owner may be able to read it; $CREDENTIALS_DIRECTORY/NAME is a systemd credential. "
     "Read at "
     "start and on SIGHUP; empty: there is none.",
     "管理员令牌的编号与 SHA-256 所在文件，由其签发其他令牌；用 `voucherctl token bootstrap` "
     "生成。只有属主可读；"
     "$CREDENTIALS_DIRECTORY/名称 指 systemd 凭据。启动时和收到 SIGHUP 时读取，留空则没有。"},
    {"access", "log_directory", TextField{&Options::access_log_directory, optional_file_fault},
     "Where the access log's files are; empty: the folder access-log in data.directory.",
     "访问日志所在目录；留空为 data.directory 下的 access-log。"},
    {"access", "log_retention_days", NumberField{&Options::access_log_retention_days, 180, 36'500},
     "Days that the access log's files are kept; then they are deleted.",
     "访问日志文件保留的天数，之后删除。"},
    {"access", "token_connections_max", NumberField{&Options::token_connections_max, 1, 100'000},
     "Open connections of one listener that show one token; beyond: 429.",
     "每个监听端口上出示同一令牌的连接数上限；超过返回 429。"},
    {"access", "token_requests_per_second", NumberField{&Options::token_requests_per_second, 0, 1'000'000},
     "Requests of one token a second, on average; beyond: 429 with Retry-After. 0: any number.",
     "单个令牌平均每秒的请求数上限；超过返回 429 和 Retry-After。0 表示不限。"},
    {"access", "token_requests_burst", NumberField{&Options::token_requests_burst, 1, 1'000'000},
     "Requests of one token that may come at once.", "单个令牌可一次到达的请求数。"},

    {"limits", "body_bytes_max", NumberField{&Options::body_bytes_max, kib, gib},
     "Bytes of one request's body; beyond: 413.", "单个请求正文的字节数上限；超过返回 413。"},
    {"limits", "header_bytes_max", NumberField{&Options::header_bytes_max, kib, 64 * kib},
     "Bytes of a request's line and header; beyond: 431.", "请求行和请求头的字节数上限；超过返回 431。"},
    {"limits", "chunk_framing_bytes_max", NumberField{&Options::chunk_framing_bytes_max, kib, gib},
     "Bytes of sizes, extensions and line ends of a body in chunks; beyond: 400. On the wire a request has "
     "at most header_bytes_max, body_bytes_max and this.",
     "分块正文中块长、扩展和换行的字节数上限；超过返回 400。一个请求在线路上至多为 header_bytes_max、"
     "body_bytes_max 与此三者之和。"},
    {"limits", "connections_max", NumberField{&Options::connections_max, 1, 100'000},
     "Open connections of one listener; beyond: 503.", "每个监听端口的连接数上限；超过返回 503。"},
    {"limits", "connections_per_address_max", NumberField{&Options::connections_per_address_max, 1, 100'000},
     "Of them, from one address (IPv6: one /64); beyond: 503.",
     "其中来自同一地址（IPv6 为同一 /64）的上限；超过返回 503。"},
    {"limits", "requests_per_second", NumberField{&Options::requests_per_second, 0, 1'000'000},
     "Requests and new connections a second of one address, on average; beyond: 429 with Retry-After. 0: "
     "any number.",
     "同一地址平均每秒的请求与新连接数；超过返回 429 和 Retry-After。0 表示不限。"},
    {"limits", "requests_burst", NumberField{&Options::requests_burst, 1, 1'000'000},
     "Requests and new connections of one address that may come at once.",
     "同一地址可一次到达的请求与新连接数。"},
    {"limits", "received_bytes_max", NumberField{&Options::received_bytes_max, 1'024, 1'000'000'000'000},
     "Bytes of all bodies that are being received together, at least body_bytes_max; beyond: 503. As many of "
     "answers that wait for their readers; beyond: the connection is cut.",
     "所有正在接收的请求体合计的字节数上限，不小于 body_bytes_max；超过返回 503。"
     "等待客户端读取的应答合计也以此为限；超过则断开连接。"},
    {"limits", "queue_bytes_max", NumberField{&Options::queue_bytes_max, kib, 64 * gib},
     "Bytes of memory of batches that wait for the journal (decoded: about twice their text); beyond: 503. "
     "At least body_bytes_max.",
     "等待写入日志的批次占用内存的字节数上限（解码后约为原文的两倍）；超过返回 503。不小于 body_bytes_max。"},
    {"limits", "group_events_max", NumberField{&Options::group_events_max, 1, 1'000'000},
     "Events of one commit group (one journal record, one fsync).",
     "一个提交组（一条日志记录、一次落盘）的事件数上限。"},
    {"limits", "handshakes_per_second", NumberField{&Options::handshakes_per_second, 0, 1'000'000},
     "TLS handshakes a second of one address, on average: each costs the thread that answers everybody 0.4 "
     "ms "
     "with a P-256 key, 0.7 with RSA-2048, 4.5 with RSA-4096. Beyond: the connection is closed, and "
     "voucherd_handshakes_refused_total counts it. 0: any number.",
     "同一地址平均每秒的 TLS 握手数：每次握手占用应答线程约 0.4 毫秒（P-256 密钥）、0.7 毫秒（RSA-2048）或 "
     "4.5 "
     "毫秒（RSA-4096）。超过则关闭连接，并计入 voucherd_handshakes_refused_total。0 表示不限。"},
    {"limits", "handshakes_burst", NumberField{&Options::handshakes_burst, 1, 1'000'000},
     "TLS handshakes of one address that may come at once.", "同一地址可一次到达的 TLS 握手数。"},
    {"limits", "handshake_timeout_ms", NumberField{&Options::handshake_timeout_ms, ms_min, ms_max},
     "Milliseconds for TLS's handshake; then the connection is closed.", "TLS 握手的毫秒数，之后关闭连接。"},
    {"limits", "header_timeout_ms", NumberField{&Options::header_timeout_ms, ms_min, ms_max},
     "Milliseconds for a request's header, from its first byte; beyond: 408.",
     "自首字节起接收请求头的毫秒数；超过返回 408。"},
    {"limits", "body_timeout_ms", NumberField{&Options::body_timeout_ms, ms_min, ms_max},
     "Milliseconds for a request's body; beyond: 408.", "接收请求正文的毫秒数；超过返回 408。"},
    {"limits", "transfer_bytes_per_second_min", NumberField{&Options::transfer_bytes_per_second_min, 0, gib},
     "Bytes a second that a body must come with and an answer be read with, on average after "
     "transfer_grace_ms. Slower: 408; an answer: the connection is cut. 0: any rate.",
     "宽限期 transfer_grace_ms 之后，接收正文和对方读取应答的平均速率下限（字节/秒）。正文过慢返回 408，"
     "应答过慢则断开连接。0 表示不限。"},
    {"limits", "transfer_grace_ms", NumberField{&Options::transfer_grace_ms, ms_min, ms_max},
     "Milliseconds before the rate counts.", "开始计算速率之前的毫秒数。"},
    {"limits", "idle_timeout_ms", NumberField{&Options::idle_timeout_ms, ms_min, ms_max},
     "Milliseconds without a request, or without progress of an answer; then the connection is closed.",
     "没有请求、或应答没有进展的毫秒数，之后关闭连接。"},
    {"limits", "refused_idle_timeout_ms", NumberField{&Options::refused_idle_timeout_ms, ms_min, ms_max},
     "The same where the last request was refused with 401 or 403.",
     "上一个请求被以 401 或 403 拒绝时，代替 idle_timeout_ms。"},
    {"limits", "drain_timeout_ms", NumberField{&Options::drain_timeout_ms, ms_min, ms_max},
     "Milliseconds that answers owed at SIGTERM may take; then their connections are cut.",
     "收到 SIGTERM 后发完在途应答的毫秒数，之后切断连接。"},

    {"memory", "block_cache_bytes", NumberField{&Options::block_cache_bytes, mib, 1024 * gib},
     "Bytes of RocksDB's block cache.", "RocksDB 块缓存的字节数。"},
    {"memory", "event_cache_bytes", NumberField{&Options::event_cache_bytes, mib, 1024 * gib},
     "Bytes of decoded usage records kept for duplicates and look-ups.",
     "为查重和查询保留的已解码用量记录的字节数。"},
    {"memory", "identity_bytes_max", NumberField{&Options::identity_bytes_max, 64 * mib, 1024 * gib},
     "Bytes of memory for known identities: about 11 bytes each, up to eleven sixteenths of this; beyond, "
     "they "
     "are kept on disk, as exact and slower. Taken as it is needed.",
     "已知事件标识占用内存的字节数：每个约 11 "
     "字节，用到十六分之十一为止；超出的标识存于磁盘，同样精确，只是较慢。"
     "按需占用。"},

    {"log", "level", TextField{&Options::log_level, log_level_fault},
     "Least severe lines that are written to stderr: debug, info, warn or error.",
     "写到 stderr 的最低级别：debug、info、warn 或 error。"},
});

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::span<const Row> rows() { return table; }

std::string name_of(const Row& row) { return std::string(row.section) + "." + std::string(row.key); }

std::optional<std::string> fault_of(const Row& row, const Options& options) {
  if (const auto* text = std::get_if<TextField>(&row.field)) return text->check(options.*text->member);
  if (const auto* texts = std::get_if<TextsField>(&row.field)) {
    for (const std::string& each : options.*texts->member) {
      if (auto wrong = texts->check(each)) return wrong;
    }
  }
  if (const auto* number = std::get_if<NumberField>(&row.field)) {
    const std::uint64_t value = options.*number->member;
    if (value < number->min || value > number->max) {
      return "is " + std::to_string(value) + "; it must be " + expectation(row);
    }
  }
  return std::nullopt;
}

std::string toml_value(const Row& row, const Options& options) {
  if (const auto* text = std::get_if<TextField>(&row.field)) return quoted(options.*text->member);
  if (const auto* texts = std::get_if<TextsField>(&row.field)) {
    std::string list;
    for (const std::string& each : options.*texts->member) list += (list.empty() ? "" : ", ") + quoted(each);
    return "[" + list + "]";
  }
  if (const auto* number = std::get_if<NumberField>(&row.field))
    return std::to_string(options.*number->member);
  if (const auto* flag = std::get_if<FlagField>(&row.field)) return options.*flag->member ? "true" : "false";
  return quoted(to_string(options.*std::get<OffsetField>(row.field).member));
}

std::string expectation(const Row& row) {
  if (const auto* number = std::get_if<NumberField>(&row.field)) {
    return "a whole number from " + std::to_string(number->min) + " to " + std::to_string(number->max);
  }
  if (std::holds_alternative<TextsField>(row.field)) return "a list of texts, as [\"a\", \"b\"]";
  if (std::holds_alternative<FlagField>(row.field)) return "true or false";
  if (std::holds_alternative<OffsetField>(row.field)) return "an offset from UTC in quotes, as \"+08:00\"";
  return "a text in quotes";
}

}  // namespace voucherd::config
