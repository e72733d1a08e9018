// libFuzzer entry: any bytes may be given as tokenizer.json; what is read as a tokenizer encodes any text into ids that
// it has, and decodes them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "formats/large_json.h"
#include "heap_bound.h"
#include "text/tokenizer.h"

namespace {

using namespace hone;

constexpr std::string_view plain =
    "The cat's 3 hats,  12345\r\n\r\n caf\xC3\xA9 e\xCC\x81 \xE2\x96\x81x \xF0\x9F\x98\x80\xFF\xC3 <s> a</s>";

void encode(const text::Tokenizer& tokenizer, std::string_view text) {
  text::MarkedText marked(text, text::Origin::from_template);
  marked.append(text, text::Origin::from_user);
  for (const auto& ids :
       {tokenizer.encode(text), tokenizer.encode_behind(text, text::Behind::text), tokenizer.encode(marked)}) {
    for (const text::TokenId id : ids) {
      HONE_CHECK(id >= 0 && static_cast<std::size_t>(id) < tokenizer.vocabulary_size());
    }
    (void)tokenizer.decode(ids);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const fuzz::HeapBound bound(std::size_t{8} << 20, 512, size);
  const auto json = formats::parse_large_json(bytes, "fuzz");
  if (!json) return 0;
  const Json config = {{"bos_token", "<s>"}, {"eos_token", {{"content", "</s>"}}}};
  const auto tokenizer = text::Tokenizer::from_json(*json, config);
  if (!tokenizer) return 0;
  try {
    encode(*tokenizer, plain);
    encode(*tokenizer, bytes.substr(0, 2000));
  } catch (const Failure&) {
    // A pre-tokenizer's regex may give up on a text, with an error.
  }
  return 0;
}
