// What never changes is said once.
#include "daemon/engine/first_record.h"

#include <openssl/rand.h>

#include "metering/core/assert.h"
#include "metering/proof/payload_parts.h"

namespace voucherd {

Result<void> write_genesis(Journal& journal, const config::Options& options, Instant now) {
  Genesis genesis;
  genesis.offset = options.utc_offset;
  genesis.currency = options.currency;
  genesis.provider_name = options.provider_name;
  genesis.provider_uscc = options.provider_uscc;
  VOUCHERD_ASSERT(
      RAND_bytes(reinterpret_cast<unsigned char*>(&genesis.hash_seed), sizeof genesis.hash_seed) == 1);
  const RecordSecret secret = draw_record_secret();
  const Record record{{1, now, RecordType::genesis, genesis_version},
                      encode_genesis(genesis, bytes_of(secret))};
  return journal.append({&record, 1});
}

Result<Genesis> read_genesis(const Journal& journal) {
  auto record = journal.read(1);
  if (!record) return record.error();
  if (record->header.type != RecordType::genesis) {
    return Fault{"record_damaged",
                 "the first record of the journal is not its genesis; restore it from a backup"};
  }
  return decode_genesis(record->header.version, record->payload);
}

std::optional<Fault> compare_genesis(const Genesis& genesis, const config::Options& options) {
  const auto differs = [](const char* key, const std::string& journal, const std::string& configured) {
    return Fault{"genesis_differs",
                 std::string(key) + " is " + configured + " in the configuration and " + journal +
                     " in the journal, where it never changes: correct the configuration, or "
                     "name another data directory"};
  };
  if (genesis.provider_uscc != options.provider_uscc) {
    return differs("provider.uscc", genesis.provider_uscc, options.provider_uscc);
  }
  if (genesis.provider_name != options.provider_name) {
    return differs("provider.name", genesis.provider_name, options.provider_name);
  }
  if (genesis.offset != options.utc_offset) {
    return differs("provider.utc_offset", to_string(genesis.offset), to_string(options.utc_offset));
  }
  if (genesis.currency != options.currency) {
    return differs("provider.currency", genesis.currency, options.currency);
  }
  return std::nullopt;
}

}  // namespace voucherd
