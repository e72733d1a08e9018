#include "data/near_index.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/threads.h"
#include "data/near_keys.h"

namespace hone::data {
namespace {

constexpr std::size_t most_before = 1000;  // texts of one key that a text is compared with
constexpr std::size_t cached_texts = 4096;
constexpr std::size_t usual_keys = band_count + 8;

std::uint64_t hash_or_none(const std::string& text) { return text.empty() ? 0 : hash64(text) | 1U; }

}  // namespace

NearIndex::NearIndex(std::span<const std::string_view> texts, Law law)
    : texts_(texts), law_(std::move(law)), sketches_(texts.size()), cache_(std::min(texts.size(), cached_texts)) {
  HONE_CHECK(texts.size() < UINT32_MAX && (law_.compared == Law::Compared::all || law_.sides.size() == 1));
  ThreadPool pool;
  slices_.resize(static_cast<std::size_t>(pool.size()));
  pool.for_slices(texts.size(), 64, [&](std::size_t begin, std::size_t end, int worker) {
    Slice& slice = slices_[static_cast<std::size_t>(worker)];
    slice.begin = begin;
    slice.end = end;
    prepare(slice);
  });
  find_first();
}

void NearIndex::prepare(Slice& slice) {
  // Pages that are not written take no memory.
  slice.postings.reserve((slice.end - slice.begin) * usual_keys);
  std::vector<std::uint64_t> keys;
  for (std::size_t i = slice.begin; i < slice.end; ++i) {
    NearText text = near_text(texts_[i]);
    keys.clear();
    append_near_keys(text, law_.least, keys);
    for (const std::uint64_t key : keys) {
      slice.postings.push_back(
          {static_cast<std::uint32_t>(key >> 32), static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(i)});
    }
    Sketch& sketch = sketches_[i];
    sketch.key = hash_or_none(text.key);
    sketch.form = hash_or_none(text.form);
    sketch.grams = static_cast<std::uint32_t>(text.grams.size());
    for (const std::uint32_t gram : text.grams) sketch.bits[gram >> 6U & 7U] |= std::uint64_t{1} << (gram & 63U);
    if (law_.least == Likeness::one_word || text.words.size() <= short_words) sketch.words = std::move(text.words);
  }
  std::sort(slice.postings.begin(), slice.postings.end(), [](const Posting& a, const Posting& b) {
    return std::tie(a.key_high, a.key_low, a.text) < std::tie(b.key_high, b.key_low, b.text);
  });
}

void NearIndex::find_first() {
  first_.resize(texts_.size());
  std::unordered_map<std::uint64_t, std::uint32_t> first;
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    if (std::find(law_.sides.begin(), law_.sides.end(), i) != law_.sides.end()) first.clear();
    first_[i] = i;
    if (sketches_[i].key != 0) first_[i] = first.emplace(sketches_[i].key, static_cast<std::uint32_t>(i)).first->second;
  }
}

const NearText& NearIndex::prepared(std::size_t text) {
  Cached& cached = cache_[text % cache_.size()];
  if (cached.text != text) cached = {text, near_text(texts_[text])};
  return cached.prepared;
}

bool NearIndex::may_be_alike(const Sketch& a, const Sketch& b) const {
  if ((a.key != 0 && a.key == b.key) || (a.form != 0 && a.form == b.form)) return true;
  if (!a.words.empty() && !b.words.empty() && is_one_edit_apart(a.words, b.words)) return true;
  if (a.grams == 0 || b.grams == 0) return false;
  std::size_t apart = 0;  // at most the grams that one has and the other has not
  for (std::size_t i = 0; i < a.bits.size(); ++i)
    apart += static_cast<std::size_t>(std::popcount(a.bits[i] ^ b.bits[i]));
  const std::size_t both = std::size_t{a.grams} + b.grams;
  return apart <= both && (both - apart) / 2 >= least_overlap(a.grams, b.grams);
}

void NearIndex::visit_run(std::span<const std::uint32_t> run, const Wanted& wanted, const Visit& visit) {
  const bool across = law_.compared == Law::Compared::second_with_first;
  const auto second = across ? std::lower_bound(run.begin(), run.end(), law_.sides.front()) : run.begin();
  for (auto at = second; at != run.end(); ++at) {
    const auto end = across ? second : at;
    const auto begin = end - std::min<std::ptrdiff_t>(end - run.begin(), most_before);
    std::optional<NearText> text;
    for (auto other = begin; other != end; ++other) {
      if (!wanted(*at, *other) || !may_be_alike(sketches_[*at], sketches_[*other])) continue;
      if (!text) text = prepared(*at);
      const Likeness likeness = likeness_of(*text, prepared(*other));
      if (likeness >= law_.least) visit(*at, *other, likeness);
    }
  }
}

void NearIndex::visit_pairs(const Wanted& wanted, const Visit& visit) {
  std::vector<std::size_t> at(slices_.size(), 0);
  const auto key_at = [&](std::size_t s) -> std::optional<std::uint64_t> {
    if (at[s] == slices_[s].postings.size()) return std::nullopt;
    const Posting& posting = slices_[s].postings[at[s]];
    return std::uint64_t{posting.key_high} << 32U | posting.key_low;
  };
  std::vector<std::uint32_t> run;
  while (true) {
    std::optional<std::uint64_t> least;
    for (std::size_t s = 0; s < slices_.size(); ++s) {
      const auto key = key_at(s);
      if (key && (!least || *key < *least)) least = key;
    }
    if (!least) return;
    run.clear();
    for (std::size_t s = 0; s < slices_.size(); ++s) {
      for (; key_at(s) == least; ++at[s]) {
        const std::uint32_t text = slices_[s].postings[at[s]].text;
        if (first_[text] == text && (run.empty() || run.back() != text)) run.push_back(text);
      }
    }
    if (run.size() > 1) visit_run(run, wanted, visit);
  }
}

}  // namespace hone::data
