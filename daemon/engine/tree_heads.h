// Signed heads of the journal's tree: the key, the last signed head outside of the database, and the thread
// that signs and syncs. A head is shown to nobody before it is on disk, so that whatever an auditor holds, a
// later start is compared with it or with one that extends it.
//
// Every head extends the one before: the tree must have the same root at that one's size. A tree that has not
// is never signed, and a start with one is refused.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/engine/proof_reader.h"
#include "metering/proof/signing_key.h"

namespace voucherd {

struct TreeHeadFiles {
  std::string directory;  // of signed-head; created where absent
  std::string key_file;   // made where there is neither a key nor a signed head
};

/// What the file in this folder says, whoever signed it; nullopt where there is none. Fault
/// "signed_head_damaged".
Result<std::optional<TreeHead>> read_signed_head(const std::string& directory);

/// The owner thread's.
class TreeHeads {
 public:
  using Later = ProofReader::Later;
  /// Reads the key and the last signed head. Faults of SigningKey::load(), "signing_key_missing",
  /// "signed_head_damaged", "signed_head_of_another_key".
  static Result<std::unique_ptr<TreeHeads>> open(TreeHeadFiles files, const std::string& origin);
  /// Waits for what is being written; stop() before, if the last records are to be signed.
  ~TreeHeads();
  TreeHeads(const TreeHeads&) = delete;
  TreeHeads& operator=(const TreeHeads&) = delete;

  /// Compares the tree with the last signed head, and signs it where it has grown since; a disk that takes no
  /// new head is no reason not to start. What is given outlives this; `post` is called from another thread.
  /// Faults "journal_shorter_than_signed", "tree_inconsistent".
  Result<void> start(const MerkleTree& tree, ProofReader& reader, Later post);
  /// Signs the tree as it is now, unless it is signed; `done` runs once a head that covers it is on disk, or
  /// could not be had. While one is being written, the next one waits.
  void sign(std::function<void(const Result<void>&)> done);
  /// The same at once, for the last time. Nothing may be asked of this after it.
  Result<void> stop();

  /// The last signed head as a note; "" before the first.
  const std::string& note() const { return note_; }
  const std::optional<TreeHead>& last() const { return last_; }
  std::uint64_t signed_size() const { return last_ ? last_->size : 0; }
  const VerifierKey& verifier() const { return key_.verifier(); }
  /// Why the last attempt failed; nullopt: it did not.
  const std::optional<Fault>& fault() const { return fault_; }

 private:
  TreeHeads(TreeHeadFiles files, SigningKey key);
  Result<void> read_last();
  /// nullopt: the tree extends the last signed head, of whose size it has `root`.
  std::optional<Fault> compare(const Result<TreeHash>& root) const;
  void advance();
  void compare_and_write();
  void write();
  void written(const TreeHead& head, const std::string& note, const Result<void>& outcome);
  void finish(const Result<void>& outcome);
  Result<void> store(const std::string& note) const;
  Result<void> sign_now();
  std::optional<Fault> compare_now() const;
  std::string path() const;

  TreeHeadFiles files_;
  SigningKey key_;
  const MerkleTree* tree_ = nullptr;
  ProofReader* reader_ = nullptr;
  Later post_;
  std::optional<TreeHead> last_;
  std::string note_;
  std::optional<Fault> fault_;
  bool busy_ = false;
  std::vector<std::function<void(const Result<void>&)>> waiting_, asked_;  // for this head; for the next one
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::thread thread_;
};

}  // namespace voucherd
