#include "data/odd_characters.h"

#include <gtest/gtest.h>

namespace hone::data {
namespace {

TEST(OddCharacters, InvisibleOnesAreFoundUnlessTheTextNeedsThem) {
  EXPECT_EQ(invisible_characters("pay\u200Bpal"), std::vector<std::uint32_t>{0x200B});
  EXPECT_EQ(invisible_characters("\u202Etxt.exe").size(), 1U);
  EXPECT_EQ(invisible_characters("hi\U000E0041\U000E0042").size(), 2U);
  EXPECT_EQ(invisible_characters("bell\a").size(), 1U);
  EXPECT_TRUE(invisible_characters("a\tb\r\nc 👩\u200D👩\u200D👧 ❤\uFE0F می\u200Cخواهم क्\u200Dष").empty());
}

TEST(OddCharacters, TextReadInTheWrongEncodingIsFound) {
  EXPECT_EQ(wrongly_decoded("un cafÃ© noir"), "cafÃ©");
  EXPECT_EQ(wrongly_decoded("donâ€™t"), "donâ€™t");
  EXPECT_EQ(wrongly_decoded("price Â£5"), "Â£");
  EXPECT_NE(wrongly_decoded("lost \uFFFD here"), "");
  for (const char* text : {"un café noir", "São Paulo, SÃO PAULO", "don’t “quote” – 5 €", "Ätsch, Übergrößenträger",
                           "« Â » et Ô temps", "日本語", "naïve Ångström"}) {
    EXPECT_EQ(wrongly_decoded(text), "") << text;
  }
}

TEST(OddCharacters, WordsOfTwoAlikeScriptsAreFound) {
  EXPECT_EQ(mixed_script_word("log in to p\u0430ypal now"), "p\u0430ypal");
  EXPECT_EQ(mixed_script_word("Привет world, μm and Δx, 漢字kana"), "");
}

TEST(OddCharacters, TheScriptOfATextIsThatOfMostLetters) {
  EXPECT_EQ(main_script("Wie geht es Ihnen, Привет?"), "Latin");
  EXPECT_EQ(main_script("Где моя карта"), "Cyrillic");
  EXPECT_EQ(main_script("请问我的银行卡在哪里"), "Han");
  EXPECT_EQ(main_script("12!"), "");
}

}  // namespace
}  // namespace hone::data
