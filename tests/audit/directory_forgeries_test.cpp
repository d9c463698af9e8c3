// What a forger can make of a data directory. Without the key every change is refused, or the records are the
// very same (dead bytes), and the check says so by their root. VOUCHERD_AUDIT_DIRECTORIES: how many; a
// failure prints its seed (VOUCHERD_AUDIT_SEED begins elsewhere).
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "daemon/audit/directory_check.h"
#include "metering/journal/database_key.h"
#include "metering/proof/payload_parts.h"
#include "metering/proof/signing_key.h"
#include "metering/proof/tree.h"
#include "tests/simulation/history.h"

namespace voucherd::simulation {
namespace {

namespace fs = std::filesystem;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread starts
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return std::move(bytes).str();
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// A directory in which something is closed, stopped in an orderly way; and the key of its heads.
class Original {
 public:
  explicit Original(std::uint64_t seed) : history_(seed, {}) {
    history_.run();
    history_.program().restart(false);
    key_ = history_.program().engine().heads().verifier();
    history_.program().stop();
    report_ = verify_directory(directory(), *key_).value();
  }
  const std::string& directory() { return history_.program().directory(); }
  const VerifierKey& key() const { return *key_; }
  const DirectoryReport& report() const { return report_; }

 private:
  History history_;
  std::optional<VerifierKey> key_;
  DirectoryReport report_;
};

std::vector<fs::path> files_in(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// Changes of files ----------------------------------------------------------------------------------------

std::string change_bytes(const fs::path& file, Dice& dice) {
  std::string bytes = read_file(file);
  const auto size = static_cast<std::int64_t>(bytes.size());
  const auto some = [&] {
    return static_cast<std::size_t>(dice.between(0, std::max<std::int64_t>(0, size - 1)));
  };
  const int what = bytes.empty() ? 4 : dice.roll(0, 6);
  switch (what) {
    case 0:
    case 1: {
      char& byte = bytes[some()];
      byte = static_cast<char>(byte ^ (1 << dice.roll(0, 7)));
      write_file(file, bytes);
      return "a bit flipped";
    }
    case 2: {
      const std::size_t at = some();
      for (std::size_t i = at; i < std::min(bytes.size(), at + 64); ++i)
        bytes[i] = static_cast<char>(dice.roll(-128, 127));
      write_file(file, bytes);
      return "64 bytes overwritten";
    }
    case 3:
      write_file(file, bytes.substr(0, some()));
      return "cut";
    case 4:
      write_file(file, bytes + std::string(static_cast<std::size_t>(dice.roll(1, 100)), 'x'));
      return "made longer";
    case 5: {
      const std::size_t at = some();
      write_file(file, bytes.substr(0, at) + bytes.substr(std::min(bytes.size(), at + 100)));
      return "100 bytes taken out";
    }
    default:
      fs::remove(file);
      return "removed";
  }
}

std::string change_files(const fs::path& directory, Dice& dice) {
  const auto files = files_in(directory);
  const fs::path file = dice.pick(files);
  if (dice.percent(5)) {
    const fs::path other = dice.pick(files);
    const std::string bytes = read_file(file);
    write_file(file, read_file(other));
    write_file(other, bytes);
    return file.filename().string() + " and " + other.filename().string() + " swapped";
  }
  return file.filename().string() + ": " + change_bytes(file, dice);
}

// Changes of records, with their checksums put right
// ---------------------------------------------------------

class Database {
 public:
  explicit Database(const fs::path& directory) {
    rocksdb::Options options;
    rocksdb::DB* opened = nullptr;
    const auto status = rocksdb::DB::Open(options, (directory / "database").string(), &opened);
    if (!status.ok()) throw Mismatch(status.ToString());
    db_.reset(opened);
  }
  Record read(Position position) {
    std::string bytes;
    if (!db_->Get({}, key_of_position(position), &bytes).ok()) throw Mismatch("no record");
    return decode_record(bytes).value();
  }
  void write(const Record& record) {
    rocksdb::WriteOptions options;
    options.sync = true;
    if (!db_->Put(options, key_of_position(record.header.position),
                  encode_record(record.header, record.payload))
             .ok())
      throw Mismatch("can't write");
  }
  void remove(Position position) {
    if (!db_->Delete({}, key_of_position(position)).ok()) throw Mismatch("can't remove");
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
};

/// Another digit somewhere in the text of a payload: an amount, a date, a price.
void change_digit(std::string& payload, Dice& dice) {
  std::vector<std::size_t> digits;
  for (std::size_t i = 32; i < payload.size(); ++i)
    if (payload[i] >= '0' && payload[i] <= '9') digits.push_back(i);
  if (digits.empty()) return;
  char& digit = payload[dice.pick(digits)];
  digit = static_cast<char>('0' + (digit - '0' + dice.roll(1, 9)) % 10);
}

std::string change_records(const fs::path& directory, Position last, Dice& dice) {
  Database database(directory);
  const auto position = static_cast<Position>(dice.between(1, static_cast<std::int64_t>(last)));
  Record record = database.read(position);
  const std::string where = " at position " + std::to_string(position);
  switch (dice.roll(0, 6)) {
    case 0:
    case 1:
      change_digit(record.payload, dice);
      database.write(record);
      return "a digit of the record" + where;
    case 2: {
      char& byte = record.payload[static_cast<std::size_t>(
          dice.between(0, static_cast<std::int64_t>(record.payload.size()) - 1))];
      byte = static_cast<char>(byte ^ (1 << dice.roll(0, 7)));
      database.write(record);
      return "a bit of the record" + where;
    }
    case 3: {
      Record other = database.read(static_cast<Position>(dice.between(1, static_cast<std::int64_t>(last))));
      std::swap(record.header.position, other.header.position);
      database.write(record);
      database.write(other);
      return "the record" + where + " swapped with that at " + std::to_string(record.header.position);
    }
    case 4:
      database.remove(position);
      return "no record" + where;
    case 5:
      record.header.intake_time.ms += dice.roll(1, 1000);
      database.write(record);
      return "another intake time" + where;
    default:
      for (Position gone = position; gone <= last; ++gone) database.remove(gone);
      return "no records from position " + std::to_string(position) + " on";
  }
}

// ---------------------------------------------------------------------------------------------------------

TEST(DirectoryForgeriesTest, AreRefusedOrLeaveEveryRecordAsItIs) {
  const std::uint64_t first = from_environment("VOUCHERD_AUDIT_SEED", 1);
  const std::uint64_t count = from_environment("VOUCHERD_AUDIT_DIRECTORIES", 600);
  constexpr std::uint64_t of_one_original = 100;
  std::unique_ptr<Original> original;
  std::uint64_t refused = 0, same = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    if (!original || seed % of_one_original == 0)
      original = std::make_unique<Original>(seed / of_one_original + 1);
    ASSERT_TRUE(original->report().findings.empty()) << original->report().findings.front().what;
    Dice dice(seed);
    const testing::TempDir forged;
    const fs::path directory = fs::path(forged.path()) / "data";
    fs::copy(original->directory(), directory, fs::copy_options::recursive);
    const std::string what = dice.percent(60)
                                 ? change_files(directory, dice)
                                 : change_records(directory, original->report().last_position, dice);
    const auto report = verify_directory(directory.string(), original->key());
    if (!report || !report->findings.empty()) {
      ++refused;
      continue;
    }
    ++same;
    EXPECT_EQ(report->tree_root, original->report().tree_root)
        << "VOUCHERD_AUDIT_SEED=" << seed << " " << what;
    EXPECT_EQ(report->last_position, original->report().last_position) << seed << " " << what;
    EXPECT_EQ(report->statements, original->report().statements) << seed << " " << what;
  }
  std::cout << count << " forged directories from seed " << first << ": " << refused << " refused, " << same
            << " with every record as it was\n";
  EXPECT_GT(refused, 0u);
}

/// The head of the records as they now are, signed with the centre's own key.
void sign_again(const fs::path& directory, const std::string& origin) {
  const auto key = SigningKey::load((directory / "proof" / "signing-key.pem").string(), origin).value();
  const auto journal = Journal::open_read_only({directory.string()}).value();
  MerkleTree tree;
  Sha256 sha;
  journal
      ->scan(1,
             [&](const Record& record) -> Result<void> {
               tree.append(record_leaf_hash(sha, record.header, record.payload).value());
               return {};
             })
      .value();
  write_file(directory / "proof" / "signed-head", key.sign(to_text({origin, tree.size(), tree.root()})));
}

/// Who holds the key can sign a changed journal: then what the rules give tells.
TEST(DirectoryForgeriesTest, AWrongStatementUnderAGoodSignatureIsNamedByPositionFirmAndMonth) {
  Original original(1);
  const testing::TempDir forged;
  const fs::path directory = fs::path(forged.path()) / "data";
  fs::copy(original.directory(), directory, fs::copy_options::recursive);
  Position changed = 0;
  {
    Database database(directory);
    for (Position position = 1; changed == 0; ++position) {
      Record record = database.read(position);
      const std::size_t at = record.payload.find(R"("currency":"CNY")");
      if (record.header.type != RecordType::close || at == std::string::npos) continue;
      record.payload[at + 14] = 'X';
      database.write(record);
      changed = position;
    }
  }
  EXPECT_FALSE(verify_directory(directory.string(), original.key())->findings.empty())
      << "the head is another one";
  sign_again(directory, original.key().name());
  const auto report = verify_directory(directory.string(), original.key()).value();
  ASSERT_FALSE(report.findings.empty());
  const DirectoryFinding& first = report.findings.front();
  EXPECT_EQ(first.what, "the statement is not what the rules give");
  EXPECT_EQ(first.position, changed);
  EXPECT_TRUE(is_uscc(first.firm.value));
  EXPECT_TRUE(first.month.has_value());
}

TEST(DirectoryForgeriesTest, WithoutASignedHeadNothingIsTaken) {
  Original original(1);
  const testing::TempDir forged;
  const fs::path directory = fs::path(forged.path()) / "data";
  fs::copy(original.directory(), directory, fs::copy_options::recursive);
  fs::remove(directory / "proof" / "signed-head");
  const auto report = verify_directory(directory.string(), original.key()).value();
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings.front().what.find("There is no signed head"), 0u);
}

}  // namespace
}  // namespace voucherd::simulation
