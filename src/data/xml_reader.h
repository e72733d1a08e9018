// XML read piece by piece, in memory that does not grow with it. xml_reader.cc is the only file that sees expat.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace hone::data {

class XmlReader {
 public:
  // Names come without their namespace's prefix.
  class Attributes {
   public:
    explicit Attributes(const char** list) : list_(list) {}
    // Empty where there is none.
    std::string_view find(std::string_view name) const;

   private:
    const char** list_;
  };
  struct Handlers {
    std::function<void(std::string_view name, const Attributes& attributes)> begin{};
    std::function<void(std::string_view name)> end{};
    std::function<void(std::string_view text)> text{};  // may come in parts
  };

  explicit XmlReader(Handlers handlers);
  ~XmlReader();
  XmlReader(const XmlReader&) = delete;
  XmlReader& operator=(const XmlReader&) = delete;

  // Errors: not well-formed (with the line), a document type, elements nested deeper than 100, a tag of over 1 MiB.
  Result<void> feed(std::string_view bytes);
  Result<void> finish();
  // For handlers: nothing more is wanted. feed() and finish() give no error then.
  void stop();
  bool is_stopped() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hone::data
