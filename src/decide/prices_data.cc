#include "decide/prices_data.h"

namespace hone::decide {

// USD per million tokens, as published. "second-hand" marks what was not read at the vendor's or a price tracker's
// page.
std::string_view built_in_price_text() {
  return R"json({
  "checked": "2026-11-23",
  "cpu_usd_per_month": 40,
  "engineer_usd_per_hour": 60,
  "api": [
    {"id": "gpt-6-luna", "input": 0.10, "cached": 0.01, "output": 0.50, "effective_from": "2026-09-22",
     "source": "PromptFuel v1.0.21, codexometer v0.18.4", "checked": "2026-11-23"},
    {"id": "gpt-6.1-terra", "input": 1.00, "cached": 0.05, "output": 5.00, "effective_from": "2026-10-26",
     "source": "PromptFuel", "checked": "2026-11-23"},
    {"id": "gpt-6-sol", "input": 2.00, "cached": 0.20, "output": 10.00, "effective_from": "2026-09-22",
     "source": "PromptFuel", "checked": "2026-11-23"},
    {"id": "gpt-6-astra", "input": 10.00, "cached": 1.00, "output": 50.00, "effective_from": "2026-09-03",
     "source": "PromptFuel", "checked": "2026-11-23"},
    {"id": "gpt-5.4-mini", "input": 0.75, "cached": 0.075, "output": 4.50, "effective_from": "2026-03",
     "source": "adk-model", "checked": "2026-11-23"},
    {"id": "claude-haiku-5.5", "input": 0.10, "cached": 0.01, "output": 0.50, "effective_from": "2026-10-07",
     "source": "claudit v1.9.2; prompts up to 100k tokens", "checked": "2026-11-23"},
    {"id": "claude-sonnet-5.5", "input": 2.00, "cached": 0.10, "output": 10.00, "effective_from": "2026-10-07",
     "source": "claudit v1.9.2", "checked": "2026-11-23"},
    {"id": "claude-opus-5.5", "input": 4.00, "cached": 0.20, "output": 20.00, "effective_from": "2026-09-22",
     "source": "claudit v1.9.2", "checked": "2026-11-23"},
    {"id": "jev", "input": 0.042, "output": 0, "effective_from": "2026-10",
     "source": "TypeSafe, second-hand", "checked": "2026-11-23"},
    {"id": "perplexity-decider", "input": 0.04, "output": 0, "effective_from": "2026-10",
     "source": "Perplexity decisions documentation", "checked": "2026-11-23"},
    {"id": "openai-decisions", "input": 0.10, "output": 0, "effective_from": "2026-11",
     "source": "OpenAI decisions beta, second-hand", "checked": "2026-11-23"}
  ]
})json";
}

}  // namespace hone::decide
