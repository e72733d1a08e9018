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
#include "data/near_text.h"

namespace hone::data {
namespace {

constexpr std::ptrdiff_t longest_list = 8192;  // postings looked at for one gram
constexpr std::uint32_t none = UINT32_MAX;

struct Mark {
  std::uint32_t gram = 0;
  std::uint32_t place = 0;  // among the entry's grams, rarest first
};

struct Entry : NearText {
  std::vector<Mark> prefix;  // the rarest grams, of which a near-duplicate shares at least one
};

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
  explicit Index(std::vector<Entry> entries)
      : entries_(std::move(entries)), equal_(first_with(&Entry::key)), same_form_(first_with(&Entry::form)) {
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
  std::optional<std::size_t> equal(std::size_t i) const { return place(equal_[i]); }
  // The first long entry that differs in its numbers only, if there is an earlier one.
  std::optional<std::size_t> same_form(std::size_t i) const { return place(same_form_[i]); }

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

  static std::optional<std::size_t> place(std::uint32_t entry) {
    if (entry == none) return std::nullopt;
    return entry;
  }

  // For each entry the first earlier one that holds the same; none where this is the first, or it holds nothing.
  std::vector<std::uint32_t> first_with(std::string Entry::*part) const {
    std::vector<std::uint32_t> earlier(entries_.size(), none);
    std::unordered_map<std::string_view, std::uint32_t> first;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if ((entries_[i].*part).empty()) continue;
      const auto [found, is_new] = first.emplace(entries_[i].*part, static_cast<std::uint32_t>(i));
      if (!is_new) earlier[i] = found->second;
    }
    return earlier;
  }

  std::size_t bucket_of(std::uint32_t gram) const { return gram & (buckets_ - 1); }

  // Expects the counts of all grams in offsets_.
  void choose_prefix(Entry& entry) const {
    if (entry.grams.empty()) return;
    const auto n = entry.grams.size();
    const std::size_t length =
        n - static_cast<std::size_t>(std::ceil(least_gram_overlap * static_cast<double>(n) - 1e-9)) + 1;
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
  std::vector<std::uint32_t> same_form_;
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
  for (const std::string& text : texts) entries.push_back(Entry{near_text(text), {}});
  for (const std::string& text : more) entries.push_back(Entry{near_text(text), {}});
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
    if (const auto alike = index.same_form(i)) groups.join(i, *alike);
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
    const std::optional<std::size_t> alike = index.same_form(self);
    if (alike && *alike < references.size()) best = alike;
    index.matches(
        self, references.size(), [&](std::size_t j) { return !best || j < *best; }, [&](std::size_t j) { best = j; });
  }
  return result;
}

}  // namespace hone::data
