#include "data/personal_data.h"

#include <gtest/gtest.h>

namespace hone::data {
namespace {

std::string kinds_in(const std::string& text) {
  std::string kinds;
  for (const PersonalData& found : personal_data_in(text)) kinds += (kinds.empty() ? "" : " ") + found.kind;
  return kinds;
}

TEST(PersonalData, IsFoundAsItIsUsuallySpelled) {
  EXPECT_EQ(kinds_in("Write to jane.doe+news@mail.acme.co.uk, please."), "email");
  EXPECT_EQ(kinds_in("Call +49 30 901820-0 or (212) 664-7665 or 415-664-0199."), "phone phone phone");
  EXPECT_EQ(kinds_in("Card 4111 1111 1111 1111, or 5500005555555559"), "card card");
  EXPECT_EQ(kinds_in("IBAN: GB82 WEST 1234 5698 7654 32."), "iban");
  EXPECT_EQ(kinds_in("DE89370400440532013000"), "iban");
  EXPECT_EQ(kinds_in("key=sk-proj-a8B2c4D6e8F0g2H4i6J8k0"), "key");
  EXPECT_EQ(kinds_in("export AWS=AKIAIOSFODNN7EXAMPL2"), "key");
  EXPECT_EQ(kinds_in("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n"), "private-key");
}

TEST(PersonalData, WhatOnlyLooksAlikeIsLeftAlone) {
  for (const char* text : {"meet me @ the bar",
                           "user@example.com",
                           "a@b",
                           "foo@bar.test",
                           "@handle and x@@y.com",
                           "order 1234567890123456",
                           "4111 1111 1111 1112",
                           "0000 0000 0000 0000",
                           "pi is 3.14159265358979323846",
                           "call 555-0100 or (212) 555-0123",
                           "2026-05-01 12:30:45",
                           "192.168.100.200",
                           "version 1.2.3-4567-8901",
                           "GB83 WEST 1234 5698 7654 32",
                           "ISBN 978-3-16-148410-0",
                           "sk-this-is-not-a-key-at-all-really",
                           "AKIAXXXXXXXXXXXXXXXX",
                           "task-1234567890abcdefghijkl",
                           "-----BEGIN PUBLIC KEY-----",
                           "1234567890",
                           "+1 and +2",
                           "id 00491701234567"}) {
    EXPECT_EQ(kinds_in(text), "") << text;
  }
}

TEST(PersonalData, IsReplacedByItsKindAndNothingElseChanges) {
  EXPECT_EQ(redacted("From jane@acme.com: pay GB82WEST12345698765432 now, jane@acme.com"),
            "From [EMAIL]: pay [IBAN] now, [EMAIL]");
  EXPECT_EQ(redacted("nothing, ümlaut 😀 here"), "nothing, ümlaut 😀 here");
  EXPECT_EQ(redacted("{\"mail\": \"jane@acme.com\"}"), "{\"mail\": \"[EMAIL]\"}");
}

TEST(PersonalData, ChecksumsAreThoseOfTheirStandards) {
  EXPECT_TRUE(passes_luhn("79927398713"));
  EXPECT_FALSE(passes_luhn("79927398710"));
  EXPECT_TRUE(passes_mod97("FR1420041010050500013M02606"));
  EXPECT_FALSE(passes_mod97("FR1420041010050500013M02607"));
}

}  // namespace
}  // namespace hone::data
