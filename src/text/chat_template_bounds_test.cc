// What a hostile template may cost, and what an honest one may need.
#include <gtest/gtest.h>

#include <ctime>

#include "text/chat_template_testing.h"

namespace hone::text {
namespace {

TEST(ChatTemplateBounds, HostileTemplatesEndInAnErrorNotInAHang) {
  const std::string forever = "{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}";
  EXPECT_NE(error_of(forever).find("it may loop forever"), std::string::npos);
  EXPECT_NE(error_of("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}").find("too deeply"), std::string::npos);
  const std::string doubling =
      "{% set ns = namespace(x='abcdefgh') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}";
  EXPECT_NE(error_of(doubling).find("bytes"), std::string::npos);
  EXPECT_NE(error_of("{{ 'ab' * 999999999 }}").find("bytes"), std::string::npos);
  EXPECT_NE(error_of("{{ ('a' * 99999).replace('', 'b' * 99999) }}").find("bytes"), std::string::npos);
  const std::string sharing =
      "{% set ns = namespace(x=[1]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}";
  EXPECT_NE(error_of(sharing).find("list holds more"), std::string::npos);
  const std::string nesting =
      "{% set ns = namespace(x=[1]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}";
  EXPECT_NE(error_of(nesting).find("nested deeper"), std::string::npos);
  const std::string loops =
      "{% set ns = namespace(x=[1]) %}{% for i in range(9999) %}{% for j in [ns.x] %}{% set ns.x = loop %}{% endfor %}"
      "{% endfor %}";
  EXPECT_NE(error_of(loops).find("nested deeper"), std::string::npos);
  EXPECT_FALSE(ChatTemplate::parse("{{ " + std::string(5000, '(') + std::string(5000, ')') + " }}"));
  EXPECT_FALSE(ChatTemplate::parse("{{ " + std::string(9000, '-') + "1 }}"));
  std::string chain = "{{ 1";
  for (int i = 0; i < 5000; ++i) chain += "+1";
  EXPECT_FALSE(ChatTemplate::parse(chain + " }}"));
  std::string blocks;
  for (int i = 0; i < 5000; ++i) blocks += "{% if true %}";
  EXPECT_FALSE(ChatTemplate::parse(blocks));
}

std::string keys_up_to(int count) {
  std::string keys;
  for (int i = 0; i < count; ++i) keys += (i > 0 ? ", 'k" : "'k") + std::to_string(i) + "': 1";
  return "{" + keys + "}";
}

// Each took seconds or gigabytes where only steps and the final text were counted; now each is refused within a second.
TEST(ChatTemplateBounds, WorkAndMemoryOfSingleStepsAreBoundedToo) {
  const std::string again = "{% for i in range(99999) %}";
  const std::string done = "{% endfor %}";
  std::string names;
  for (int i = 0; i < 20000; ++i) names += "{% set v" + std::to_string(i) + " = 1 %}";
  const std::string hostile[] = {
      "{% set x = " + keys_up_to(6000) + " %}" + again + "{{ x.zz }}{{ x['zz'] }}{{ 'zz' in x }}" + done,
      "{% set x = " + keys_up_to(40000) + " %}",
      "{% set x = " + keys_up_to(6000) + " %}{% set y = " + keys_up_to(6000) + " %}" + again + "{{ x == y }}" + done,
      names,
      "{% set x = 'a' * 9000000 %}{{ x.find('a' * 4000000 + 'b') }}",
      "{% set x = 'a' * 9000000 %}{{ x.replace('a' * 4000000 + 'b', '') }}",
      "{% set x = 'a' * 9000000 %}{{ 'a' * 4000000 + 'b' in x }}",
      "{{ ('ab' * 9000000).split('b') | length }}",
      "{{ ('a ' * 9000000).split() | length }}",
      "{{ ('\n' * 9000000) | indent | length }}",
      "{% for c in 'a' * 9000000 %}" + done,
      "{{ ['a' * 1000000] * 900 }}",
      "{{ (['a' * 1000000] * 900) | tojson | length }}",
      "{{ (['a' * 1000000] * 900) | sort | length }}",
      "{% set ns = namespace(x=range(90000) | list) %}{% for i in range(500) %}{% set ns.x = [ns.x] %}{% endfor %}"
      "{{ ns.x | tojson(indent=64) | length }}",
      again + "{{ 'a' * 60000 | upper }}" + done,
  };
  for (const std::string& source : hostile) {
    const std::clock_t start = std::clock();
    EXPECT_FALSE(rendered(source)) << source.substr(0, 120);
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    EXPECT_LT(seconds, 3) << source.substr(0, 120);  // a second in a release build; sanitizers are slower
  }
}

// Qwen3's asks for the number of messages at each of them.
TEST(ChatTemplateBounds, ALongConversationIsNoEndlessLoop) {
  const std::vector<Message> talk(4000, {"user", std::string(500, 'x')});
  const auto text = rendered(
      "{% for m in messages[::-1] %}{% set index = (messages | length - 1) - loop.index0 %}"
      "{% if messages is defined and messages is not none and (messages | first).role == m.role %}{{ index }},{% endif "
      "%}"
      "{% endfor %}",
      talk);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_TRUE(text->text().starts_with("3999,3998,"));
}

}  // namespace
}  // namespace hone::text
