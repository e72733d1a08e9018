#include <algorithm>
#include <cmath>

#include "base/terminal.h"
#include "generate/label_scoring.h"

namespace hone::generate {

namespace {

// Whether the tokenizer leaves out or replaces some of `label`. That it writes a character in another way, as the model
// was trained with, is none of it.
bool is_lossy(const text::Tokenizer& tokenizer, const std::string& label) {
  const auto spelled = [&](const std::string& text) {
    std::string bytes;
    for (const text::TokenId id : tokenizer.encode_behind(text, text::Behind::text)) {
      if (!tokenizer.is_special(id)) bytes += tokenizer.token_bytes(id);
    }
    return bytes;
  };
  if (spelled(label) == label) return false;
  for (std::size_t begin = 0, end = 0; begin < label.size(); begin = end) {
    end = begin + 1;
    while (end < label.size() && (label[end] & 0xC0) == 0x80) ++end;
    const std::string character = spelled(label.substr(begin, end - begin));
    if (character.empty() || !is_utf8(character)) return true;
  }
  return false;
}

}  // namespace

int LabelTrie::add(std::span<const text::TokenId> sequence) {
  const auto child = [&](int parent, text::TokenId token) {
    for (const int index : nodes_[static_cast<std::size_t>(parent)].children) {
      if (nodes_[static_cast<std::size_t>(index)].token == token) return index;
    }
    const int added = static_cast<int>(nodes_.size());
    Node node;
    node.parent = parent;
    node.token = token;
    nodes_.push_back(std::move(node));
    nodes_[static_cast<std::size_t>(parent)].children.push_back(added);
    return added;
  };
  int node = 0;
  for (const text::TokenId token : sequence) node = child(node, token);
  return node;
}

LabelTrie::LabelTrie(const text::Tokenizer& tokenizer, std::span<const std::string> labels,
                     const text::AnswerForm& form) {
  nodes_.emplace_back();
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (is_lossy(tokenizer, labels[i])) {
      fail(
          ErrorCode::unsupported,
          "the label \"{}\" can't be answered: the model's vocabulary has no tokens for all of it; rename it, or use a "
          "model with a byte-level or byte-fallback tokenizer",
          printable(labels[i]));
    }
    const int node = add(text::encode_answer(labels[i], tokenizer, form));
    Node& leaf = nodes_[static_cast<std::size_t>(node)];
    if (leaf.label >= 0) {
      fail(ErrorCode::bad_input, "labels \"{}\" and \"{}\" are the same tokens to this model: rename one of them",
           labels[static_cast<std::size_t>(leaf.label)], labels[i]);
    }
    leaf.label = static_cast<int>(i);
  }
}

LabelTrie::LabelTrie(std::span<const std::vector<text::TokenId>> sequences) {
  nodes_.emplace_back();
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const int node = add(sequences[i]);
    Node& leaf = nodes_[static_cast<std::size_t>(node)];
    HONE_CHECK(node != 0 && leaf.label < 0 && leaf.children.empty());
    leaf.label = static_cast<int>(i);
  }
}

LabelScoring::LabelScoring(LabelTrie trie, std::size_t labels) : trie_(std::move(trie)), label_tokens_(labels, 0) {
  const auto& nodes = trie_.nodes();
  // Children come after their parents, so one pass from the back tells which nodes branch or have one that does below.
  std::vector<char> needed(nodes.size(), 0);
  for (std::size_t i = nodes.size(); i-- > 0;) {
    if (nodes[i].children.size() > 1) needed[i] = 1;
    if (needed[i] && nodes[i].parent >= 0) needed[static_cast<std::size_t>(nodes[i].parent)] = 1;
  }
  std::vector<int> depth(nodes.size(), 0);
  for (std::size_t i = 1; i < nodes.size(); ++i) {
    depth[i] = depth[static_cast<std::size_t>(nodes[i].parent)] + 1;
    if (nodes[i].label >= 0) label_tokens_[static_cast<std::size_t>(nodes[i].label)] = depth[i] - 1;
  }
  add_runs(0, -1, needed);
  for (const Run& run : runs_) run_tokens_ += static_cast<int>(run.tokens.size());
}

void LabelScoring::add_runs(int node, int parent_run, const std::vector<char>& needed) {
  const auto& nodes = trie_.nodes();
  for (const int first : nodes[static_cast<std::size_t>(node)].children) {
    if (!needed[static_cast<std::size_t>(first)]) continue;
    Run run;
    run.parent = parent_run;
    run.node = first;
    run.tokens.push_back(nodes[static_cast<std::size_t>(first)].token);
    while (nodes[static_cast<std::size_t>(run.node)].children.size() == 1) {
      run.node = nodes[static_cast<std::size_t>(run.node)].children.front();
      run.tokens.push_back(nodes[static_cast<std::size_t>(run.node)].token);
    }
    const int end = run.node;
    runs_.push_back(std::move(run));
    add_runs(end, static_cast<int>(runs_.size()) - 1, needed);
  }
}

std::vector<text::TokenId> LabelScoring::next_tokens(int node) const {
  std::vector<text::TokenId> tokens;
  for (const int child : trie_.nodes()[static_cast<std::size_t>(node)].children) {
    tokens.push_back(trie_.nodes()[static_cast<std::size_t>(child)].token);
  }
  return tokens;
}

std::vector<double> LabelScoring::probabilities(std::span<const std::vector<float>> logits) const {
  const auto& nodes = trie_.nodes();
  std::vector<double> edge(nodes.size(), 0);  // log-probability of the edge into a node; 0 where it is the only one
  std::size_t k = 0;
  const auto branch = [&](int node) {
    const auto& children = nodes[static_cast<std::size_t>(node)].children;
    const std::vector<float>& scores = logits[k++];
    HONE_CHECK(scores.size() == children.size());
    const double most = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (const float score : scores) sum += std::exp(score - most);
    for (std::size_t i = 0; i < children.size(); ++i) {
      edge[static_cast<std::size_t>(children[i])] = scores[i] - most - std::log(sum);
    }
  };
  HONE_CHECK(logits.size() == runs_.size() + (root_branches() ? 1 : 0));
  if (root_branches()) branch(0);
  for (const Run& run : runs_) branch(run.node);
  std::vector<double> result(label_tokens_.size(), 0);
  for (std::size_t i = 1; i < nodes.size(); ++i) {
    edge[i] += edge[static_cast<std::size_t>(nodes[i].parent)];
    if (nodes[i].label >= 0) result[static_cast<std::size_t>(nodes[i].label)] = std::exp(edge[i]);
  }
  return result;
}

}  // namespace hone::generate
