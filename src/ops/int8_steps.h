// Matrix products in 8-bit steps with exact 32-bit sums over spans of values: rows as u8 with a scale and a zero point
// a span, frozen matrices as s8 with a scale and an offset a span. Seen by the files of ops/ only.
#pragma once

#include <cstdint>

#include "ops/matvec.h"
#include "tensor/arena.h"
#include "tensor/exec.h"

namespace hone::ops {

inline constexpr std::int64_t step_group = 32;     // inner indices whose steps lie together; spans are whole groups
inline constexpr std::int64_t panel_columns = 32;  // outer indices whose steps lie together
// Longest span whose sums of u8 times s8 fit 32 bits.
inline constexpr std::int64_t longest_span = 1 << 16;

// w[n, k] = scale[n, k / span] q[n, k] + offset[n, k / span], q [outer, inner] s8 in the order in which products read
// them: panels of 32 outer indices, in each, group by group, 8 x 32 x 4 steps (4 inner indices of each outer one); in
// the last group of a span its 32 scales and offsets, and the 32 sums of scale q over it. 0 beyond the edges. Moves
// only.
class PackedSteps {
 public:
  PackedSteps() = default;
  // All 0. `span` is a multiple of 32; the last one of a row may be shorter.
  PackedSteps(std::int64_t outer, std::int64_t inner, std::int64_t span);

  std::int64_t outer() const { return outer_; }
  std::int64_t inner() const { return inner_; }
  std::int64_t span() const { return span_; }
  std::int64_t panels() const { return (outer_ + panel_columns - 1) / panel_columns; }
  std::int64_t groups() const { return (inner_ + step_group - 1) / step_group; }
  std::size_t bytes() const { return blocks_.bytes(); }
  static std::size_t bytes_of(std::int64_t outer, std::int64_t inner);

  // A panel and a group.
  struct Block {
    std::int8_t steps[step_group / 4][panel_columns][4];
    float scales[panel_columns];
    float offsets[panel_columns];
    float sums[panel_columns];
  };
  const Block* panel(std::int64_t index) const { return blocks() + index * groups(); }

  // Rounds one outer index [inner], each span as rounded_weights_here() does.
  // Rows may be put by different threads.
  void put(std::int64_t row, const float* values);
  // The values of one outer index.
  void get(std::int64_t row, float* values) const;

  // The same values [inner, outer], rounded once more in spans of their new rows; on all threads.
  PackedSteps transposed(tensor::Exec& exec, std::int64_t span) const;

 private:
  enum class Memory : std::uint8_t { cleared, uncleared };
  PackedSteps(std::int64_t outer, std::int64_t inner, std::int64_t span, Memory memory);
  const Block* blocks() const { return static_cast<const Block*>(blocks_.view().data); }
  Block* blocks() { return static_cast<Block*>(blocks_.view().data); }

  std::int64_t outer_ = 0;
  std::int64_t inner_ = 0;
  std::int64_t span_ = 0;
  tensor::Tensor blocks_;  // u8
};

struct RoundedWeights {
  float scale = 0;
  float offset = 0;
  float sum = 0;  // of scale q
};
// Steps of `count` values, a multiple of 32, of a frozen matrix, to the nearest, ties to even: 127 of max |w| / 127 to
// either side of 0, or 255 between the least and the greatest value, whichever is nearer to the values. Blocks of Q8_0
// and Q4_0 fall on the first grid, full ones of Q4_1 on the second. On the calling thread.
RoundedWeights round_weights_here(const float* values, std::int64_t count, std::int8_t* steps);

// x[m, k] = scale[m, k / span] step[m, k] + offset[m, k / span]; borrowed memory, the last group padded with zeros.
struct StepRows {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t span = 0;
  std::int64_t groups = 0;        // of 32 columns
  std::int64_t spans = 0;         // a row
  std::uint8_t* steps = nullptr;  // [rows, groups * 32]
  float* scales = nullptr;        // [rows, spans]
  float* offsets = nullptr;       // [rows, spans]
  float* sums = nullptr;          // [rows, spans], of the rounded values
};

// Memory for [rows, columns] from the arena.
StepRows take_step_rows(tensor::Arena& arena, std::int64_t rows, std::int64_t columns, std::int64_t span);

// Rows of x [to.rows, to.columns]: in each span 255 steps between the least and the greatest of 0 and its values, to
// the nearest. A span that is not finite gets the scale NaN. On the calling thread.
void round_rows_here(const float* x, const StepRows& to, RowRange rows);

// y[m, n] (+)= sum over k of x[m, k] w[n, k]; both sides in the same spans.
struct StepProduct {
  StepRows x;
  const PackedSteps* w = nullptr;
  float* y = nullptr;
  std::int64_t y_stride = 0;
  Into into = Into::set;
};

// For some rows and some panels, on the calling thread.
void step_product_here(const StepProduct& product, RowRange rows, RowRange panels);

// Whether this machine multiplies bytes by itself (AVX-512 VNNI); else the same sums are taken by slower means.
bool has_byte_products();

// The same where has_byte_products(); called by step_product_here().
void step_product_vnni(const StepProduct& product, RowRange rows, RowRange panels);

}  // namespace hone::ops
