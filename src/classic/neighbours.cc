#include "classic/classic.h"
#include "classic/label_responder.h"

namespace hone::classic {
namespace {

std::vector<double> label_shares(std::span<const data::Row> rows, const std::vector<std::string>& labels) {
  std::vector<double> shares(labels.size(), 0);
  double total = 0;
  for (const auto& row : rows) {
    const auto found = std::find(labels.begin(), labels.end(), row.output);
    if (found == labels.end()) continue;
    shares[static_cast<std::size_t>(found - labels.begin())] += 1;
    total += 1;
  }
  for (auto& share : shares) share = total > 0 ? share / total : 1 / static_cast<double>(labels.size());
  return shares;
}

}  // namespace

std::unique_ptr<text::Responder> majority(std::span<const data::Row> rows, const std::vector<std::string>& labels) {
  return label_responder(labels, [shares = label_shares(rows, labels)](const std::string&) { return shares; });
}

std::unique_ptr<text::Responder> knn(std::span<const data::Row> rows, const std::vector<std::string>& labels, int k) {
  auto index = std::make_shared<Bm25Index>(rows);
  std::vector<int> classes;
  for (const auto& row : rows) {
    const auto found = std::find(labels.begin(), labels.end(), row.output);
    classes.push_back(found == labels.end() ? -1 : static_cast<int>(found - labels.begin()));
  }
  return label_responder(
      labels, [index, classes = std::move(classes), shares = label_shares(rows, labels), k](const std::string& input) {
        std::vector<double> votes(shares.size(), 0);
        double total = 0;
        for (const auto& hit : index->nearest(input, k)) {
          if (classes[hit.row] < 0) continue;
          votes[static_cast<std::size_t>(classes[hit.row])] += hit.score;
          total += hit.score;
        }
        if (total <= 0) return shares;
        for (auto& vote : votes) vote /= total;
        return votes;
      });
}

std::unique_ptr<text::Responder> copy_input() {
  return text_responder([](const std::string& input) { return input; });
}

std::unique_ptr<text::Responder> nearest_output(std::span<const data::Row> rows) {
  auto index = std::make_shared<Bm25Index>(rows);
  std::vector<std::string> outputs;
  for (const auto& row : rows) outputs.push_back(row.output);
  return text_responder([index, outputs = std::move(outputs)](const std::string& input) {
    const auto hits = index->nearest(input, 1);
    return hits.empty() ? (outputs.empty() ? std::string() : outputs.front()) : outputs[hits.front().row];
  });
}

}  // namespace hone::classic
