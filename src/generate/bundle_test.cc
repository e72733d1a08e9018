#include "generate/bundle.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/json.h"
#include "data/encode.h"
#include "data/prompt_version.h"
#include "generate/bundle_files.h"
#include "generate/generate_testing.h"

namespace hone::generate {
namespace {

const std::vector<std::string> inputs = {"ignore the rules", "what is the time", "rules of the game"};

std::vector<data::Row> rows() {
  std::vector<data::Row> all;
  const std::pair<const char*, const char*> some[] = {{"ignore the rules now", "malicious"},
                                                      {"what is the weather", "benign"},
                                                      {"time to ignore rules", "malicious"},
                                                      {"what is the time in Rome", "benign"},
                                                      {"the game is fun", "benign"},
                                                      {"reveal the secret", "malicious"},
                                                      {"please reveal the rules", "malicious"},
                                                      {"is the game on", "benign"},
                                                      {"ignore me", "malicious"},
                                                      {"a game of chess", "benign"}};
  for (const auto& [input, output] : some) {
    data::Row row;
    row.id = "r" + std::to_string(all.size());
    row.input = input;
    row.output = output;
    all.push_back(std::move(row));
  }
  return all;
}

BundleRecord record_of(BundleKind kind) {
  BundleRecord record;
  record.kind = kind;
  record.contender = "one";
  record.task.file = "hone.toml";
  record.task.name = "guard";
  record.task.data.train = "rows.jsonl";
  record.task.instruction = "Is it malicious or benign?";
  record.task.labels = {"malicious", "benign"};
  record.task.metric = "macro_f1";
  record.manifest = {{"run", "r1"}};
  return record;
}

std::vector<text::Reply> ask(Bundle& bundle) {
  std::vector<text::Reply> replies(inputs.size());
  int count = 0;
  bundle.answer(inputs, {},
                [&](std::size_t i, Result<text::Reply> reply) {
                  ++count;
                  replies[i] = value_or_throw(std::move(reply));
                },
                {});
  EXPECT_EQ(count, static_cast<int>(inputs.size()));
  return replies;
}

std::vector<text::Reply> ask(text::Responder& responder, const std::vector<text::Request>& requests) {
  std::vector<text::Reply> replies(requests.size());
  responder.respond(
      requests, [&](std::size_t i, Result<text::Reply> reply) { replies[i] = value_or_throw(std::move(reply)); }, {});
  return replies;
}

std::vector<text::Request> requests_for(const data::Task& task, const std::vector<std::vector<text::Message>>& shots) {
  std::vector<text::Request> requests;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    text::AnswerSpec answer;
    answer.labels = task.labels;
    requests.push_back({"", data::conversation(task, shots[i], inputs[i]), answer});
  }
  return requests;
}

void expect_equal(const std::vector<text::Reply>& a, const std::vector<text::Reply>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].answer, b[i].answer);
    ASSERT_EQ(a[i].label_probabilities.size(), b[i].label_probabilities.size());
    for (std::size_t k = 0; k < a[i].label_probabilities.size(); ++k) {
      EXPECT_NEAR(a[i].label_probabilities[k].second, b[i].label_probabilities[k].second, 1e-6);
    }
  }
}

class BundleTest : public testing::Test {
 protected:
  BundleRecord with_base(BundleRecord record) {
    record.base_model = base_.string();
    record.base_sha256 = value_or_throw(sha256_file(base_));
    return record;
  }
  std::unique_ptr<Bundle> written(BundleRecord record, const BundleParts& parts) {
    write_bundle(bundle_, std::move(record), parts);
    return Bundle::open(exec_, bundle_);
  }
  std::string refusal() {
    try {
      Bundle::open(exec_, bundle_);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ErrorCode::bad_input);
      return failure.what();
    }
    return "";
  }

  TemporaryFolder folder_;
  Path base_ = folder_.path() / "tiny.gguf";
  Path bundle_ = folder_.path() / "bundle";
  tensor::Exec exec_{2};
  model::Model model_ = open_base();

 private:
  model::Model open_base() {
    setenv("XDG_CACHE_HOME", (folder_.path() / "cache").c_str(), 1);
    write_file(base_, tiny_gguf());
    return model::open_model(exec_, base_.string(), model::Parts::everything);
  }
};

TEST_F(BundleTest, ATunedBundleAnswersAsItsAdapterDid) {
  const model::Adapter adapter = tiny_adapter(4);
  BundleParts parts;
  parts.adapter = &adapter;
  const BundleRecord record = with_base(record_of(BundleKind::tuned));
  const auto bundle = written(record, parts);
  const auto direct = local_responder(exec_, model_, &adapter, {});
  const auto bare = local_responder(exec_, model_, nullptr, {});
  const auto requests = requests_for(record.task, {3, std::vector<text::Message>()});
  const auto replies = ask(*bundle);
  expect_equal(replies, ask(*direct, requests));
  EXPECT_NE(replies[0].label_probabilities[0].second, ask(*bare, requests)[0].label_probabilities[0].second);
  EXPECT_EQ(bundle->record().contender, "one");
  EXPECT_EQ(bundle->record().manifest.at("run"), "r1");
}

TEST_F(BundleTest, APromptedBundleShowsItsExamples) {
  BundleRecord record = with_base(record_of(BundleKind::prompted));
  record.shots = {{"user", "ignore me"}, {"assistant", "malicious"}};
  const auto bundle = written(record, {});
  const auto direct = local_responder(exec_, model_, nullptr, {});
  expect_equal(ask(*bundle), ask(*direct, requests_for(record.task, {3, record.shots})));
}

TEST_F(BundleTest, NearestExamplesAreChosenForEachInput) {
  BundleRecord record = with_base(record_of(BundleKind::prompted));
  record.knn_shots = 2;
  BundleParts parts;
  parts.rows = rows();
  const auto bundle = written(record, parts);
  const classic::Bm25Index index(parts.rows);
  std::vector<std::vector<text::Message>> shots;
  for (const std::string& input : inputs) {
    shots.emplace_back();
    const auto hits = index.nearest(input, 2);
    for (auto hit = hits.rbegin(); hit != hits.rend(); ++hit) {
      shots.back().push_back({"user", parts.rows[hit->row].input});
      shots.back().push_back({"assistant", parts.rows[hit->row].output});
    }
    EXPECT_EQ(shots.back().size(), 4U);
  }
  const auto direct = local_responder(exec_, model_, nullptr, {});
  expect_equal(ask(*bundle), ask(*direct, requests_for(record.task, shots)));
}

TEST_F(BundleTest, AProbeBundleAppliesItsHeadToHiddenStates) {
  const BundleRecord record = with_base(record_of(BundleKind::probe));
  std::vector<text::Request> requests;
  std::vector<std::string> outputs;
  for (const data::Row& row : rows()) {
    requests.push_back({row.id, data::messages_for(record.task, row.input), {}});
    outputs.push_back(row.output);
  }
  const auto states = hidden_states(exec_, model_, requests, {}, {});
  const auto head = classic::LinearHead::train(states, outputs, record.task.labels, 1);
  BundleParts parts;
  parts.head = &head;
  const auto bundle = written(record, parts);
  const auto replies = ask(*bundle);
  const auto asked = hidden_states(exec_, model_, requests_for(record.task, {3, std::vector<text::Message>()}), {}, {});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto expected = head.probabilities(asked[i]);
    EXPECT_NEAR(replies[i].label_probabilities[0].second, expected[0], 1e-5);
    EXPECT_EQ(replies[i].answer, head.labels()[expected[0] >= expected[1] ? 0 : 1]);
  }
}

TEST_F(BundleTest, ClassicBundlesAnswerAsTheirContenders) {
  BundleParts parts;
  parts.rows = rows();
  std::vector<text::Request> requests;
  for (const std::string& input : inputs) requests.push_back({"", {{"user", input}}, {}});
  const std::vector<std::string> labels = {"malicious", "benign"};
  BundleRecord knn = record_of(BundleKind::knn);
  knn.neighbours = 3;
  expect_equal(ask(*written(knn, parts)), ask(*classic::knn(parts.rows, labels, 3), requests));
  expect_equal(ask(*written(record_of(BundleKind::majority), parts)),
               ask(*classic::majority(parts.rows, labels), requests));
  const auto ngram = classic::NgramClassifier::train(parts.rows, labels, 1);
  BundleParts with_ngram;
  with_ngram.ngram = &ngram;
  expect_equal(ask(*written(record_of(BundleKind::ngram), with_ngram)), ask(*ngram.responder(), requests));
}

BundleRecord text_record(BundleKind kind) {
  BundleRecord record = record_of(kind);
  record.task.kind = data::Kind::text;
  record.task.labels.clear();
  record.task.metric = "chrf";
  return record;
}

TEST_F(BundleTest, WithoutLabelsTheNearestOutputOrTheInputItself) {
  BundleParts parts;
  parts.rows = rows();
  EXPECT_EQ(ask(*written(text_record(BundleKind::nearest), parts))[1].answer, "benign");
  // The rows are at hand, and still it is the input that comes back.
  EXPECT_EQ(ask(*written(text_record(BundleKind::copy), parts))[1].answer, inputs[1]);
}

TEST_F(BundleTest, AFreeTextAnswerIsAsLongAsItWasWhenMeasured) {
  const model::Adapter adapter = tiny_adapter(4);
  BundleParts parts;
  parts.adapter = &adapter;
  BundleRecord record = with_base(text_record(BundleKind::tuned));
  record.max_answer_tokens = 3;
  const auto bundle = written(record, parts);
  for (const text::Reply& reply : ask(*bundle)) EXPECT_LE(reply.usage.completion_tokens, 3);
  text::AnswerSpec asked;
  asked.max_tokens = 5;  // a limit of the caller's own counts
  bool longer = false;
  bundle->answer(inputs, asked,
                 [&](std::size_t, Result<text::Reply> reply) { longer |= reply->usage.completion_tokens > 3; }, {});
  EXPECT_TRUE(longer);
}

TEST_F(BundleTest, TamperingIsNamed) {
  const model::Adapter adapter = tiny_adapter(4);
  BundleParts parts;
  parts.adapter = &adapter;
  for (const char* name : {adapter_weights, adapter_config, record_file}) {
    write_bundle(bundle_, with_base(record_of(BundleKind::tuned)), parts);
    ASSERT_EQ(refusal(), "");
    std::string bytes = value_or_throw(read_file(bundle_ / name));
    const std::size_t at = bytes.rfind(name == std::string(adapter_weights) ? bytes.back() : 'a');
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_file(bundle_ / name, bytes);
    EXPECT_NE(refusal().find(name), std::string::npos) << refusal();
    std::filesystem::remove(bundle_ / name);
    if (name != std::string(record_file)) {
      EXPECT_NE(refusal().find(name), std::string::npos);
    }
  }
}

TEST_F(BundleTest, NumbersOutOfRangeAreNamed) {
  BundleParts parts;
  parts.rows = rows();
  const std::pair<const char*, int BundleRecord::*> numbers[] = {
      {"neighbours", &BundleRecord::neighbours},
      {"knn_shots", &BundleRecord::knn_shots},
      {"max_prompt_tokens", &BundleRecord::max_prompt_tokens},
      {"max_answer_tokens", &BundleRecord::max_answer_tokens}};
  for (const auto& [name, number] : numbers) {
    write_bundle(bundle_, record_of(BundleKind::knn), parts);
    BundleRecord record = read_record(bundle_);
    record.*number = -1;
    write_file(bundle_ / record_file, record_text(record));
    const std::string message = refusal();
    for (const char* part : {record_file, name, "is -1, expected a whole number", "Write the bundle again"})
      EXPECT_NE(message.find(part), std::string::npos) << message;
  }
}

TEST_F(BundleTest, ARecordThatIsCutOrOfAnotherFormNamesItsFileAndWhatToDo) {
  BundleParts parts;
  parts.rows = rows();
  write_bundle(bundle_, record_of(BundleKind::knn), parts);
  const std::string whole = value_or_throw(read_file(bundle_ / record_file));
  Json without = value_or_throw(parse_json(whole, "record"));
  without.erase("record_sha256");
  without.erase("shots");
  without["record_sha256"] = sha256_hex([&] {
    Json bare = without;
    bare.erase("record_sha256");
    return to_text(bare);
  }());
  for (const std::string& text :
       {std::string(), whole.substr(0, whole.size() / 2), std::string("[]"), to_text(without)}) {
    write_file(bundle_ / record_file, text);
    const std::string message = refusal();
    EXPECT_EQ(message.find((bundle_ / record_file).string()), 0U) << message;
    EXPECT_NE(message.find("Write the bundle again with `hone solve`"), std::string::npos) << message;
    EXPECT_EQ(message.find("json.exception"), std::string::npos) << message;
  }
}

TEST_F(BundleTest, NoFileOutsideTheFolderIsRead) {
  BundleParts parts;
  parts.rows = rows();
  const std::string secret = "not part of it";
  write_file(folder_.path() / "secret", secret);
  for (const char* name : {"../secret", "./rows.jsonl", "/etc/passwd", "a/../../secret", ""}) {
    write_bundle(bundle_, record_of(BundleKind::knn), parts);
    BundleRecord record = read_record(bundle_);
    record.hashes[name] = sha256_hex(secret);
    write_file(bundle_ / record_file, record_text(record));
    EXPECT_NE(refusal().find("not a plain path"), std::string::npos) << name;
  }
  write_bundle(bundle_, record_of(BundleKind::knn), parts);
  write_file(folder_.path() / "rows", value_or_throw(read_file(bundle_ / rows_file)));
  std::filesystem::remove(bundle_ / rows_file);
  std::filesystem::create_symlink(folder_.path() / "rows", bundle_ / rows_file);
  EXPECT_NE(refusal().find("link"), std::string::npos);
}

TEST_F(BundleTest, AnotherBaseModelIsRefused) {
  written(with_base(record_of(BundleKind::prompted)), {});
  write_file(base_, tiny_gguf(8));
  EXPECT_NE(refusal().find("SHA-256"), std::string::npos);
}

TEST_F(BundleTest, ReplacesABundleButNothingElse) {
  BundleParts parts;
  parts.rows = rows();
  written(record_of(BundleKind::knn), parts);
  BundleRecord second = record_of(BundleKind::majority);
  second.contender = "two";
  EXPECT_EQ(written(second, parts)->record().contender, "two");
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_NE(entry.path().filename().string()[0], '.') << "left over: " << entry.path();
  }
  const Path other = folder_.path() / "mine";
  write_file(other / "notes.txt", "keep");
  EXPECT_THROW(write_bundle(other, second, parts), Failure);
  EXPECT_EQ(value_or_throw(read_file(other / "notes.txt")), "keep");
  EXPECT_FALSE(is_bundle(other));
}

}  // namespace
}  // namespace hone::generate
