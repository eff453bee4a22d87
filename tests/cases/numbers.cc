#include "cases/numbers.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "cases/element.h"
#include "cases/instance.h"

namespace alng::cases {
namespace {

// NaNs as a host may hand them in: quiet, signalling, negative, with payload.
constexpr std::array<std::uint32_t, 4> float32_nans = {0x7FC00000u, 0x7F800001u, 0xFFC12345u, 0xFFFFFFFFu};
constexpr std::array<std::uint16_t, 4> float16_nans = {0x7E00u, 0x7C01u, 0xFE12u, 0xFFFFu};
constexpr std::array<std::uint16_t, 4> bfloat16_nans = {0x7FC0u, 0x7F81u, 0xFFC1u, 0xFFFFu};

void write_nan(DType dtype, std::uint64_t which, std::byte* address) {
  switch (dtype) {
    case DType::float32:
      std::memcpy(address, &float32_nans[which], 4);
      break;
    case DType::float16:
      std::memcpy(address, &float16_nans[which], 2);
      break;
    case DType::bfloat16:
      std::memcpy(address, &bfloat16_nans[which], 2);
      break;
  }
}

bool is_x(int tensor) { return tensor == grad::x1 || tensor == grad::x2; }

}  // namespace

NumberSource::NumberSource(const Case& what, int tensor, std::uint64_t seed)
    : values_(what.values),
      columns_(what.columns()),
      tensor_(tensor),
      x2_(what.x2),
      state_(seed * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(tensor) * 0xD1B54A32D192ED03u) {}

// splitmix64: one multiply-xor chain per number, the same on every machine.
std::uint64_t NumberSource::bits() {
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// Four 16-bit uniforms added: variance 1, tails cut at 3.46, and no transcendental function whose last bit differs
// between libraries.
double NumberSource::normal() {
  const std::uint64_t z = bits();
  const auto sum = static_cast<double>((z & 0xFFFF) + ((z >> 16) & 0xFFFF) + ((z >> 32) & 0xFFFF) + (z >> 48));
  return (sum / 65536.0 - 2.0) * 1.7320508075688772;
}

double NumberSource::number(std::int64_t row, DType dtype) {
  if (row != row_) {
    row_ = row;
    of_row_ = normal();
  }
  const double value = tensor_ == grad::gamma ? 1.0 + 0.5 * normal() : normal();
  switch (values_) {
    case Values::ratio_1000:
      // The 16-bit types cannot hold 1000 +- 1, so the spread is what their grid at this height leaves.
      if (!is_x(tensor_)) return value;
      return x2_ ? 500.0 + value * 0.7071 : 1000.0 + value;
    case Values::dy_zero:
      return tensor_ == grad::dy ? 0.0 : value;
    case Values::dy_one:
      return tensor_ == grad::dy ? 1.0 : value;
    case Values::dy_constant:
      return tensor_ == grad::dy ? of_row_ : value;
    case Values::x_constant:
      return is_x(tensor_) ? of_row_ : value;
    case Values::denormal:
      if (tensor_ == grad::gamma) return value;
      return value * smallest(dtype) * (row % 2 == 0 ? 3.0 : 300.0);
    case Values::huge:
      if (tensor_ == grad::gamma) return value;
      return value < -0.5 ? -largest(dtype) : value > 0.5 ? largest(dtype) : value;
    case Values::signed_zero: {
      const double zero = (bits() & 1) != 0 ? -0.0 : 0.0;
      return row % 3 == 0 || (bits() & 3) != 0 ? zero : value;
    }
    default:
      return value;
  }
}

void NumberSource::fill(const TensorLayout& layout, std::int64_t rows, std::vector<std::byte>& storage) {
  Offsets offsets(layout);
  const std::size_t size = dtype_size(layout.dtype);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns_; ++j) {
      write(i, layout.dtype, storage.data() + static_cast<std::size_t>(offsets.next()) * size);
    }
  }
}

void NumberSource::write(std::int64_t row, DType dtype, std::byte* address) {
  if (values_ == Values::nan_inf) {
    const std::uint64_t z = bits();
    // About one element in 600 of each tensor, in the first 100 rows of the longer cases: some rows and columns stay
    // clean.
    if (z % 600 == 0 && row < 100) {
      if ((z >> 40) % 3 == 0) {
        store(dtype, ((z >> 50) & 1) != 0 ? HUGE_VAL : -HUGE_VAL, address);
      } else {
        write_nan(dtype, (z >> 32) & 3, address);
      }
      return;
    }
  }
  store(dtype, number(row, dtype), address);
}

Statistics statistics_of(const Case& what, std::int64_t row, double mean, double variance) {
  // Twelve orders below the variance of real rows, so that a constant row gets rstd = 1e6.
  const double epsilon = what.values == Values::x_constant ? 1e-12 : 1e-5;
  Statistics out{static_cast<float>(1.0 / std::sqrt(variance + epsilon)), static_cast<float>(mean)};
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (what.values == Values::odd_statistics) {
    switch (row % 8) {
      case 1:
        out.rstd = infinity;
        break;
      case 2:
        out.rstd = std::numeric_limits<float>::quiet_NaN();
        break;
      case 3:
        out.mean = -infinity;
        break;
      case 4:
        out.rstd = 0;
        break;
      case 5:
        out.rstd = -out.rstd;
        break;
      case 6:
        out.mean = std::numeric_limits<float>::signaling_NaN();
        break;
      default:
        break;
    }
  }
  // Rows of NaN and inf keep statistics a forward could have had, or every element of the row would be NaN.
  if (what.values == Values::nan_inf && !(std::isfinite(out.rstd) && std::isfinite(out.mean))) out = {0.75f, 0.125f};
  if (what.values == Values::huge) out = {row % 2 == 0 ? 1.0f : 0x1p-20f, 0.5f};
  return out;
}

}  // namespace alng::cases
