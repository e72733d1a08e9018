#include "data/near_duplicates.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/hash.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t short_words = 8;  // texts with fewer words are compared word by word
constexpr std::size_t least_words =
    4;  // below, only equal texts are near-duplicates: "yes" and "no" are one word apart
constexpr std::size_t gram_points = 5;  // code points in a gram
constexpr double least_jaccard = 0.8;
constexpr std::ptrdiff_t longest_list = 8192;  // postings looked at for one gram
constexpr std::uint32_t none = UINT32_MAX;

struct Mark {
  std::uint32_t gram = 0;
  std::uint32_t place = 0;  // among the entry's grams, rarest first
};

struct Entry {
  std::string key;                   // folded text; canonical text where folding leaves nothing
  std::vector<std::uint64_t> words;  // hashes, kept where there are least_words to short_words words
  std::vector<std::uint32_t> grams;  // sorted hashes of distinct grams, for short_words words and more
  std::vector<Mark> prefix;          // the rarest grams, of which a near-duplicate shares at least one
};

std::vector<std::uint32_t> grams_of(const std::string& text) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size(); i += code_point_length(text, i)) starts.push_back(i);
  starts.push_back(text.size());
  std::vector<std::uint32_t> grams;
  for (std::size_t i = 0; i + gram_points < starts.size(); ++i) {
    const std::string_view gram(text.data() + starts[i], starts[i + gram_points] - starts[i]);
    grams.push_back(static_cast<std::uint32_t>(hash64(gram)));
  }
  std::sort(grams.begin(), grams.end());
  grams.erase(std::unique(grams.begin(), grams.end()), grams.end());
  return grams;
}

Entry entry_of(const std::string& text) {
  Entry entry;
  entry.key = folded_text(text);
  if (entry.key.empty()) {
    entry.key = canonical_text(text);
    return entry;
  }
  const std::vector<std::string_view> words = words_of(entry.key);
  if (words.size() >= least_words && words.size() <= short_words) {
    for (const std::string_view word : words) entry.words.push_back(hash64(word));
  }
  if (words.size() >= short_words) entry.grams = grams_of(entry.key);
  return entry;
}

// Smallest overlap with which sets of these sizes reach the wanted similarity: J/(1+J) (|a|+|b|).
std::size_t least_overlap(std::size_t a, std::size_t b) {
  return static_cast<std::size_t>(std::ceil(least_jaccard / (1 + least_jaccard) * static_cast<double>(a + b) - 1e-9));
}

bool similar_grams(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  const std::size_t needed = least_overlap(a.size(), b.size());
  std::size_t i = 0;
  std::size_t j = 0;
  std::size_t common = 0;
  while (i < a.size() && j < b.size()) {
    if (common + std::min(a.size() - i, b.size() - j) < needed) return false;
    if (a[i] == b[j]) {
      ++common;
      ++i;
      ++j;
    } else if (a[i] < b[j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return common >= needed;
}

// Whether `a` may be `b` misspelt: one edit for words of four letters or more, two for eight or more.
bool is_spelling_slip(std::string_view a, std::string_view b) {
  const std::size_t length = std::min(a.size(), b.size());
  const std::size_t allowed = length >= 8 ? 2 : length >= 4 ? 1 : 0;
  return allowed > 0 && edit_distance(a, b) <= allowed;
}

bool within_one_word(const Entry& a, const Entry& b) {
  const Entry& shorter = a.words.size() <= b.words.size() ? a : b;
  const Entry& longer = a.words.size() <= b.words.size() ? b : a;
  const std::size_t n = shorter.words.size();
  const std::size_t m = longer.words.size();
  if (n < least_words || m - n > 1) return false;
  std::size_t head = 0;
  while (head < n && shorter.words[head] == longer.words[head]) ++head;
  std::size_t tail = 0;
  while (tail < n - head && shorter.words[n - 1 - tail] == longer.words[m - 1 - tail]) ++tail;
  if (m - head - tail > 1) return false;
  return m > n || head == n || is_spelling_slip(words_of(shorter.key)[head], words_of(longer.key)[head]);
}

// Hash of the words without the one at `left_out` (words.size(): all words), marked by `mark`.
std::uint64_t words_key(const std::vector<std::uint64_t>& words, std::size_t left_out, std::uint64_t mark) {
  std::uint64_t key = mix64(mark);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != left_out) key = mix64(key ^ words[i]);
  }
  return key;
}

// Entries by what a near-duplicate would share with them.
class Index {
 public:
  explicit Index(std::vector<Entry> entries) : entries_(std::move(entries)), equal_(entries_.size(), none) {
    std::unordered_map<std::string_view, std::uint32_t> first;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const auto [found, is_new] = first.emplace(entries_[i].key, static_cast<std::uint32_t>(i));
      if (!is_new) equal_[i] = found->second;
    }
    std::size_t grams = 0;
    for (const Entry& entry : entries_) grams += entry.grams.size();
    buckets_ = std::bit_ceil(std::clamp<std::size_t>(grams, 1, most_buckets));
    offsets_.resize(buckets_ + 1);
    for (const Entry& entry : entries_) {
      for (const std::uint32_t gram : entry.grams) ++offsets_[bucket_of(gram)];
    }
    for (Entry& entry : entries_) choose_prefix(entry);
    post_prefixes();
    seen_.assign(entries_.size(), none);
  }

  // The first entry with the same text, if there is an earlier one.
  std::optional<std::size_t> equal(std::size_t i) const {
    if (equal_[i] == none) return std::nullopt;
    return equal_[i];
  }

  void insert_words(std::size_t i) {
    const auto id = static_cast<std::uint32_t>(i);
    for_word_keys(entries_[i], [&](std::uint64_t key) { by_words_[key].push_back(id); });
  }

  // Calls visit(j) for every entry j < limit that nearly duplicates i and for which wanted(j) holds; of equal entries
  // only the first. Short texts are found among those that insert_words() was called for.
  template <class Wanted, class Visit>
  void matches(std::size_t i, std::size_t limit, const Wanted& wanted, const Visit& visit) {
    for_word_keys(entries_[i], [&](std::uint64_t key) { visit_words(i, key, wanted, visit); });
    for (const Mark& mark : entries_[i].prefix) visit_grams(i, mark, limit, wanted, visit);
  }

 private:
  static constexpr std::size_t most_buckets = std::size_t{1} << 22;
  struct Posting {
    std::uint32_t gram;
    std::uint32_t entry;
    std::uint32_t place;
    std::uint32_t size;  // grams of the entry
  };

  std::size_t bucket_of(std::uint32_t gram) const { return gram & (buckets_ - 1); }

  // Expects the counts of all grams in offsets_.
  void choose_prefix(Entry& entry) const {
    if (entry.grams.empty()) return;
    const auto n = entry.grams.size();
    const std::size_t length =
        n - static_cast<std::size_t>(std::ceil(least_jaccard * static_cast<double>(n) - 1e-9)) + 1;
    std::vector<std::uint32_t> rare = entry.grams;
    const auto rarer = [&](std::uint32_t a, std::uint32_t b) {
      return std::pair(offsets_[bucket_of(a)], a) < std::pair(offsets_[bucket_of(b)], b);
    };
    std::partial_sort(rare.begin(), rare.begin() + static_cast<std::ptrdiff_t>(length), rare.end(), rarer);
    for (std::uint32_t place = 0; place < length; ++place) {
      // A gram that occurs once leads to nothing.
      if (offsets_[bucket_of(rare[place])] > 1) entry.prefix.push_back({rare[place], place});
    }
  }

  // Lays out all postings by bucket, entries ascending within each.
  void post_prefixes() {
    std::fill(offsets_.begin(), offsets_.end(), 0U);
    const auto for_postings = [&](const auto& visit) {
      for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (equal_[i] != none) continue;
        for (const Mark& mark : entries_[i].prefix) visit(i, mark);
      }
    };
    for_postings([&](std::size_t, const Mark& mark) { ++offsets_[bucket_of(mark.gram) + 1]; });
    std::partial_sum(offsets_.begin(), offsets_.end(), offsets_.begin());
    postings_.resize(offsets_.back());
    std::vector<std::uint32_t> next(offsets_.begin(), offsets_.end() - 1);
    for_postings([&](std::size_t i, const Mark& mark) {
      postings_[next[bucket_of(mark.gram)]++] = {mark.gram, static_cast<std::uint32_t>(i), mark.place,
                                                 static_cast<std::uint32_t>(entries_[i].grams.size())};
    });
  }

  template <class Visit>
  static void for_word_keys(const Entry& entry, const Visit& visit) {
    if (entry.words.empty()) return;
    visit(words_key(entry.words, entry.words.size(), 0));
    for (std::size_t p = 0; p < entry.words.size(); ++p) {
      visit(words_key(entry.words, p, 0));
      visit(words_key(entry.words, p, p + 1));
    }
  }

  template <class Wanted, class Visit>
  void visit_words(std::size_t i, std::uint64_t key, const Wanted& wanted, const Visit& visit) {
    const auto found = by_words_.find(key);
    if (found == by_words_.end()) return;
    const auto length = static_cast<std::ptrdiff_t>(found->second.size());
    for (auto k = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, length - longest_list));
         k < found->second.size(); ++k) {
      const std::uint32_t j = found->second[k];
      if (j == i || !wanted(j)) continue;
      const Entry& a = entries_[i];
      const Entry& b = entries_[j];
      if (std::min(a.words.size(), b.words.size()) < short_words && within_one_word(a, b)) visit(j);
    }
  }

  template <class Wanted, class Visit>
  void visit_grams(std::size_t i, const Mark& mark, std::size_t limit, const Wanted& wanted, const Visit& visit) {
    const auto& grams = entries_[i].grams;
    const auto begin = postings_.begin() + offsets_[bucket_of(mark.gram)];
    const auto end = std::lower_bound(begin, postings_.begin() + offsets_[bucket_of(mark.gram) + 1], limit,
                                      [](const Posting& posting, std::size_t entry) { return posting.entry < entry; });
    const auto first = end - begin > longest_list ? end - longest_list : begin;
    for (auto posting = first; posting != end; ++posting) {
      if (posting->gram != mark.gram || seen_[posting->entry] == i) continue;
      seen_[posting->entry] = static_cast<std::uint32_t>(i);
      // This is the rarest gram that both have, so no gram before either place is shared.
      const std::size_t most = std::min(grams.size() - mark.place, std::size_t{posting->size} - posting->place);
      if (most < least_overlap(grams.size(), posting->size) || posting->entry == i || !wanted(posting->entry)) continue;
      if (similar_grams(grams, entries_[posting->entry].grams)) visit(posting->entry);
    }
  }

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> equal_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> by_words_;
  std::size_t buckets_ = 1;             // a power of two
  std::vector<std::uint32_t> offsets_;  // where each bucket's postings begin
  std::vector<Posting> postings_;
  std::vector<std::uint32_t> seen_;  // the last entry that looked at this one
};

std::vector<Entry> entries_of(std::span<const std::string> texts, std::span<const std::string> more) {
  HONE_CHECK(texts.size() + more.size() < none);
  std::vector<Entry> entries;
  entries.reserve(texts.size() + more.size());
  for (const std::string& text : texts) entries.push_back(entry_of(text));
  for (const std::string& text : more) entries.push_back(entry_of(text));
  return entries;
}

class Groups {
 public:
  explicit Groups(std::size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), std::size_t{0}); }
  std::size_t find(std::size_t i) {
    while (parent_[i] != i) {
      parent_[i] = parent_[parent_[i]];
      i = parent_[i];
    }
    return i;
  }
  // The lower root wins, so a group is named by its lowest index.
  void join(std::size_t a, std::size_t b) {
    a = find(a);
    b = find(b);
    if (a != b) parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

}  // namespace

std::vector<std::size_t> near_duplicate_groups(std::span<const std::string> texts) {
  Index index(entries_of(texts, {}));
  Groups groups(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (const auto same = index.equal(i)) {
      groups.join(i, *same);
      continue;
    }
    index.matches(
        i, i, [&](std::size_t j) { return groups.find(i) != groups.find(j); },
        [&](std::size_t j) { groups.join(i, j); });
    index.insert_words(i);
  }
  std::vector<std::size_t> result(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) result[i] = groups.find(i);
  return result;
}

std::vector<std::optional<std::size_t>> near_duplicates_of(std::span<const std::string> texts,
                                                           std::span<const std::string> references) {
  Index index(entries_of(references, texts));
  for (std::size_t j = 0; j < references.size(); ++j) {
    if (!index.equal(j)) index.insert_words(j);
  }
  std::vector<std::optional<std::size_t>> result(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto& best = result[i];
    const std::size_t self = references.size() + i;
    const std::optional<std::size_t> same = index.equal(self);
    if (same && *same < references.size()) {
      best = same;
      continue;
    }
    index.matches(
        self, references.size(), [&](std::size_t j) { return !best || j < *best; }, [&](std::size_t j) { best = j; });
  }
  return result;
}

}  // namespace hone::data
