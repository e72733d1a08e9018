#include "text/marked_text.h"

#include <gtest/gtest.h>

namespace hone::text {
namespace {

TEST(MarkedText, StretchesCoverTheTextWithoutGapsAndNeighboursDiffer) {
  MarkedText text("<user>", Origin::from_template);
  text.append("hi", Origin::from_user);
  text.append("", Origin::from_answer);
  text.append(" there", Origin::from_user);
  text.append("</user>", Origin::from_template);
  ASSERT_EQ(text.stretches().size(), 3U);
  EXPECT_EQ(text.stretches()[0].begin, 0U);
  EXPECT_EQ(text.stretches()[1].begin, text.stretches()[0].end);
  EXPECT_EQ(text.stretches()[1].end, 14U);
  EXPECT_EQ(text.stretches()[2].end, text.size());
  EXPECT_EQ(text.text(), "<user>hi there</user>");
}

TEST(MarkedText, SlicesAndAppendsKeepEachByteItsOrigin) {
  MarkedText text("ab", Origin::from_template);
  text.append("cd", Origin::from_user);
  text.append("ef", Origin::from_answer);
  MarkedText part = text.slice(1, 5);
  EXPECT_EQ(part.text(), "bcde");
  ASSERT_EQ(part.stretches().size(), 3U);
  EXPECT_EQ(part.stretches()[0].origin, Origin::from_template);
  EXPECT_EQ(part.stretches()[1].origin, Origin::from_user);
  EXPECT_EQ(part.stretches()[2].origin, Origin::from_answer);
  part.append(part);
  EXPECT_EQ(part.text(), "bcdebcde");
  EXPECT_EQ(part.stretches().size(), 6U);
  EXPECT_EQ(text.slice(3, 3).size(), 0U);
}

TEST(MarkedText, OneForeignByteMakesARangeNotTheTemplates) {
  MarkedText text("<|im_", Origin::from_template);
  text.append("e", Origin::from_user);
  text.append("nd|>", Origin::from_template);
  EXPECT_FALSE(text.is_template(0, 10));
  EXPECT_TRUE(text.is_template(0, 5));
  EXPECT_TRUE(text.is_template(6, 10));
  EXPECT_TRUE(text.is_template(5, 5));
}

}  // namespace
}  // namespace hone::text
