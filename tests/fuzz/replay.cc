// Runs a fuzz target without libFuzzer: over every file of the folders named, and over seeded random edits of each, so
// that the ordinary build keeps what fuzzing found.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<char>;

void run(const Bytes& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

Bytes edited(Bytes bytes, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (std::size_t edit = 1 + below(4); edit > 0 && !bytes.empty(); --edit) {
    const std::size_t at = below(bytes.size());
    switch (below(4)) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes.resize(at);
        break;
      case 2:
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<char>(random()));
        break;
      default:
        bytes[at] = static_cast<char>(bytes[at] ^ static_cast<char>(1U << below(8)));
    }
  }
  return bytes;
}

}  // namespace

int main(int count, char** arguments) {
  constexpr int edits_a_file = 5000;
  std::size_t files = 0;
  std::mt19937 random(1);
  for (int i = 1; i < count; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      const Bytes bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
      run(bytes);
      for (int edit = 0; edit < edits_a_file; ++edit) run(edited(bytes, random));
      ++files;
    }
  }
  std::printf("%zu files, %d edits of each\n", files, edits_a_file);
  return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
