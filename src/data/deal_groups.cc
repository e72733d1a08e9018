#include "data/deal_groups.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/hash.h"

namespace hone::data {
namespace {

using Groups = std::vector<DealtGroup*>;

// Each group to the side that is furthest behind its share of this label's rows so far, and, among equals, of all rows.
void deal_label(const Groups& groups, const Deal& deal, std::vector<double>& all) {
  std::vector<double> own(deal.shares.size());
  double own_total = 0;
  double all_total = 0;
  for (const double rows : all) all_total += rows;
  for (DealtGroup* group : groups) {
    const auto rows = static_cast<double>(group->rows);
    own_total += rows;
    all_total += rows;
    std::size_t best = 0;
    double best_lag = -1e300;
    for (std::size_t side = 0; side < own.size(); ++side) {
      const double lag = deal.shares[side] * own_total - own[side] + 1e-3 * (deal.shares[side] * all_total - all[side]);
      if (lag > best_lag) {
        best_lag = lag;
        best = side;
      }
    }
    group->side = best;
    own[best] += rows;
    all[best] += rows;
  }
}

// Moves groups from the first side, last dealt first, from the labels with most rows there, until `side` has enough.
void top_up(std::map<std::string, Groups>& labels, std::size_t side, double missing) {
  while (missing > 0) {
    Groups* richest = nullptr;
    double most = 0;
    for (auto& [label, groups] : labels) {
      double rows = 0;
      std::size_t count = 0;
      for (const DealtGroup* group : groups) {
        if (group->side != 0) continue;
        rows += static_cast<double>(group->rows);
        ++count;
      }
      if (count > 1 && rows > most) {
        most = rows;
        richest = &groups;
      }
    }
    if (richest == nullptr) return;
    const auto last =
        std::find_if(richest->rbegin(), richest->rend(), [](const DealtGroup* g) { return g->side == 0; });
    (*last)->side = side;
    missing -= static_cast<double>((*last)->rows);
  }
}

}  // namespace

double place_of(const std::string& group, std::uint64_t seed) {
  return static_cast<double>(hash64(group, seed) >> 11) * 0x1.0p-53;
}

void deal_groups(std::span<DealtGroup> groups, const Deal& deal) {
  HONE_CHECK(!deal.shares.empty() && deal.least.size() == deal.shares.size());
  std::size_t total = 0;
  for (const DealtGroup& group : groups) total += group.rows;
  std::vector<double> dealt(deal.shares.size());
  std::map<std::string, Groups> labels;
  for (DealtGroup& group : groups) {
    if (static_cast<double>(group.rows) > deal.largest * static_cast<double>(total)) {
      group.side = 0;
      dealt[0] += static_cast<double>(group.rows);
    } else {
      labels[group.label].push_back(&group);
    }
  }
  for (auto& [label, members] : labels) {
    std::sort(members.begin(), members.end(), [&](const DealtGroup* a, const DealtGroup* b) {
      return std::pair(hash64(a->id, deal.seed), a->id) < std::pair(hash64(b->id, deal.seed), b->id);
    });
    deal_label(members, deal, dealt);
  }
  for (std::size_t side = 1; side < dealt.size(); ++side) {
    top_up(labels, side, static_cast<double>(deal.least[side]) - dealt[side]);
  }
}

}  // namespace hone::data
