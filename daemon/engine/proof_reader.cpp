#include "daemon/engine/proof_reader.h"

#include <utility>

#include "metering/core/assert.h"
#include "metering/proof/payload_parts.h"

namespace voucherd {

namespace {

constexpr std::size_t blocks_kept_max = 64;  // 512 KiB
// Of one turn on the owner thread: some milliseconds of hashing.
constexpr std::size_t turn_bytes = 2u << 20;
constexpr std::size_t turn_records = 64;

Fault out_of_range(const std::string& what) { return {"proof_out_of_range", what}; }

}  // namespace

struct ProofReader::Block {
  std::uint64_t number = 0;
  std::vector<TreeHash> leaves;
};

ProofReader::ProofReader(const Journal& journal, const MerkleTree& tree, Later later)
    : journal_(journal), tree_(tree), later_(std::move(later)) {}

std::optional<std::uint64_t> ProofReader::first_missing(const Wanted& wanted) const {
  for (const std::uint64_t block : wanted()) {
    if (!blocks_.contains(block)) return block;
  }
  return std::nullopt;
}

void ProofReader::gather(Wanted wanted, Ready ready) {
  const auto missing = first_missing(wanted);
  if (!missing) return ready({});
  auto block = std::make_shared<Block>();
  block->number = *missing;
  // What is held may have moved on meanwhile: asks again.
  read_in_turns(block,
                [this, wanted = std::move(wanted), ready = std::move(ready)](const Result<void>& read) {
                  if (!read) return ready(read);
                  gather(wanted, ready);
                });
}

void ProofReader::read_in_turns(const std::shared_ptr<Block>& block, const Ready& ready) {
  if (auto read = read_some(*block, false); !read) return ready(read);
  if (block->leaves.size() == MerkleTree::block_leaves) return ready(keep(*block));
  later_([this, block, ready, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) read_in_turns(block, ready);
  });
}

Result<void> ProofReader::read_some(Block& block, bool whole) {
  std::size_t bytes = 0, records = 0;
  while (block.leaves.size() < MerkleTree::block_leaves &&
         (whole || (bytes < turn_bytes && records < turn_records))) {
    const Position position = block.number * MerkleTree::block_leaves + block.leaves.size() + 1;
    std::optional<Result<TreeHash>> leaf;
    const auto read =
        journal_.read_in_place(position, [&](const RecordHeader& header, std::string_view payload) {
          bytes += payload.size();
          leaf = record_leaf_hash(sha_, header, payload);
        });
    if (!read) return read.error();
    if (!*leaf) return leaf->error();
    block.leaves.push_back(**leaf);
    ++records;
  }
  return {};
}

Result<void> ProofReader::keep(Block& block) {
  if (!tree_.holds_block(block.number, block.leaves)) {
    const Position first = block.number * MerkleTree::block_leaves + 1;
    return Fault{
        "tree_inconsistent",
        "the records at positions " + std::to_string(first) + " to " +
            std::to_string(first + MerkleTree::block_leaves - 1) +
            " are not those that were hashed when they were written; run voucherctl journal check, and "
            "restore the directory from a backup"};
  }
  if (blocks_.size() >= blocks_kept_max) blocks_.clear();
  blocks_[block.number] = std::move(block.leaves);
  return {};
}

void ProofReader::inclusion(Position position, std::uint64_t size, InclusionDone done) {
  if (size > tree_.size()) {
    return done(out_of_range("the journal has " + std::to_string(tree_.size()) + " records, not " +
                             std::to_string(size)));
  }
  if (position == 0 || position > size) {
    return done(out_of_range("the tree has the positions 1 to " + std::to_string(size) + ", and " +
                             std::to_string(position) + " is none of them"));
  }
  const std::uint64_t index = position - 1;
  gather([this, index, size] { return tree_.blocks_for_leaf(index, size); },
         [this, index, size, done = std::move(done)](const Result<void>& ready) {
           if (!ready) return done(ready.error());
           done(InclusionProof{index, size, tree_.leaf(index, blocks_), tree_.root_at(size, blocks_),
                               tree_.inclusion_proof(index, size, blocks_)});
         });
}

void ProofReader::consistency(std::uint64_t from, std::uint64_t to, ConsistencyDone done) {
  if (to > tree_.size() || from > to) {
    return done(out_of_range("the journal has " + std::to_string(tree_.size()) +
                             " records; name two sizes up to that, the smaller one first"));
  }
  gather(
      [this, from, to] {
        return tree_.blocks_for_sizes({from, to});
      },
      [this, from, to, done = std::move(done)](const Result<void>& ready) {
        if (!ready) return done(ready.error());
        done(ConsistencyProof{from, to, tree_.root_at(from, blocks_), tree_.root_at(to, blocks_),
                              tree_.consistency_proof(from, to, blocks_)});
      });
}

void ProofReader::root_at(std::uint64_t size, RootDone done) {
  VOUCHERD_ASSERT(size <= tree_.size());
  gather([this, size] { return tree_.blocks_for_sizes({size}); },
         [this, size, done = std::move(done)](const Result<void>& ready) {
           if (!ready) return done(ready.error());
           done(tree_.root_at(size, blocks_));
         });
}

Result<TreeHash> ProofReader::root_at_now(std::uint64_t size) {
  VOUCHERD_ASSERT(size <= tree_.size());
  const Wanted wanted = [this, size] { return tree_.blocks_for_sizes({size}); };
  while (const auto missing = first_missing(wanted)) {
    Block block{*missing, {}};
    if (auto read = read_some(block, true); !read) return read.error();
    if (auto kept = keep(block); !kept) return kept.error();
  }
  return tree_.root_at(size, blocks_);
}

}  // namespace voucherd
