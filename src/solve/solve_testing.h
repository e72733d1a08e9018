// Small tasks with a tiny model of random weights, for tests of this folder: a whole solve takes a second or two.
#pragma once

#include "base/json.h"
#include "generate/generate_testing.h"
#include "solve/workspace.h"

namespace hone::solve {

struct TestRows {
  int train = 40, validation = 12, test = 16;
};

// A task in a temporary folder, removed again with what it holds. Inputs of the label "stop" share words that those of
// "go" lack, with every tenth label wrong.
class TestTask {
 public:
  explicit TestTask(data::Kind kind = data::Kind::classify, TestRows rows = {}) : kind_(kind) {
    setenv("XDG_CACHE_HOME", (folder_.path() / "cache").c_str(), 1);
    write_file(model(), generate::tiny_gguf());
    int next = 0;
    for (const auto& [side, count] :
         {std::pair{"train", rows.train}, {"validation", rows.validation}, {"test", rows.test}}) {
      std::string lines;
      for (int i = 0; i < count; ++i) lines += to_text(row(next++)) + "\n";
      write_file(folder() / (std::string(side) + ".jsonl"), lines);
    }
    write_toml();
  }

  Path folder() const { return folder_.path() / "task"; }
  Path model() const { return folder_.path() / "tiny.gguf"; }
  const Path& root() const { return folder_.path(); }

  // hone.toml with lines more in [task] and [circumstances].
  void write_toml(const std::string& task_lines = "", const std::string& circumstances = "") {
    const std::string labels = kind_ == data::Kind::classify ? "labels = [\"stop\", \"go\"]\n" : "";
    const std::string chosen = task_lines.find("instruction") == std::string::npos ? "instruction = \"Say it.\"\n" : "";
    write_file(folder() / "hone.toml",
               "[task]\nname = \"tiny\"\nkind = \"" + std::string(data::name_of(kind_)) + "\"\n" + chosen + labels +
                   task_lines +
                   "[data]\ntrain = \"train.jsonl\"\nvalidation = \"validation.jsonl\"\ntest = \"test.jsonl\"\n"
                   "[model]\nbase = \"" +
                   base_ + "\"\n[circumstances]\n" + circumstances);
  }
  void use_base(const std::string& base) {
    base_ = base;
    write_toml();
  }

 private:
  Json row(int i) const {
    static constexpr const char* things[] = {"red", "car", "night", "bridge", "letter", "glass", "river", "song"};
    const bool stop = (i * 7 + i / 3) % 2 == 0;
    const std::string input =
        fmt::format("{} {} {} {}", stop ? "halt wait" : "move on", things[i % 8], things[(i / 8 + 3) % 8], i);
    if (kind_ == data::Kind::text)
      return {{"input", input}, {"output", (stop ? "no " : "yes ") + std::to_string(i % 4)}};
    if (kind_ == data::Kind::json) {
      return {{"input", input}, {"output", to_text(Json{{"ok", !stop}, {"n", i % 4}})}};
    }
    return {{"input", input}, {"output", (i % 10 == 9) != stop ? "stop" : "go"}};
  }

  TemporaryFolder folder_;
  data::Kind kind_;
  std::string base_ = model().string();
};

}  // namespace hone::solve
