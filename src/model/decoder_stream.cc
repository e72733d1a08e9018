#include "model/decoder_stream.h"

#include <algorithm>

namespace hone::model {
namespace {

// One stretch of the stream: new rows, the keys before them, and their own range of keys.
struct Placed {
  std::int32_t first_row = 0;
  std::int32_t length = 0;
  std::vector<ops::KeyRange> ancestors;  // root first
  ops::KeyRange own;                     // up to and with the new rows
};

// Query rows [begin, end) of `visible`'s owner; `seen(i)` keys of the own range.
class PlanBuilder {
 public:
  // `rows`: the stretch's rows that are queries, as offsets into it.
  void add(const Placed& placed, std::int32_t query_begin, const std::vector<std::int32_t>& rows) {
    ops::AttentionPlan::Item item;
    item.query_begin = query_begin;
    item.query_count = static_cast<std::int32_t>(rows.size());
    item.first_range = static_cast<std::int32_t>(plan_.ranges.size());
    // Ranges that follow each other in memory are one: fewer and larger products.
    std::int32_t merged = 0;
    for (const ops::KeyRange& range : placed.ancestors) push(range, item);
    merged = push(placed.own, item);
    item.range_count = static_cast<std::int32_t>(plan_.ranges.size()) - item.first_range;
    const std::int32_t before = placed.own.length - placed.length + merged;
    for (std::int32_t row : rows) plan_.visible.push_back(before + row + 1);
    plan_.items.push_back(item);
  }

  // Puts items of one root next to each other, roots in order. `roots`: one for each item.
  ops::AttentionPlan grouped(const std::vector<std::int32_t>& roots) {
    std::vector<std::size_t> order(plan_.items.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return roots[a] < roots[b]; });
    std::vector<ops::AttentionPlan::Item> items;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i == 0 || roots[order[i]] != roots[order[i - 1]]) plan_.groups.push_back(static_cast<std::int32_t>(i));
      items.push_back(plan_.items[order[i]]);
    }
    plan_.groups.push_back(static_cast<std::int32_t>(items.size()));
    plan_.items = std::move(items);
    return std::move(plan_);
  }

 private:
  // Appends or merges; returns how many keys of a merged range lie before `range`.
  std::int32_t push(const ops::KeyRange& range, const ops::AttentionPlan::Item& item) {
    if (static_cast<std::int32_t>(plan_.ranges.size()) > item.first_range) {
      ops::KeyRange& previous = plan_.ranges.back();
      if (previous.begin + previous.length == range.begin) {
        const std::int32_t before = previous.length;
        previous.length += range.length;
        return before;
      }
    }
    plan_.ranges.push_back(range);
    return 0;
  }

  ops::AttentionPlan plan_;
};

// Both plans of `stream` from its stretches; roots: which tree each belongs to.
void make_plans(const std::vector<Placed>& stretches, const std::vector<std::int32_t>& roots, Stream& stream) {
  PlanBuilder all;
  PlanBuilder last;
  std::vector<std::int32_t> rows;
  auto next = stream.wanted.begin();
  for (const Placed& placed : stretches) {
    rows.clear();
    for (std::int32_t i = 0; i < placed.length; ++i) rows.push_back(i);
    all.add(placed, placed.first_row, rows);
    rows.clear();
    const auto query_begin = static_cast<std::int32_t>(next - stream.wanted.begin());
    for (; next != stream.wanted.end() && *next < placed.first_row + placed.length; ++next) {
      rows.push_back(*next - placed.first_row);
    }
    last.add(placed, query_begin, rows);
  }
  stream.all = all.grouped(roots);
  stream.last = last.grouped(roots);
}

void check_length(std::int64_t length, const Config& config) {
  if (length > config.context) {
    fail(ErrorCode::bad_input, "a sequence of {} tokens is longer than the model's context of {}; shorten the input",
         length, config.context);
  }
}

void check_ids(const std::vector<std::int32_t>& ids, const Config& config) {
  for (std::int32_t id : ids) {
    if (id < 0 || id >= config.vocabulary) {
      fail(ErrorCode::bad_input, "token id {} is outside the model's vocabulary of {}", id, config.vocabulary);
    }
  }
}

void check_wanted(const Stream& stream) {
  std::int32_t previous = -1;
  for (std::int32_t row : stream.wanted) {
    HONE_CHECK(row > previous && row < stream.rows());
    previous = row;
  }
}

}  // namespace

Stream stream_of(const TrainBatch& batch, const Config& config) {
  check_ids(batch.ids, config);
  Stream stream;
  stream.ids = batch.ids;
  for (const TrainBatch::Target& target : batch.targets) {
    HONE_CHECK(stream.wanted.empty() || stream.wanted.back() <= target.row);
    if (stream.wanted.empty() || stream.wanted.back() != target.row) stream.wanted.push_back(target.row);
  }
  check_wanted(stream);
  std::vector<Placed> stretches;
  std::vector<std::int32_t> roots;
  std::int32_t row = 0;
  for (const TrainBatch::Stretch& stretch : batch.stretches) {
    const auto index = static_cast<std::int32_t>(stretches.size());
    HONE_CHECK(stretch.parent >= -1 && stretch.parent < index && stretch.length >= 0);
    Placed placed;
    placed.first_row = row;
    placed.length = stretch.length;
    placed.own = {row, stretch.length};
    std::int32_t position = 0;
    if (stretch.parent >= 0) {
      const Placed& parent = stretches[static_cast<std::size_t>(stretch.parent)];
      placed.ancestors = parent.ancestors;
      if (parent.length > 0) placed.ancestors.push_back(parent.own);
      for (const ops::KeyRange& range : placed.ancestors) position += range.length;
    }
    check_length(static_cast<std::int64_t>(position) + stretch.length, config);
    for (std::int32_t i = 0; i < stretch.length; ++i) stream.positions.push_back(position + i);
    roots.push_back(stretch.parent < 0 ? index : roots[static_cast<std::size_t>(stretch.parent)]);
    stretches.push_back(std::move(placed));
    row += stretch.length;
  }
  HONE_CHECK(row == static_cast<std::int32_t>(batch.ids.size()));
  make_plans(stretches, roots, stream);
  return stream;
}

Stream stream_of(const Step& step, const Config& config, KvCache& cache) {
  check_ids(step.ids, config);
  Stream stream;
  stream.ids = step.ids;
  stream.wanted = step.wanted;
  check_wanted(stream);
  std::vector<Placed> stretches;
  std::vector<std::int32_t> roots;
  std::int32_t row = 0;
  for (const Piece& piece : step.pieces) {
    HONE_CHECK(piece.node >= 0 && piece.node < cache.count() && piece.length >= 0);
    cache.fill(piece.node, piece.length);
    const KvNode& node = cache.node(piece.node);
    check_length(static_cast<std::int64_t>(node.position) + node.length, config);
    Placed placed;
    placed.first_row = row;
    placed.length = piece.length;
    placed.own = {node.begin, node.length};
    for (std::int32_t parent = node.parent; parent >= 0; parent = cache.node(parent).parent) {
      const KvNode& ancestor = cache.node(parent);
      if (ancestor.length > 0) placed.ancestors.push_back({ancestor.begin, ancestor.length});
    }
    std::reverse(placed.ancestors.begin(), placed.ancestors.end());
    const std::int32_t before = node.length - piece.length;
    for (std::int32_t i = 0; i < piece.length; ++i) stream.positions.push_back(node.position + before + i);
    stream.copies.push_back({row, node.begin + before, piece.length});
    roots.push_back(static_cast<std::int32_t>(roots.size()));
    stretches.push_back(std::move(placed));
    row += piece.length;
  }
  HONE_CHECK(row == static_cast<std::int32_t>(step.ids.size()));
  make_plans(stretches, roots, stream);
  return stream;
}

}  // namespace hone::model
