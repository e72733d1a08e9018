#include <gtest/gtest.h>

#include "model/export_folder.h"
#include "solve/export_stage.h"
#include "solve/solve_testing.h"

namespace hone::solve {
namespace {

// A tiny model that writes free text, where the least change shows, with an adapter as somebody else made it.
class ExportStage : public testing::Test {
 protected:
  ExportStage() {
    const model::Config config = generate::tiny_config();
    adapter_ = model::Adapter::init(config, {.rank = 2, .alpha = 4, .seed = 5});
    Rng rng(5, 0);
    for (const model::Adapter::Named& named : adapter_.tensors())
      for (std::int64_t i = 0; i < named.tensor->shape().count(); ++i)
        named.tensor->f32()[i] = static_cast<float>(0.4 * rng.normal());
    std::filesystem::create_directories(made());
    model::write_peft_folder({.adapter = &adapter_, .base = task_.model().string(), .base_sha256 = {}}, made());
  }
  Path made() const { return task_.root() / "made"; }
  Path out() const { return task_.root() / "out"; }

  ExportOutcome exported(ExportFormat format, formats::GgmlType type) const {
    return export_model({.source = {.model = made().string(), .task = task_.folder(), .base = {}},
                         .to = out(),
                         .format = format,
                         .type = type,
                         .quiet = {.progress = true}},
                        {});
  }
  // What the files in out() answer now.
  ExportCheck check_again(const ExportedModel& model) {
    ExportSource source = export_source({.model = made().string(), .task = task_.folder(), .base = {}});
    source.answered_run = answered_run_;
    source.max_answer_tokens = 12;
    return check_export({.source = &source, .exported = model, .workspace = &workspace_, .quiet = {.progress = true}},
                        {});
  }
  void replace_in(const Path& file, const std::string& what, const std::string& by) const {
    std::string text = value_or_throw(read_file(file));
    const std::size_t at = text.find(what);
    ASSERT_NE(at, std::string::npos) << what << " in " << file;
    write_file(file, text.replace(at, what.size(), by));
  }

  TestTask task_{data::Kind::text};
  Workspace workspace_ = open_workspace(task_.folder());
  model::Adapter adapter_;
  std::string answered_run_;
};

TEST_F(ExportStage, EveryFormatAnswersAsTheAdapterDoes) {
  for (const ExportFormat format :
       {ExportFormat::peft, ExportFormat::gguf_adapter, ExportFormat::hf, ExportFormat::gguf}) {
    SCOPED_TRACE(name_of(format));
    const ExportOutcome outcome = exported(format, formats::GgmlType::f32);
    ASSERT_TRUE(outcome.check) << outcome.unchecked;
    EXPECT_EQ(outcome.check->rows, 16U);
    EXPECT_EQ(outcome.check->agreeing, 16U);
    EXPECT_TRUE(outcome.check->causes.empty());
  }
}

TEST_F(ExportStage, AWrongScaleIsCalledThat) {
  exported(ExportFormat::peft, formats::GgmlType::f32);
  replace_in(out() / "adapter_config.json", "\"lora_alpha\": 4", "\"lora_alpha\": 12");
  const ExportCheck check = check_again({.model = task_.model().string(), .peft = out(), .gguf_adapter = {}});
  EXPECT_LT(check.agreement(), least_agreement);
  ASSERT_EQ(check.causes.size(), 1U);
  EXPECT_EQ(check.causes[0].cause, "scale");
  EXPECT_NE(check.causes[0].detail.find(" 3 times"), std::string::npos) << check.causes[0].detail;
  EXPECT_EQ(check.different.size(), check.rows - check.agreeing);
}

TEST_F(ExportStage, AWrongScaleOfMergedWeightsIsCalledThat) {
  model::Adapter half = adapter_.copy();
  for (const model::Adapter::Named& named : half.tensors())
    if (named.name.find("lora_B") != std::string::npos)
      for (std::int64_t i = 0; i < named.tensor->shape().count(); ++i) named.tensor->f32()[i] *= 0.5F;
  std::filesystem::create_directories(task_.root() / "half");
  model::write_peft_folder({.adapter = &half, .base = task_.model().string(), .base_sha256 = {}},
                           task_.root() / "half");
  export_model({.source = {.model = (task_.root() / "half").string(), .task = task_.folder(), .base = {}},
                .to = out(),
                .format = ExportFormat::gguf,
                .type = formats::GgmlType::f32,
                .quiet = {.progress = true}},
               {});
  const ExportCheck check = check_again({.model = (out() / "model.gguf").string(), .peft = {}, .gguf_adapter = {}});
  ASSERT_EQ(check.causes.size(), 1U);
  EXPECT_EQ(check.causes[0].cause, "scale");
  EXPECT_NE(check.causes[0].detail.find("0.5 times"), std::string::npos) << check.causes[0].detail;
}

TEST_F(ExportStage, AnotherTemplateIsCalledThat) {
  exported(ExportFormat::hf, formats::GgmlType::f32);
  write_file(out() / "chat_template.jinja",
             "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}{{ '<|im_start|>' }}");
  const ExportCheck check = check_again({.model = out().string(), .peft = {}, .gguf_adapter = {}});
  ASSERT_EQ(check.causes.size(), 1U);
  EXPECT_EQ(check.causes[0].cause, "template");
}

TEST_F(ExportStage, AnotherTokenizerIsCalledThat) {
  exported(ExportFormat::hf, formats::GgmlType::f32);
  replace_in(out() / "tokenizer.json", "[\"e\",\"r\"],", "");
  const ExportCheck check = check_again({.model = out().string(), .peft = {}, .gguf_adapter = {}});
  ASSERT_EQ(check.causes.size(), 1U);
  EXPECT_EQ(check.causes[0].cause, "tokenizer");
}

TEST_F(ExportStage, RoundingIsCalledPrecision) {
  const ExportOutcome outcome = exported(ExportFormat::hf, formats::GgmlType::bf16);
  ASSERT_TRUE(outcome.check);
  const ExportCheck check = check_again({.model = out().string(), .peft = {}, .gguf_adapter = {}});
  if (check.agreement() >= least_agreement) GTEST_SKIP() << "bf16 changes no answer of this model";
  ASSERT_EQ(check.causes.size(), 1U);
  EXPECT_EQ(check.causes[0].cause, "precision");
}

// What the trained run's store says counts, not what the same weights say today.
TEST_F(ExportStage, RecordedAnswersAreTheTrainedRuns) {
  exported(ExportFormat::peft, formats::GgmlType::f32);
  answered_run_ = workspace_.store.begin("contender", "fine-tuned", {{"data_key", workspace_.data_key}});
  std::vector<eval::ScoredRow> rows;
  for (const data::Row& row : workspace_.split.test) {
    eval::ScoredRow scored;
    scored.id = row.id;
    scored.answer = "no model says this";
    rows.push_back(scored);
  }
  workspace_.store.append_rows(answered_run_, "test", rows);
  const ExportCheck check = check_again({.model = task_.model().string(), .peft = out(), .gguf_adapter = {}});
  EXPECT_EQ(check.agreeing, 0U);
  ASSERT_EQ(check.causes.size(), 1U);
  EXPECT_EQ(check.causes[0].cause, "precision");
}

TEST_F(ExportStage, WithoutATaskItSaysWhyNothingWasChecked) {
  const ExportOutcome outcome = export_model({.source = {.model = made().string(), .task = {}, .base = {}},
                                              .to = out(),
                                              .format = ExportFormat::peft,
                                              .type = {},
                                              .quiet = {.progress = true}},
                                             {});
  EXPECT_FALSE(outcome.check);
  EXPECT_NE(outcome.unchecked.find("--task"), std::string::npos);
}

}  // namespace
}  // namespace hone::solve
