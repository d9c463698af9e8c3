#include "daemon/engine/tree_heads.h"

#include <fcntl.h>

#include <filesystem>
#include <utility>

#include "metering/core/assert.h"
#include "metering/journal/posix_file.h"

namespace voucherd {

namespace {

constexpr std::size_t note_bytes_max = 64 * 1024;

constexpr const char* head_file = "/signed-head";

/// What can't be looked at counts as there: opening it says why.
bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::status(path, error).type() != std::filesystem::file_type::not_found;
}

/// "" where there is no signed head.
Result<std::string> read_note(const std::string& directory) {
  constexpr auto text = boost::system::in_place_value;
  if (!exists(directory + head_file)) return {text, ""};
  const auto file = PosixFile::open(directory + head_file, O_RDONLY);
  if (!file) return file.error();
  return file->read_at(0, note_bytes_max);
}

Fault head_damaged(const std::string& path, const std::string& why) {
  return {
      "signed_head_damaged",
      path + " can't be read: " + why +
          ". It says up to where the journal is signed: restore it from a backup; or, where it can't be had, "
          "move it away and tell the auditors, who compare the heads that they hold"};
}

}  // namespace

Result<std::optional<TreeHead>> read_signed_head(const std::string& directory) {
  const auto note = read_note(directory);
  if (!note) return note.error();
  if (note->empty()) return std::optional<TreeHead>();
  const auto signer = first_signer(*note);
  const auto head = parse_tree_head(*note);
  if (!signer || !head) {
    return head_damaged(directory + head_file, signer ? head.error().detail : signer.error().detail);
  }
  return std::optional<TreeHead>(*head);
}

TreeHeads::TreeHeads(TreeHeadFiles files, SigningKey key) : files_(std::move(files)), key_(std::move(key)) {}

std::string TreeHeads::path() const { return files_.directory + head_file; }

TreeHeads::~TreeHeads() {
  if (thread_.joinable()) thread_.join();
}

Result<std::unique_ptr<TreeHeads>> TreeHeads::open(TreeHeadFiles files, const std::string& origin) {
  if (auto made = create_directory_durably(files.directory); !made) return made.error();
  const std::string head = files.directory + head_file;
  const bool key_exists = exists(files.key_file);
  if (!key_exists && exists(head)) {
    return Fault{
        "signing_key_missing",
        files.key_file + " is not there, but " + head +
            " is signed: bring the key back; or move that file away, and tell the auditors the new key"};
  }
  auto key =
      key_exists ? SigningKey::load(files.key_file, origin) : SigningKey::create(files.key_file, origin);
  if (!key) return key.error();
  std::unique_ptr<TreeHeads> heads(new TreeHeads(std::move(files), std::move(*key)));
  if (auto read = heads->read_last(); !read) return read.error();
  return heads;
}

Result<void> TreeHeads::read_last() {
  auto note = read_note(files_.directory);
  if (!note) return note.error();
  if (note->empty()) return {};
  const auto signer = first_signer(*note);
  if (!signer) return head_damaged(path(), signer.error().detail);
  if (signer->name != verifier().name() || signer->key_hash != verifier().key_hash()) {
    return Fault{
        "signed_head_of_another_key",
        path() + " was signed by another key or under another name (" + signer->name + ", now " +
            verifier().text() +
            "): set audit.signing_key_file and audit.origin as they were; or move that file away, and "
            "tell the auditors the new key"};
  }
  const auto text = verifier().open(*note);
  if (!text) return head_damaged(path(), text.error().detail);
  const auto head = parse_tree_head(*text);
  if (!head) return head_damaged(path(), head.error().detail);
  last_ = *head;
  note_ = std::move(*note);
  return {};
}

std::optional<Fault> TreeHeads::compare(const Result<TreeHash>& root) const {
  if (!root) return root.error();
  if (*root == last_->root) return std::nullopt;
  return Fault{
      "tree_inconsistent",
      "the first " + std::to_string(last_->size) + " records of the journal are not those that " + path() +
          " was signed for: the journal was changed, or the file is of another one. Restore both from a "
          "backup"};
}

Result<void> TreeHeads::start(const MerkleTree& tree, ProofReader& reader, Later post) {
  tree_ = &tree;
  reader_ = &reader;
  post_ = std::move(post);
  if (last_ && last_->size > tree.size()) {
    return Fault{
        "journal_shorter_than_signed",
        "the journal ends at position " + std::to_string(tree.size()) + ", but " + path() +
            " is signed up to position " + std::to_string(last_->size) +
            ": records are missing. Restore the directory from a newer backup or a standby; or, where they "
            "can't be had any more, move that file away and tell the auditors, who hold the newer head"};
  }
  if (auto fault = compare_now()) return *fault;
  if (const auto written = sign_now(); !written) fault_ = written.error();
  return {};
}

std::optional<Fault> TreeHeads::compare_now() const {
  return last_ ? compare(reader_->root_at_now(last_->size)) : std::nullopt;
}

Result<void> TreeHeads::sign_now() {
  if (signed_size() == tree_->size()) return {};
  const TreeHead head{verifier().name(), tree_->size(), tree_->root()};
  const std::string note = key_.sign(to_text(head));
  auto stored = store(note);
  if (stored) {
    last_ = head;
    note_ = note;
  }
  return stored;
}

Result<void> TreeHeads::stop() {
  alive_.reset();
  if (thread_.joinable()) thread_.join();
  // What the thread wrote last may be newer than what is known here.
  if (auto read = read_last(); !read) return read;
  if (auto fault = compare_now()) return *fault;
  return sign_now();
}

void TreeHeads::sign(std::function<void(const Result<void>&)> done) {
  asked_.push_back(std::move(done));
  if (!busy_) advance();
}

void TreeHeads::advance() {
  waiting_ = std::exchange(asked_, {});
  if (waiting_.empty()) return;
  if (signed_size() == tree_->size()) return finish({});
  busy_ = true;
  compare_and_write();
}

void TreeHeads::compare_and_write() {
  if (!last_) return write();
  reader_->root_at(last_->size, [this, alive = std::weak_ptr<bool>(alive_)](const Result<TreeHash>& root) {
    if (alive.expired()) return;
    if (auto fault = compare(root)) return finish(*fault);
    write();
  });
}

void TreeHeads::write() {
  const TreeHead head{verifier().name(), tree_->size(), tree_->root()};
  if (thread_.joinable()) thread_.join();
  thread_ = std::thread([this, head, alive = std::weak_ptr<bool>(alive_)] {
    std::string note = key_.sign(to_text(head));
    auto outcome = store(note);
    post_([this, alive, head, note = std::move(note), outcome = std::move(outcome)] {
      if (!alive.expired()) written(head, note, outcome);
    });
  });
}

void TreeHeads::written(const TreeHead& head, const std::string& note, const Result<void>& outcome) {
  if (outcome) {
    last_ = head;
    note_ = note;
  }
  finish(outcome);
}

void TreeHeads::finish(const Result<void>& outcome) {
  busy_ = false;
  fault_ = outcome ? std::nullopt : std::optional<Fault>(outcome.error());
  for (const auto& done : std::exchange(waiting_, {})) done(outcome);
  if (!busy_) advance();
}

Result<void> TreeHeads::store(const std::string& note) const {
  const std::string unfinished = path() + ".new";
  {
    const auto file = PosixFile::open(unfinished, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file) return file.error();
    if (auto written = file->write_at(0, note); !written) return written;
    if (auto synced = file->sync(); !synced) return synced;
  }
  std::error_code error;
  std::filesystem::rename(unfinished, path(), error);
  if (error) return Fault{"file_failed", path() + ": rename failed: " + error.message()};
  return sync_directory(files_.directory);
}

}  // namespace voucherd
