// Candidates for near-duplicates: texts that share a key, less those that a sketch of 64 bytes rules out.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "data/near_text.h"

namespace hone::data {

class NearIndex {
 public:
  struct Law {
    Likeness least = Likeness::near;  // or one_word
    // Where each side but the first begins, ascending. A side's identical texts are looked up once, as the first.
    std::vector<std::size_t> sides;
    // Texts of the second of two sides are compared with those of the first only.
    enum class Compared { all, second_with_first } compared = Compared::all;
  };
  // Prepares the texts on all cores; they must outlive the index.
  NearIndex(std::span<const std::string_view> texts, Law law);

  // The first text of its side that is identical to this one; itself where none is before it.
  std::size_t first_of(std::size_t text) const { return first_[text]; }

  // Calls visit(i, j, likeness), j < i, for pairs of different texts (of a side's identical ones the first) that are
  // alike and for which wanted(i, j) holds. A pair may be visited more than once.
  using Wanted = std::function<bool(std::size_t i, std::size_t j)>;
  using Visit = std::function<void(std::size_t i, std::size_t j, Likeness likeness)>;
  void visit_pairs(const Wanted& wanted, const Visit& visit);

 private:
  struct Posting {
    std::uint32_t key_high;
    std::uint32_t key_low;
    std::uint32_t text;
  };
  struct Slice {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::vector<Posting> postings;  // by key, then text
  };
  // What rules most candidates out without their texts.
  struct Sketch {
    std::uint64_t key = 0;  // hashes of what identical texts and texts of one form share; 0: nothing
    std::uint64_t form = 0;
    std::uint32_t grams = 0;
    std::array<std::uint64_t, 8> bits{};  // one for each gram's hash modulo 512
    std::vector<std::uint64_t> words;     // of short texts
  };
  struct Cached {
    std::size_t text = SIZE_MAX;
    NearText prepared;
  };

  void prepare(Slice& slice);
  void find_first();
  bool may_be_alike(const Sketch& a, const Sketch& b) const;
  void visit_run(std::span<const std::uint32_t> run, const Wanted& wanted, const Visit& visit);
  const NearText& prepared(std::size_t text);

  std::span<const std::string_view> texts_;
  Law law_;
  std::vector<Slice> slices_;  // of ascending texts
  std::vector<Sketch> sketches_;
  std::vector<std::size_t> first_;
  std::vector<Cached> cache_;
};

}  // namespace hone::data
