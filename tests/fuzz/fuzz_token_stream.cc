// libFuzzer entry: any tokens, one a byte, are offered to a constraint. What its mask allows can be taken, what it
// doesn't allow is left out; with nothing remembered the masks are the same, and the closing always ends a valid text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "generate/constraint_json.h"
#include "heap_bound.h"
#include "text/byte_alphabet.h"

namespace {

using namespace hone;
using namespace hone::generate;

// 252 bytes (those that no UTF-8 has are left out), four tokens that end or begin what else is told apart, and the end
// of a turn.
text::Tokenizer tokens() {
  text::GgufVocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = "smollm";
  for (int byte = 0; byte < 252; ++byte) {
    vocabulary.tokens.push_back(text::spelling_of_bytes(std::string(1, static_cast<char>(byte))));
  }
  for (const char* bytes : {"\",\"", "\":", "]}", "00"}) vocabulary.tokens.push_back(text::spelling_of_bytes(bytes));
  vocabulary.tokens.push_back("<|im_end|>");
  vocabulary.types.assign(vocabulary.tokens.size(), 1);
  vocabulary.types.back() = 3;
  vocabulary.eos = static_cast<text::TokenId>(vocabulary.tokens.size()) - 1;
  return value_or_throw(text::Tokenizer::from_gguf(vocabulary));
}

struct Fixture {
  text::Tokenizer tokenizer = tokens();
  ConstraintVocabulary vocabulary{tokenizer};
};

void offer(const text::JsonSchema& schema, const ConstraintVocabulary& vocabulary, std::string_view tokens) {
  const auto tight = JsonConstraint::maker(vocabulary, schema, {}, {0})();
  const auto free = JsonConstraint::maker(vocabulary, schema, {})();
  text::JsonMatcher matcher(schema, {});
  text::JsonMatcher::State state = matcher.start();
  const auto read = [&](text::TokenId token) {
    for (const char c : vocabulary.tokenizer().token_bytes(token)) {
      state = matcher.step(state, static_cast<unsigned char>(c));
    }
  };
  for (const char c : tokens) {
    const auto token = static_cast<text::TokenId>(static_cast<unsigned char>(c));
    const auto mine = tight->allowed(), whole = free->allowed();
    if (!std::equal(mine.begin(), mine.end(), whole.begin(), whole.end())) std::abort();
    if (!allows(mine, token)) continue;
    tight->take(token);
    free->take(token);
    read(token);
  }
  for (const text::TokenId token : tight->closing()) read(token);
  if (!matcher.accepts(state)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Fixture fixture;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const fuzz::HeapBound bound(std::size_t{384} << 20, 4096, size);
  const std::size_t line = bytes.find('\n');
  const auto schema = text::JsonSchema::compile(bytes.substr(0, line));
  if (schema && line != std::string_view::npos) offer(*schema, fixture.vocabulary, bytes.substr(line + 1, 256));
  return 0;
}
