// Four rows of {1, -1} with gradients of 1, which LayerNorm passes none of on: dx is 0, dbeta counts the rows, dgamma
// adds up the normalised values.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "alng/alng.hpp"

int main() {
  constexpr std::int64_t rows = 4, columns = 2;
  alng::GradDescription description = alng::GradDescription::dense(alng::DType::float32, rows, columns);
  description.dsum.reset();
  const std::vector<float> dy(rows * columns, 1.0f), gamma(columns, 1.0f), zeros(rows, 0.0f), ones(rows, 1.0f);
  const std::vector<float> x1 = {1, -1, 1, -1, 1, -1, 1, -1}, x2(rows * columns, 0.0f);
  std::vector<float> dx(rows * columns, -1.0f), dgamma(columns, -1.0f), dbeta(columns, -1.0f);
  alng::GradArguments arguments;
  arguments.dy = dy.data();
  arguments.x1 = x1.data();
  arguments.x2 = x2.data();
  arguments.rstd = ones.data();
  arguments.mean = zeros.data();
  arguments.gamma = gamma.data();
  arguments.dx = dx.data();
  arguments.dgamma = dgamma.data();
  arguments.dbeta = dbeta.data();
  if (const alng::Status status = alng::add_layer_norm_grad(description, arguments); !status.ok()) {
    std::fprintf(stderr, "consumer.cc: %s\n", status.message().c_str());
    return 1;
  }
  const bool right = dx == std::vector<float>(rows * columns, 0.0f) && dgamma == std::vector<float>{4, -4} &&
                     dbeta == std::vector<float>{4, 4};
  std::printf("consumer.cc: alng %s: %s\n", alng::version(), right ? "right" : "WRONG");
  return right ? 0 : 1;
}
