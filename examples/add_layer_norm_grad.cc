// One row of four columns: the example that docs/formula.md works out by hand.
#include <alng/alng.hpp>
#include <cstdio>

int main() {
  const float dy[] = {1, 0, 0, 0}, x1[] = {-2, 0, -1, 2}, x2[] = {1, 1, 0, -1}, mean[] = {0}, rstd[] = {1};
  const float gamma[] = {2, 1, 1, 1}, dsum[] = {0, 0, 0, 0};
  float dx[4], dgamma[4], dbeta[4];
  const alng::Status status = alng::add_layer_norm_grad(alng::GradDescription::dense(alng::DType::float32, 1, 4),
                                                        {dy, x1, x2, rstd, mean, gamma, dsum, dx, dgamma, dbeta});
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  for (int j = 0; status.ok() && j < 4; ++j) std::printf("dx %2g  dgamma %2g  dbeta %2g\n", dx[j], dgamma[j], dbeta[j]);
  return status.ok() ? 0 : 1;
}
