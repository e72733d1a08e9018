#include "base/shell.h"

#include <gtest/gtest.h>

namespace hone {
namespace {

TEST(ShellWord, KeepsPlainPathsAndQuotesTheRest) {
  EXPECT_EQ(shell_word("/data/my-task_1"), "/data/my-task_1");
  EXPECT_EQ(shell_word("two words"), "'two words'");
  EXPECT_EQ(shell_word("it's $HOME"), "'it'\\''s $HOME'");
  EXPECT_EQ(shell_word(""), "''");
}

TEST(ShellWord, WritesWhatATerminalWouldNotShowSoThatAShellReadsItBack) {
  EXPECT_EQ(shell_word("two\nlines"), R"($'two\012lines')");
  EXPECT_EQ(shell_word("it's \x1b[31m"), R"($'it\'s \033[31m')");
  EXPECT_EQ(shell_word("caf\xe9"), R"($'caf\351')");
  EXPECT_EQ(shell_word("caf\xc3\xa9"), "'caf\xc3\xa9'") << "readable letters stay readable";
}

}  // namespace
}  // namespace hone
