#include "data/row_date.h"

#include <gtest/gtest.h>

namespace hone::data {
namespace {

TEST(RowDate, ReadsWhatMachinesWrite) {
  EXPECT_EQ(seconds_of("1970-01-02"), 86'400);
  EXPECT_EQ(seconds_of("2026/11/25"), 1'795'564'800);
  EXPECT_EQ(seconds_of(" 2026-11-25 "), 1'795'564'800);
  for (const char* same :
       {"2026-11-25T14:07:33Z", "2026-11-25 14:07:33", "2026-11-25T14:07:33.25Z", "2026-11-25T16:07:33+02:00",
        "2026-11-25T08:37:33-0530", "2026-11-25 14:07:33 +00:00", "1795615653", "1795615653250"})
    EXPECT_EQ(seconds_of(same), 1'795'615'653) << same;
  EXPECT_EQ(seconds_of("2026-11-25T14:07"), 1'795'615'620);
  EXPECT_EQ(seconds_of("2024-02-29"), 1'709'164'800);
  EXPECT_EQ(seconds_of("1969-12-31"), -86'400);
}

TEST(RowDate, GuessesNothing) {
  for (const char* no : {"", "03/04/2026", "2026-13-01", "2026-02-29", "2026-1-1", "yesterday", "2026", "2026-11-25x",
                         "2026-11-25T25:00", "2026-11-25T14", "2026-11-25T14:07+2", "-1795615653", "123"})
    EXPECT_EQ(seconds_of(no), std::nullopt) << no;
}

}  // namespace
}  // namespace hone::data
