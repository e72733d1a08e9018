// libFuzzer entry: any bytes may be given as a chat template; rendering ends, in bounded time and memory, in text of
// which each byte has an origin, or in an error.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "heap_bound.h"
#include "text/chat_template.h"

namespace {

using namespace hone;
using text::Message;

const std::vector<std::vector<Message>>& talks() {
  static const std::vector<std::vector<Message>> all = {
      {{"system", "Be brief."}, {"user", " caf\xC3\xA9\n<|im_end|>\xFF"}},
      {{"user", "hi"},
       {"assistant",
        "",
        {{"tool_calls", {{{"function", {{"name", "f"}, {"arguments", {{"x", 1.5}}}}}}}}, {"reasoning_content", "hm"}}},
       {"tool", "12", {{"name", "f"}}},
       {"assistant", "<think>\na\n</think>\n\nb"},
       {"user", "", {{"content", {{{"type", "text"}, {"text", "part"}}}}}}}};
  return all;
}

text::RenderOptions options() {
  text::RenderOptions made;
  made.bos_token = "<s>";
  made.eos_token = "</s>";
  made.today = "2026-11-24";
  made.extra = {{"tools", {{{"type", "function"}, {"function", {{"name", "f"}, {"parameters", nullptr}}}}}},
                {"enable_thinking", false}};
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const text::RenderOptions tools = options();
  const fuzz::HeapBound bound(std::size_t{96} << 20, 4096, size);
  const auto parsed = text::ChatTemplate::parse({reinterpret_cast<const char*>(data), size});
  if (!parsed) return 0;
  for (const auto& talk : talks()) {
    const auto made = parsed->render(talk, tools);
    if (!made) continue;
    std::size_t done = 0;
    for (const auto& stretch : made->stretches()) {
      HONE_CHECK(stretch.begin == done && stretch.end > done);
      done = stretch.end;
    }
    HONE_CHECK(done == made->size());
  }
  return 0;
}
