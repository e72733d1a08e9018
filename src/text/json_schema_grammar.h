// A compiled JSON Schema: what each place may hold, with nothing left in it that no value can satisfy.
// Private to text/json_schema*.cc.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "text/json_schema_shape.h"

namespace hone::text {

struct JsonGrammar {
  static constexpr std::int64_t never = 1'000'000'000'000;  // a cost of none

  struct Text {
    Automaton texts;
    std::int64_t least = 0, most = without_end;  // characters
    bool any = false;                            // all texts of these lengths
    std::vector<std::int32_t> fewest;            // [least + 1, states] see characters_left()
    std::int32_t most_fewest = 0;                // the largest of them

    // The fewest characters that complete a text from `state` where at least `need` must come; -1: none do.
    std::int32_t characters_left(std::int32_t state, std::int64_t need) const;
  };

  struct Items {
    // options[i][s]: the value at place i (the last: all places behind) that also counts for the contains in bit set s;
    // -1 where there is none.
    std::vector<std::array<int, 4>> options;
    std::int64_t least = 0, most = without_end;
    struct Contains {
      std::int64_t least = 0, most = without_end;
    };
    std::vector<Contains> contains;  // two at most

    const std::array<int, 4>& at(std::int64_t place) const {
      return options[std::min(static_cast<std::size_t>(place), options.size() - 1)];
    }
  };

  struct Members {
    struct Property {
      std::string name;
      int value = -1;  // -1: forbidden
      bool required = false;
      int order = 0;  // its place in the schema
    };
    struct Node {  // of the tree of names
      std::vector<std::pair<unsigned char, int>> next;
      int first = 0, last = 0;  // the properties below: [first, last)
      int property = -1;        // whose name ends here
    };
    struct Others {
      Automaton names;
      bool any = false;  // all names
      int value = -1;
    };
    std::vector<Property> properties;  // by name
    std::vector<Node> tree;
    std::vector<Others> others;
    std::int64_t least = 0, most = without_end;
    std::int64_t cost = never;  // as Value::cost
    bool counts() const { return least > 0 || most != without_end; }
  };

  struct Value {
    bool null = false, yes = false, no = false;
    std::vector<int> numbers, texts, arrays, objects;
    std::int64_t cost = never;  // about the bytes of its shortest text; more than that of any value inside it
  };

  std::vector<Value> values;
  std::vector<Automaton> numbers;
  std::vector<Text> texts;
  std::vector<Items> arrays;
  std::vector<Members> objects;
  int root = 0;

  std::int64_t cost_of(int value) const { return value < 0 ? never : values[static_cast<std::size_t>(value)].cost; }
  // Of the values that complete an array of which `place` items are there, of which counts[i] were counted for each
  // contains.
  using Counts = std::array<std::int64_t, 2>;
  std::int64_t cost_to_close(const Items& items, std::int64_t place, Counts counts) const;
  // The counts after an item taken as option `set`; nothing where that is one too many.
  static std::optional<Counts> counted(const Items& items, Counts counts, unsigned set);
};

}  // namespace hone::text
