#include "prompt/api_endpoint.h"

#include <gtest/gtest.h>

#include <map>

namespace hone::prompt {
namespace {

using Variables = std::map<std::string, std::string>;

Result<ApiEndpoint> endpoint(const std::string& base, Variables variables = {}) {
  return api_endpoint(base, [variables = std::move(variables)](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(ApiEndpoint, TheAddressIsCompletedToChatCompletions) {
  EXPECT_EQ(value_or_throw(endpoint(default_api_base)).url, "https://api.openai.com/v1/chat/completions");
  EXPECT_EQ(value_or_throw(endpoint("http://localhost:8080")).url, "http://localhost:8080/v1/chat/completions");
  EXPECT_EQ(value_or_throw(endpoint("http://localhost:8080/api/v3/")).url,
            "http://localhost:8080/api/v3/chat/completions");
  EXPECT_EQ(value_or_throw(endpoint("https://h.example/x/chat/completions")).url,
            "https://h.example/x/chat/completions");
  EXPECT_EQ(value_or_throw(endpoint("https://h.example:444/v1")).host, "h.example:444");
}

TEST(ApiEndpoint, KeysGoOnlyWhereTheyBelong) {
  const Variables both = {{"HONE_API_KEY", "hone-key"}, {"OPENAI_API_KEY", "openai-key"}};
  const Variables one = {{"OPENAI_API_KEY", "openai-key\n"}};
  EXPECT_EQ(value_or_throw(endpoint(default_api_base, both)).key, "hone-key");
  EXPECT_EQ(value_or_throw(endpoint(default_api_base, one)).key, "openai-key");
  EXPECT_TRUE(value_or_throw(endpoint(default_api_base)).needs_key);
  EXPECT_EQ(value_or_throw(endpoint("http://127.0.0.1:1/v1", both)).key, "hone-key");
  EXPECT_EQ(value_or_throw(endpoint("http://127.0.0.1:1/v1", one)).key, "");
  EXPECT_EQ(value_or_throw(endpoint("http://10.0.0.5/v1", both)).key, "") << "in clear over the network";
  EXPECT_FALSE(value_or_throw(endpoint("http://10.0.0.5/v1", both)).is_local);
}

TEST(ApiEndpoint, WhatCannotBeAKeyOrAnAddressIsRefusedWithoutShowingIt) {
  const auto broken = endpoint(default_api_base, {{"HONE_API_KEY", "sec\r\nret: 1"}});
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("HONE_API_KEY"), std::string::npos);
  EXPECT_EQ(broken.error().message.find("sec"), std::string::npos);
  for (const char* base : {"https://user:secret@h.example/v1", "https://h.example/v1?api_key=secret", "h.example/v1"}) {
    const auto refused = endpoint(base);
    ASSERT_FALSE(refused) << base;
    EXPECT_EQ(refused.error().code, ErrorCode::usage);
    EXPECT_EQ(refused.error().message.find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace hone::prompt
