#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "generate/bundle_files.h"

namespace hone::generate {

namespace {

// A folder that is removed again unless it was moved to its place.
class Aside {
 public:
  explicit Aside(const Path& folder)
      : path_(folder.parent_path() / fmt::format(".{}.{}", folder.filename().string(), getpid())) {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
    std::error_code error;
    std::filesystem::create_directories(path_, error);
    if (error) fail(ErrorCode::environment, "{}: can't make a folder here: {}", path_.string(), error.message());
  }
  ~Aside() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const Path& path() const { return path_; }

  // Afterwards what was at `folder` lies here, and goes with this object.
  void swap_into(const Path& folder) const {
    std::error_code error;
    if (!std::filesystem::exists(folder)) {
      std::filesystem::rename(path_, folder, error);
    } else if (renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) != 0) {
      // Not every file system can exchange two folders: then there is an instant without a bundle.
      const Path old = path_.string() + ".old";
      std::filesystem::rename(folder, old, error);
      if (!error) std::filesystem::rename(path_, folder, error);
      std::error_code ignored;
      std::filesystem::remove_all(old, ignored);
    }
    if (error) {
      fail(ErrorCode::environment, "{}: the bundle can't be put in place: {}", folder.string(), error.message());
    }
  }

 private:
  Path path_;
};

void write_parts(const Path& folder, const BundleRecord& record, const BundleParts& parts) {
  switch (record.kind) {
    case BundleKind::tuned:
      HONE_CHECK(parts.adapter != nullptr);
      parts.adapter->save(folder / adapter_folder, record.base_model);
      break;
    case BundleKind::ngram:
      HONE_CHECK(parts.ngram != nullptr);
      std::filesystem::create_directories(folder / classifier_folder);
      parts.ngram->save(folder / classifier_folder);
      break;
    case BundleKind::probe:
      HONE_CHECK(parts.head != nullptr);
      write_file(folder / head_file, to_text(parts.head->to_json()));
      break;
    case BundleKind::majority:
    case BundleKind::knn:
    case BundleKind::copy:
    case BundleKind::nearest:
    case BundleKind::prompted:
      break;
  }
  const bool wants_rows = record.kind == BundleKind::majority || record.kind == BundleKind::knn ||
                          record.kind == BundleKind::nearest || record.knn_shots > 0;
  if (wants_rows) write_file(folder / rows_file, rows_text(parts.rows));
}

}  // namespace

void write_bundle(const Path& folder, BundleRecord record, const BundleParts& parts) {
  const Path target = std::filesystem::absolute(folder).lexically_normal();
  const Path place = target.has_filename() ? target : target.parent_path();
  if (std::filesystem::exists(place) && !is_bundle(place) &&
      !(std::filesystem::is_directory(place) && std::filesystem::is_empty(place))) {
    fail(ErrorCode::bad_input,
         "{}: this is no bundle and not an empty folder, so it is left alone. Name another folder.", place.string());
  }
  const Aside aside(place);
  write_parts(aside.path(), record, parts);
  record.hashes = hash_files(aside.path());
  write_file(aside.path() / record_file, record_text(record));
  aside.swap_into(place);
}

}  // namespace hone::generate
