// Two passes. The first one only hashes: what is not under the signed head is never folded, so that a forged
// record is named and not believed. The second folds, and before each close asks the ledger what a close
// would freeze now.
#include "daemon/audit/directory_check.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "billing/audit/close_chain.h"
#include "daemon/audit/unsigned_tail.h"
#include "daemon/engine/fold.h"
#include "metering/proof/close_part.h"
#include "metering/proof/record_proof.h"
#include "metering/state/byte_coding.h"
#include "metering/state/checkpoint.h"

namespace voucherd {

namespace {

std::string at_position(Position position) { return " at position " + std::to_string(position); }

// The tree ------------------------------------------------------------------------------------------------

/// The tree of the newest checkpoint that can be read: it shows where a record was changed.
std::optional<MerkleTree> tree_of_checkpoint(const std::string& directory, Position last) {
  const auto checkpoint = CheckpointStore(directory + "/checkpoints").load_newest(last);
  if (!checkpoint) return std::nullopt;
  const auto section = checkpoint->sections.find("tree");
  if (section == checkpoint->sections.end()) return std::nullopt;
  std::string_view bytes = section->second;
  auto tree = MerkleTree::load(bytes);
  if (!tree) return std::nullopt;
  return std::move(*tree);
}

/// Hashes the records and compares with the signed head.
class TreeCheck {
 public:
  TreeCheck(const Journal& journal, DirectoryReport& report) : journal_(journal), report_(report) {}

  Result<void> run(const std::string& directory, const DirectoryProgress& progress) {
    known_ = tree_of_checkpoint(directory, journal_.last_position());
    auto scanned = journal_.scan(1, [&](const Record& record) {
      if (progress) progress(record.header.position, journal_.last_position(), "records hashed");
      return take(record);
    });
    if (!scanned) return scanned;
    report_.last_position = tree_.size();
    report_.tree_root = to_hex(tree_.root());
    compare();
    return {};
  }

 private:
  Result<void> take(const Record& record) {
    const auto leaf = record_leaf_hash(sha_, record.header, record.payload);
    if (!leaf) {
      return Fault{"record_damaged", "The record" + at_position(record.header.position) +
                                         " can't be read: " + leaf.error().detail};
    }
    tree_.append(*leaf);
    const bool is_behind = report_.head && tree_.size() > report_.head->size;
    if (is_behind) {
      last_unsigned_ = record.header.intake_time;
      if (tree_.size() == report_.head->size + 1) first_unsigned_ = last_unsigned_;
    }
    if (is_behind && record.header.type == RecordType::close && unsigned_close_ == 0)
      unsigned_close_ = tree_.size();
    block_.push_back(*leaf);
    if (block_.size() == MerkleTree::block_leaves) end_block();
    if (report_.head && tree_.size() == report_.head->size) root_at_head_ = tree_.root();
    return {};
  }

  void end_block() {
    const std::uint64_t block = tree_.size() / MerkleTree::block_leaves - 1;
    if (known_ && tree_.size() <= known_->size() && !known_->holds_block(block, block_) && !changed_)
      changed_ = tree_.size() - MerkleTree::block_leaves + 1;
    block_.clear();
  }

  void compare() {
    if (!report_.head) return;
    const std::uint64_t size = report_.head->size;
    if (tree_.size() < size) {
      report_.findings.push_back({"The journal ends here, and the signed head has " + std::to_string(size) +
                                      " records: those behind it are missing",
                                  tree_.size(),
                                  {},
                                  {}});
    } else if (root_at_head_ != report_.head->root) {
      std::string where = "among the first " + std::to_string(size) + " records";
      if (changed_) {
        where = "from position " + std::to_string(*changed_) + " to " +
                std::to_string(*changed_ + MerkleTree::block_leaves - 1) +
                " (as the newest checkpoint shows)";
      }
      report_.findings.push_back(
          {"The records are not those of the signed head: one was changed, left out or "
           "added " +
               where,
           changed_.value_or(0),
           {},
           {}});
    } else if (tree_.size() > size) {
      compare_times(size + 1);
      report_.notes.push_back(std::to_string(tree_.size() - size) + " records at the end, from position " +
                              std::to_string(size + 1) +
                              " on, are under no signed head yet: the daemon did not "
                              "end in an orderly way");
      // A close is answered only once it is signed.
      if (unsigned_close_ != 0) {
        report_.findings.push_back(
            {"A close that no head signs: it was added behind the signed head, or the "
             "head is an older one",
             unsigned_close_,
             {},
             {}});
      }
    }
  }

  void compare_times(Position first) {
    const std::int64_t span_ms = last_unsigned_.ms - first_unsigned_.ms;
    if (span_ms <= unsigned_span_ms_max) return;
    report_.findings.push_back(
        {"The records from here on are under no signed head, though " + std::to_string(span_ms / 1000) +
             " seconds lie between the first and the last of them and a head is signed every second: they "
             "were "
             "added, or no head could be written for so long, which the daemon's log says (tree_head_failed)",
         first,
         {},
         {}});
  }

  const Journal& journal_;
  DirectoryReport& report_;
  MerkleTree tree_;
  Sha256 sha_;
  std::optional<MerkleTree> known_;
  std::vector<TreeHash> block_;
  TreeHash root_at_head_{};
  std::optional<Position> changed_;
  Position unsigned_close_ = 0;  // the first behind the head; 0: none
  Instant first_unsigned_, last_unsigned_;
};

// Closes --------------------------------------------------------------------------------------------------

using Statements = std::map<std::pair<Month, FirmId>, std::string>;

/// What a close holds beside its head, taken apart. FORMAT.md of metering/proof.
struct CloseContent {
  Statements statements;
  std::map<FirmId, ClosePart> parts;
};

std::optional<CloseContent> content_of(const PayloadParts& payload) {
  CloseContent content;
  ByteReader in(payload.rest);
  for (std::uint64_t left = in.varint(); in.ok() && left > 0; --left) {
    const Month month{static_cast<std::int32_t>(in.signed_varint())};
    const FirmId firm{in.text()};
    content.statements.emplace(std::pair(month, firm), in.text());
  }
  for (const std::string& part : payload.parts) {
    auto read = decode_close_part(part);
    if (!read) return std::nullopt;
    content.parts.emplace(read->firm, std::move(*read));
  }
  if (!in.ok() || in.left() != 0) return std::nullopt;
  return content;
}

/// A close of version 1 as one of version 2 without parts.
PayloadParts first_version_in_parts(std::string_view payload) {
  ByteReader in(payload);
  in.signed_varint();
  in.signed_varint();
  for (int texts = 0; texts < 3; ++texts) in.text();
  PayloadParts parts;
  parts.shared = payload.substr(0, payload.size() - in.left());
  parts.rest = in.rest();
  return parts;
}

/// Compares a close with what the fold before it makes of the same month.
class CloseCheck {
 public:
  CloseCheck(const Record& record, DirectoryReport& report) : record_(record), report_(report) {}

  void run(const Fold& before) {
    const bool in_parts = record_.header.version >= payload_in_parts_version;
    auto sealed = in_parts ? unseal(record_.payload) : Result<SealedPayload>(SealedPayload{});
    if (!sealed) return find("the close can't be read: " + sealed.error().detail);
    const PayloadParts stored = in_parts ? sealed->content : first_version_in_parts(record_.payload);
    std::string shared = stored.shared;
    if (!in_parts) put_varint(shared, 0);
    const auto close = billing::decode_shown_close(record_.header, shared);
    if (!close) return find("the close can't be read");
    const auto again =
        before.ledger().judge_close(close->last, close->by, close->reason, close->at, before.chains());
    if (again.refusal) return find("the month could not have been closed: " + again.refusal->detail);
    if (again.already) return find("the month was closed before");
    const auto said = content_of(stored), expected = content_of(again.payload);
    if (!said || !expected) return find("the close can't be read");
    ++report_.closes;
    report_.statements += said->statements.size();
    compare_statements(*said, *expected);
    if (in_parts) compare_parts(*said, *expected);
    if (found_ == 0 && in_parts && stored != again.payload) find("the close is not what the rules give");
    if (found_ == 0 && !in_parts && stored.rest != again.payload.rest)
      find("the close is not what the rules give");
  }

 private:
  void find(const std::string& what, const FirmId& firm = {}, std::optional<Month> month = {}) {
    ++found_;
    report_.findings.push_back({what, record_.header.position, firm, month});
  }

  void compare_statements(const CloseContent& said, const CloseContent& expected) {
    for (const auto& [key, canonical] : expected.statements) {
      const auto stored = said.statements.find(key);
      if (stored == said.statements.end()) {
        find("a statement is missing that the rules give", key.second, key.first);
      } else if (stored->second != canonical) {
        find("the statement is not what the rules give", key.second, key.first);
      }
    }
    for (const auto& [key, canonical] : said.statements)
      if (!expected.statements.contains(key)) find("the rules give no such statement", key.second, key.first);
  }

  void compare_parts(const CloseContent& said, const CloseContent& expected) {
    for (const auto& [firm, part] : expected.parts) {
      const auto stored = said.parts.find(firm);
      if (stored == said.parts.end()) {
        find("the firm's part of the close is missing", firm);
        continue;
      }
      if (stored->second.statements != part.statements) find("a statement's digest is wrong", firm);
      if (stored->second.facts != part.facts) find("the digest of the firm's facts is wrong", firm);
      if (stored->second.chains != part.chains) find("a chain of the firm's events is wrong", firm);
    }
    for (const auto& [firm, part] : said.parts)
      if (!expected.parts.contains(firm)) find("the firm had nothing to close", firm);
  }

  const Record& record_;
  DirectoryReport& report_;
  std::size_t found_ = 0;
};

// The signed head -----------------------------------------------------------------------------------------

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  if (!in) return Fault{"file_unreadable", path + " can't be read"};
  return {boost::system::in_place_value, std::move(bytes).str()};
}

void take_signed_head(const std::string& directory, const std::optional<VerifierKey>& key,
                      DirectoryReport& report) {
  const auto find = [&report](const std::string& what) { report.findings.push_back({what, 0, {}, {}}); };
  const std::string path = directory + "/proof/signed-head";
  const auto note = read_file(path);
  if (!note) {
    return find("There is no signed head (" + path +
                "): nothing shows that the records are those that were there before");
  }
  const std::string_view text = std::string_view(*note).substr(0, note->find("\n\n") + 1);
  if (key) {
    if (const auto opened = key->open(*note); !opened) return find(path + ": " + opened.error().detail);
    report.signature_checked = true;
  } else {
    report.notes.emplace_back("No key was given: the signature of the head was not checked");
  }
  const auto head = parse_tree_head(text);
  if (!head) return find(path + ": " + head.error().detail);
  report.head = *head;
}

}  // namespace

Result<DirectoryReport> verify_directory(const std::string& directory, const std::optional<VerifierKey>& key,
                                         const DirectoryProgress& progress) {
  DirectoryReport report;
  take_signed_head(directory, key, report);
  const auto journal = Journal::open_read_only({directory});
  if (!journal) return journal.error();
  if (auto checked = TreeCheck(**journal, report).run(directory, progress); !checked) return checked.error();
  if (!report.findings.empty()) {
    report.notes.emplace_back("The journal was not folded, since its records are not those of a signed head");
    return report;
  }
  bool close_is_wrong = false;
  const auto look = [&](const Fold& before, const Record& record) -> Result<void> {
    const Position position = record.header.position;
    if (progress) progress(position, report.last_position, "records folded");
    if (report.head && position > report.head->size) check_unsigned_record(**journal, before, record, report);
    if (record.header.type != RecordType::close) return {};
    const std::size_t found = report.findings.size();
    CloseCheck(record, report).run(before);
    close_is_wrong = report.findings.size() > found;
    if (!close_is_wrong) return {};
    return Fault{"close_wrong", "the fold can't go on from a wrong close"};
  };
  const auto check = check_directory(directory, look);
  if (!check && !close_is_wrong) return check.error();
  if (!check) {
    report.notes.push_back("Nothing behind position " + std::to_string(report.findings.back().position) +
                           " was looked at: what follows rests on that close");
    return report;
  }
  report.events = check->events;
  report.checkpoints = check->checkpoints;
  for (const std::string& difference : check->differences) report.findings.push_back({difference, 0, {}, {}});
  return report;
}

}  // namespace voucherd
