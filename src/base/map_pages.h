// Mapped files of any size in flat memory.
#pragma once

#include <string_view>

namespace hone {

// Gives back the memory of the whole pages in `mapped`, a part of a MappedFile's bytes that has been read. They are
// read again from the file if somebody looks once more.
void forget_pages(std::string_view mapped);

}  // namespace hone
