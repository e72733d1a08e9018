#include "text/chat_template.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/files.h"
#include "base/hash.h"
#include "text/chat_template_testing.h"

namespace hone::text {
namespace {

struct Case {
  std::vector<Message> messages;
  RenderOptions options;
};

std::vector<Message> messages_of(const Json& json) {
  std::vector<Message> messages;
  for (const Json& message : json) messages.push_back(value_or_throw(message_from_json(message, "case")));
  return messages;
}

Json golden(const char* name) {
  const Path path = Path(HONE_SOURCE_DIR) / "tests/golden" / name;
  return value_or_throw(parse_json(value_or_throw(read_file(path)), path.string()));
}

Path shared_data() {
  const char* set = std::getenv("HONE_SHARED_DATA");
  return set != nullptr ? Path(set) : Path(HONE_SOURCE_DIR).parent_path() / "shared/data";
}

Case case_of(const Json& json) {
  Case one;
  one.messages = messages_of(json["messages"]);
  one.options.add_generation_prompt = json["add_generation_prompt"].get<bool>();
  one.options.bos_token = json["bos_token"].get<std::string>();
  one.options.eos_token = json["eos_token"].get<std::string>();
  one.options.today = json["today"].get<std::string>();
  one.options.extra = json["extra"];
  return one;
}

// The bytes of one origin, stretches separated by '|'.
std::string bytes_from(const MarkedText& text, Origin origin) {
  std::string out;
  for (const auto& stretch : text.stretches()) {
    if (stretch.origin != origin) continue;
    if (!out.empty()) out += '|';
    out += text.text().substr(stretch.begin, stretch.end - stretch.begin);
  }
  return out;
}

TEST(ChatTemplate, RendersWhatJinja2Renders) {
  const Json cases = golden("chat_templates.json");
  ASSERT_GT(cases.size(), 70U);
  for (const Json& json : cases) {
    const Case one = case_of(json);
    const auto parsed = ChatTemplate::parse(json["template"].get<std::string>());
    ASSERT_TRUE(parsed) << parsed.error().message;
    const auto text = parsed->render(one.messages, one.options);
    if (json["text"].is_null()) {
      EXPECT_FALSE(text) << json["template"] << " rendered " << text->text();
    } else {
      ASSERT_TRUE(text) << json["template"] << ": " << text.error().message;
      EXPECT_EQ(text->text(), json["text"].get<std::string>()) << json["template"];
    }
  }
}

// How many renderings of a template over all talks and extras have another hash than jinja2's; the first is shown.
int different(const ChatTemplate& chat, const Json& golden, const Json& hashes) {
  int count = 0;
  std::size_t at = 0;
  for (const Json& talk : golden["talks"]) {
    const std::vector<Message> messages = messages_of(talk["messages"]);
    for (const Json& extra : golden["extras"]) {
      RenderOptions options;
      options.add_generation_prompt = talk["add_generation_prompt"].get<bool>();
      options.bos_token = golden["bos_token"].get<std::string>();
      options.eos_token = golden["eos_token"].get<std::string>();
      options.today = golden["today"].get<std::string>();
      options.extra = extra;
      const auto made = chat.render(messages, options);
      const Json hash = made ? Json(sha256_hex(made->text()).substr(0, 8)) : Json();
      if (hash == hashes.at(at++)) continue;
      if (count++ == 0) ADD_FAILURE() << talk << "\n" << extra << "\n" << (made ? made->text() : made.error().message);
    }
  }
  EXPECT_EQ(at, hashes.size());
  return count;
}

TEST(ChatTemplate, ToolsCallsAndReasoningAreWrittenAsJinja2WritesThem) {
  const Json all = golden("chat_talks.json");
  ASSERT_GE(all["talks"].size(), 100U);
  int compared = 0;
  for (const Json& one : all["templates"]) {
    std::string source;
    if (one.contains("template")) {
      source = one["template"].get<std::string>();
    } else {
      const Path path = shared_data() / "templates" / one["file"].get<std::string>();
      const auto read = read_file(path);
      if (!read || sha256_hex(*read) != one["sha256"].get<std::string>()) continue;
      source = *read;
    }
    EXPECT_EQ(different(value_or_throw(ChatTemplate::parse(source)), all, one["hashes"]), 0)
        << one.value("file", "own");
    ++compared;
  }
  EXPECT_GE(compared, 1);
  std::printf("%d of %zu templates\n", compared, all["templates"].size());
}

TEST(Message, IsReadAsChatApisWriteIt) {
  const auto read = [](const char* json) {
    return message_from_json(value_or_throw(parse_json(json, "m")), "m.jsonl:1");
  };
  const auto plain = value_or_throw(read(R"({"role": "user", "content": "hi", "name": null})"));
  EXPECT_EQ(plain.role + plain.content, "userhi");
  EXPECT_TRUE(plain.fields.is_null());
  const auto call =
      value_or_throw(read(R"({"role": "assistant", "content": null, "tool_calls": [1], "reasoning": "r"})"));
  EXPECT_EQ(call.content, "");
  EXPECT_EQ(call.fields,
            (Json{{"tool_calls", {1}}, {"reasoning", "r"}, {"reasoning_content", "r"}, {"thinking", "r"}}));
  const auto parts = value_or_throw(read(R"({"role": "user", "content": [{"type": "text", "text": "t"}]})"));
  EXPECT_EQ(parts.fields["content"][0]["text"], "t");
  for (const char* bad : {"[]", "{}", R"({"role": 1, "content": ""})", R"({"role": "user"})", R"({"content": "x"})",
                          R"({"role": "user", "content": null})", R"({"role": "user", "content": 5})"}) {
    const auto refused = read(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_NE(refused.error().message.find("m.jsonl:1: each message needs \"role\" and \"content\""),
              std::string::npos);
  }
}

// Whatever a message or tool holds, it cannot open or close a turn.
TEST(ChatTemplate, FieldsAndToolsAreOutsideText) {
  const auto chat = value_or_throw(ChatTemplate::parse(
      "{% for m in messages %}{{ m.role }}{% for c in m.tool_calls %}({{ c.name }} {{ c.arguments | tojson }})"
      "{% endfor %}{{ m.reasoning_content }}{% endfor %}{{ tools | tojson }}"));
  const std::vector<Message> talk = {
      {"assistant",
       "",
       {{"tool_calls", {{{"name", "f<|x|>"}, {"arguments", {{"<|k|>", "<|v|>"}}}}}}, {"reasoning_content", "r"}}}};
  RenderOptions options;
  options.extra = {{"tools", {{{"<|t|>", 1}}}}};
  const auto text = value_or_throw(chat.render(talk, options));
  EXPECT_EQ(text.text(), R"(assistant(f<|x|> {"<|k|>": "<|v|>"})r[{"<|t|>": 1}])");
  EXPECT_EQ(bytes_from(text, Origin::from_answer), "f<|x|>|<|k|>|<|v|>|r");
  EXPECT_EQ(bytes_from(text, Origin::from_user), "<|t|>");
}

TEST(ChatTemplate, EveryByteKeepsItsOriginThroughTheOperationsTemplatesUse) {
  const std::vector<Message> talk = {{"user", "  <think>Ab</think> c  "}, {"assistant", "xYx"}};
  const auto text = rendered(
      "[{{ messages[0].content | trim }}]"
      "[{{ messages[0].content.split('</think>')[-1].strip() }}]"
      "[{{ messages[0].content.replace('<think>', '<T>')[2:6] }}]"
      "[{{ messages[1].content.upper() }}]"
      "[{{ [messages[0].role, messages[1].content] | join('+') }}]"
      "[{{ messages[0].content | tojson }}]"
      "[{{ 'a' ~ messages[1].content[1] + 'b' }}]"
      "{% macro wrap(x) %}({{ x }}){% endmacro %}{{ wrap(messages[1].content) }}"
      "{% set kept %}<{{ messages[1].content }}>{% endset %}{{ kept }}",
      talk);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(bytes_from(*text, Origin::from_user), "<think>Ab</think> c|c|A|  <think>Ab</think> c  ");
  EXPECT_EQ(bytes_from(*text, Origin::from_answer), "XYX|xYx|Y|xYx|xYx");
  EXPECT_EQ(bytes_from(*text, Origin::from_template), "[|][|][<T>|][|][user+|][\"|\"][a|b](|)<|>");
}

TEST(ChatTemplate, ARoleThatIsNoPlainWordAndExtraVariablesAreOutsideText) {
  const auto chatml = ChatTemplate::chatml();
  const std::vector<Message> talk = {{"user<|im_end|>", "hi"}};
  const auto text = value_or_throw(chatml.render(talk, {}));
  EXPECT_EQ(bytes_from(text, Origin::from_user), "user<|im_end|>|hi");
  RenderOptions options;
  options.extra = {{"note", "<|im_end|>"}};
  const auto with_extra = value_or_throw(value_or_throw(ChatTemplate::parse("{{ note }}!")).render(talk, options));
  EXPECT_EQ(bytes_from(with_extra, Origin::from_user), "<|im_end|>");
}

TEST(ChatTemplate, InvalidUtf8InAMessageComesThroughUnchanged) {
  const std::vector<Message> talk = {{"user", "a\xFF\xC3 b\xE2\x82"}};
  const auto text = rendered("{{ messages[0].content | trim }}|{{ messages[0].content | length }}", talk);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->text(), "a\xFF\xC3 b\xE2\x82|7");
}

TEST(ChatTemplate, UnknownConstructsAreNamedWithTheirLine) {
  EXPECT_NE(error_of("a\n{% include 'x' %}").find("line 2: the statement 'include'"), std::string::npos);
  EXPECT_NE(error_of("\n\n{{ 'x' | urlize }}").find("line 3: the filter 'urlize'"), std::string::npos);
  EXPECT_NE(error_of("{{ 'x' is fancy }}").find("line 1: the test 'fancy'"), std::string::npos);
  EXPECT_NE(error_of("{{ 1 }}\n{{ 'x'.format(1) }}").find("line 2: the string method 'format'"), std::string::npos);
  EXPECT_NE(error_of("{% for x in y recursive %}{% endfor %}").find("recursive"), std::string::npos);
  EXPECT_NE(error_of("{% for x in [1] %}{% macro m() %}{% endmacro %}{% endfor %}").find("macro"), std::string::npos);
  EXPECT_NE(error_of("{{ f(*x) }}").find("'*'"), std::string::npos);
  EXPECT_NE(error_of("\n{{ raise_exception('only two turns') }}").find("line 2: the template refuses"),
            std::string::npos);
  EXPECT_NE(error_of("{{ strftime_now('%d') }}").find("date"), std::string::npos);
}

TEST(ChatTemplate, BrokenTemplatesAreErrors) {
  for (const char* source : {"{{",
                             "{{ }}",
                             "{% if %}x{% endif %}",
                             "{% if x %}",
                             "{% endif %}",
                             "{{ 'a }}",
                             "{{ (1 }}",
                             "{{ 1) }}",
                             "{# x",
                             "{% raw %}x",
                             "{{ a.  }}",
                             "{% set 1 = 2 %}",
                             "{% for in x %}{% endfor %}",
                             "{{ [1, }}",
                             "{{ {1: } }}",
                             "{{ a b }}",
                             "{% break %}",
                             "{{ 'a' is }}",
                             "{{ x | }}",
                             "{% macro %}{% endmacro %}",
                             "{{ \"\\ud800\" }}",
                             "{{ 1 @ 2 }}",
                             "{% set true = 1 %}",
                             "{{ 99999999999999999999 }}",
                             "{% %}",
                             "{{ a[1:2:3:4] }}",
                             "{{ f(a=1, 2) }}"}) {
    EXPECT_FALSE(ChatTemplate::parse(source)) << source;
  }
}

TEST(ChatTemplate, ANamespaceThatHoldsItselfIsHarmless) {
  const auto text = rendered("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns.me.me is defined }}");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->text(), "True");
  EXPECT_NE(error_of("{% set ns = namespace() %}{{ ns }}").find("cannot be printed"), std::string::npos);
}

}  // namespace
}  // namespace hone::text
