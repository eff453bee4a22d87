// From shapes to M and D. C++11, no CANN, so that every refusal is tested. All inline: ops-nn collects sources by name,
// those of inference and those of the tiling, and both need this.
#ifndef ALNG_ASCEND_OP_HOST_SHAPES_H
#define ALNG_ASCEND_OP_HOST_SHAPES_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>

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

// "[4, 11, 96]"
struct Text {
  char characters[8 * 21 + 3];
};

inline Text text_of(const ShapeOf& shape) {
  Text text;
  int end = std::snprintf(text.characters, sizeof text.characters, "[");
  for (size_t i = 0; i < shape.rank && i < kMaxRank; ++i) {
    end += std::snprintf(text.characters + end, sizeof text.characters - static_cast<size_t>(end),
                         i == 0 ? "%lld" : ", %lld", static_cast<long long>(shape.dims[i]));
  }
  std::snprintf(text.characters + end, sizeof text.characters - static_cast<size_t>(end), "]");
  return text;
}

inline bool same(const ShapeOf& a, const ShapeOf& b) {
  if (a.rank != b.rank) return false;
  for (size_t i = 0; i < a.rank; ++i) {
    if (a.dims[i] != b.dims[i]) return false;
  }
  return true;
}

class Judge {
 public:
  Judge(char* refusal, size_t size) : refusal_(refusal), size_(size) {}

  bool rank(const char* name, const ShapeOf& shape) const {
    if (shape.rank >= 1 && shape.rank <= kMaxRank) return true;
    if (size_ > 0) {
      std::snprintf(refusal_, size_, "%s has rank %lld: it has to have 1 to %lld", name,
                    static_cast<long long>(shape.rank), static_cast<long long>(kMaxRank));
    }
    return false;
  }
  bool dims(const char* name, const ShapeOf& shape) const {
    for (size_t i = 0; i < shape.rank; ++i) {
      if (shape.dims[i] >= 0) continue;
      if (size_ > 0) {
        std::snprintf(refusal_, size_, "%s has shape %s: a dimension is negative or not known", name,
                      text_of(shape).characters);
      }
      return false;
    }
    return true;
  }
  bool refuse(const char* name, const ShapeOf& shape, const char* should, const ShapeOf& other) const {
    if (size_ > 0) {
      std::snprintf(refusal_, size_, "%s has shape %s: it has to have %s %s", name, text_of(shape).characters, should,
                    text_of(other).characters);
    }
    return false;
  }
  bool product(const ShapeOf& shape, size_t from, size_t to, int64_t* result) const {
    *result = 1;
    for (size_t i = from; i < to; ++i) {
      if (shape.dims[i] == 0) {
        *result = 0;
        return true;
      }
    }
    for (size_t i = from; i < to; ++i) {
      if (*result > std::numeric_limits<int64_t>::max() / shape.dims[i]) {
        if (size_ > 0) {
          std::snprintf(refusal_, size_, "dy has shape %s: its elements do not fit 63 bits", text_of(shape).characters);
        }
        return false;
      }
      *result *= shape.dims[i];
    }
    return true;
  }

 private:
  char* refusal_;
  size_t size_;
};

// gamma's dims are the trailing ones of dy; without gamma all trailing 1s of rstd tell how many are normalised.
// Returns false with one sentence in `refusal`, cut off at `refusal_size`.
inline bool rows_and_columns(const Shapes& shapes, RowsAndColumns* result, char* refusal, size_t refusal_size) {
  const Judge judge(refusal, refusal_size);
  const ShapeOf& dy = *shapes.dy;
  const ShapeOf& rstd = *shapes.rstd;
  if (!judge.rank("dy", dy) || !judge.dims("dy", dy)) return false;
  if (!same(*shapes.x1, dy)) return judge.refuse("x1", *shapes.x1, "the shape of dy,", dy);
  if (!same(*shapes.x2, dy)) return judge.refuse("x2", *shapes.x2, "the shape of dy,", dy);
  if (shapes.dsum != nullptr && !same(*shapes.dsum, dy))
    return judge.refuse("dsum", *shapes.dsum, "the shape of dy,", dy);
  if (!judge.rank("rstd", rstd)) return false;
  if (!same(*shapes.mean, rstd)) return judge.refuse("mean", *shapes.mean, "the shape of rstd,", rstd);
  size_t leading = 0;
  if (shapes.gamma != nullptr) {
    const ShapeOf& gamma = *shapes.gamma;
    if (!judge.rank("gamma", gamma)) return false;
    bool trailing = gamma.rank <= dy.rank;
    for (size_t i = 0; trailing && i < gamma.rank; ++i) trailing = gamma.dims[i] == dy.dims[dy.rank - gamma.rank + i];
    if (!trailing) return judge.refuse("gamma", gamma, "the trailing dimensions of dy, which has", dy);
    leading = dy.rank - gamma.rank;
  } else {
    leading = rstd.rank < dy.rank ? rstd.rank : dy.rank - 1;
    while (leading > 0 && rstd.rank == dy.rank && rstd.dims[leading - 1] == 1) --leading;
  }
  ShapeOf kept = dy;
  for (size_t i = leading; i < kept.rank; ++i) kept.dims[i] = 1;
  if (!same(rstd, kept)) {
    return judge.refuse("rstd", rstd, "dy's leading dimensions and 1 for each normalised one,", kept);
  }
  result->normalized_dims = dy.rank - leading;
  return judge.product(dy, 0, leading, &result->rows) && judge.product(dy, leading, dy.rank, &result->columns);
}

}  // namespace alng_npu

#endif
