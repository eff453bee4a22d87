// One row of four columns, forward and back: the example that docs/formula.md works out by hand.
#include <alng/alng.hpp>
#include <cstdio>

int main() {
  const float x1[] = {-2, 0, -1, 2}, x2[] = {1, 1, 0, -1}, gamma[] = {2, 1, 1, 1}, beta[] = {0, 0, 0, 1};
  const float dy[] = {1, 0, 0, 0}, dsum[] = {0, 0, 0, 0};
  float y[4], mean[1], rstd[1], x[4], dx[4], dgamma[4], dbeta[4];
  auto forward = alng::ForwardDescription::dense(alng::DType::float32, 1, 4);
  forward.eps = 0;
  alng::Status status = alng::add_layer_norm(forward, {x1, x2, gamma, beta, y, mean, rstd, x});
  if (status.ok())
    status = alng::add_layer_norm_grad(alng::GradDescription::dense(alng::DType::float32, 1, 4),
                                       {dy, x1, x2, rstd, mean, gamma, dsum, dx, dgamma, dbeta});
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  for (int j = 0; status.ok() && j < 4; ++j)
    std::printf("y %2g  dx %2g  dgamma %2g  dbeta %2g\n", y[j], dx[j], dgamma[j], dbeta[j]);
  return status.ok() ? 0 : 1;
}
