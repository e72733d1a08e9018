// How a command is declared: it adds a CLI11 subcommand and sets `action`, which main() runs and whose result is the
// exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <stop_token>
#include <string>

#include "base/json.h"

namespace hone::cli {

struct Cli {
  CLI::App app;
  std::stop_token stop;
  std::function<int()> action;
};

// A subcommand with --json; `json` is set when it was given.
CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& what, bool& json);

// A number from `low` to `high`. CLI11's own ranges let NaN through.
CLI::Validator number_between(double low, double high);

// How the help texts explain a MODEL argument.
inline constexpr const char* model_help =
    "Catalogue name, .gguf file, model folder, bundle folder, PEFT adapter folder or run id";
inline constexpr const char* base_help = "Of an adapter folder: the model under it (default: as its config names it)";

// One line to stdout.
void print_line(const std::string& line);
// The same broken at spaces to 80 columns; lines after the first are set in by `indent` columns.
void print_wrapped(const std::string& text, std::size_t indent = 0);
// `head` as it is, then `text` wrapped in the columns that are left beside it.
void print_entry(const std::string& head, const std::string& text);
// `text` made printable and cut or filled to exactly `columns`.
std::string padded(const std::string& text, std::size_t columns);
// A JSON document to stdout.
void print_json(const Json& json);

void add_ask(Cli& cli);
void add_bench(Cli& cli);
void add_compare(Cli& cli);
void add_data(Cli& cli);
void add_data_curve(Cli& cli, CLI::App& data);
void add_data_export(Cli& cli, CLI::App& data);
void add_data_import(Cli& cli, CLI::App& data);
void add_data_label(Cli& cli, CLI::App& data);
void add_data_rationale(Cli& cli, CLI::App& data);
void add_data_review(Cli& cli, CLI::App& data);
void add_data_synthesize(Cli& cli, CLI::App& data);
void add_data_task(Cli& cli, CLI::App& data);
void add_decide(Cli& cli);
void add_diagnose(Cli& cli);
void add_doctor(Cli& cli);
void add_eval(Cli& cli);
void add_export(Cli& cli);
void add_init(Cli& cli);
void add_models(Cli& cli);
void add_prompt(Cli& cli);
void add_render(Cli& cli);
void add_reproduce(Cli& cli);
void add_runs(Cli& cli);
void add_solve(Cli& cli);
void add_tokenize(Cli& cli);
void add_train(Cli& cli);

}  // namespace hone::cli
