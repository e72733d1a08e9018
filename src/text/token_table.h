// The bytes of every token, in one block.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hone::text {

class TokenTable {
 public:
  void add(std::string_view bytes) {
    bytes_.append(bytes);
    ends_.push_back(bytes_.size());
  }
  std::size_t size() const { return ends_.size(); }
  // id < size()
  std::string_view operator[](std::size_t id) const {
    const std::size_t begin = id == 0 ? 0 : ends_[id - 1];
    return std::string_view(bytes_).substr(begin, ends_[id] - begin);
  }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

}  // namespace hone::text
