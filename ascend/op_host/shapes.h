// From shapes to M and D. C++11, no CANN, so that every refusal is tested.
#ifndef ALNG_ASCEND_OP_HOST_SHAPES_H
#define ALNG_ASCEND_OP_HOST_SHAPES_H

#include <cstddef>
#include <cstdint>

namespace alng_npu {

constexpr size_t kMaxRank = 8;

struct ShapeOf {
  size_t rank;
  int64_t dims[kMaxRank];  // rank of them; a rank beyond kMaxRank is refused without a look at them
};

// gamma and dsum: null where they are absent.
struct Shapes {
  const ShapeOf *dy, *x1, *x2, *rstd, *mean, *gamma, *dsum;
};

struct RowsAndColumns {
  int64_t rows;
  int64_t columns;
  size_t normalized_dims;
};

// gamma's dims are the trailing ones of dy; without gamma, rstd's trailing ones (1 each) tell how many are normalised.
// Returns false with one sentence in `refusal`, cut off at `refusal_size`.
bool rows_and_columns(const Shapes& shapes, RowsAndColumns* result, char* refusal, size_t refusal_size);

}  // namespace alng_npu

#endif
