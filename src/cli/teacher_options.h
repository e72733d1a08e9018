// The options by which a command names the model that it asks: on this machine, or behind an OpenAI-compatible API.
#pragma once

#include <string>

#include "cli/command.h"
#include "solve/teacher.h"

namespace hone::cli {

struct TeacherOptions {
  solve::TeacherSpec spec;
  double max_usd = 0;  // 0: no cap
  std::string price_id;
  std::string prices;  // a file
  bool yes = false;    // rows may leave this machine
};

// --url, --max-usd, --price, --prices, --concurrency and --yes; the model itself is the command's own option.
void add_teacher_options(CLI::App& command, TeacherOptions& options);

// What the model costs: its entry in the price list, or the one that --price names. None: not listed. Failure (usage)
// where --price is not listed.
std::optional<prompt::TokenPrice> listed_price(const TeacherOptions& options);

// The model, opened. Failure (usage) where rows would leave this machine without --yes; `what` says what would be sent
// ("60 rows' inputs").
std::unique_ptr<solve::Teacher> open_teacher(const data::Task& task, const TeacherOptions& options,
                                             const std::string& what);

}  // namespace hone::cli
