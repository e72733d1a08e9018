// Text as sparse features: word 1-2-grams and character 1-5-grams within words, sublinear tf-idf.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::classic {

// Ascending by index.
using SparseRow = std::vector<std::pair<std::uint32_t, float>>;

// Lower-cased runs of letters, digits, marks and underscores.
std::vector<std::string> words_of(std::string_view text);

// The features of a set of texts, each known by its 64-bit hash.
class NgramFeatures {
 public:
  NgramFeatures() = default;
  // Learns features and idf = log((1 + n) / (1 + df)) + 1; features of a single text are dropped where there are over
  // 500.
  static NgramFeatures learn(std::span<const std::string> texts);
  // From what was saved: hashes ascending, one idf each.
  NgramFeatures(std::vector<std::uint64_t> hashes, std::vector<float> idf)
      : hashes_(std::move(hashes)), idf_(std::move(idf)) {}

  // (1 + log tf) * idf, the word part and the character part each of length 1 / sqrt 2. Unknown features are left out.
  SparseRow transform(std::string_view text) const;
  std::size_t size() const { return hashes_.size(); }
  const std::vector<std::uint64_t>& hashes() const { return hashes_; }
  const std::vector<float>& idf() const { return idf_; }

 private:
  std::vector<std::uint64_t> hashes_;
  std::vector<float> idf_;
};

}  // namespace hone::classic
