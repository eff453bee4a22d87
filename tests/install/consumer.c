/* The problem of consumer.cc through the C interface. */
#include <alng/alng.h>
#include <stdio.h>
#include <string.h>

enum { rows = 4, columns = 2 };

int main(void) {
  const int64_t shape[2] = {rows, columns}, statistics[2] = {rows, 1}, parameters[1] = {columns};
  const float dy[rows * columns] = {1, 1, 1, 1, 1, 1, 1, 1}, x1[rows * columns] = {1, -1, 1, -1, 1, -1, 1, -1};
  const float mean[rows] = {0, 0, 0, 0}, rstd[rows] = {1, 1, 1, 1}, gamma[columns] = {1, 1};
  float dx[rows * columns] = {-1}, dgamma[columns] = {-1, -1}, dbeta[columns] = {-1, -1};
  alng_grad_problem problem;
  alng_grad_arguments arguments;
  alng_status status;
  int right = 1, i;

  memset(&problem, 0, sizeof problem);
  problem.size = sizeof problem;
  problem.dy = problem.x1 = problem.dx = alng_contiguous(ALNG_FLOAT32, 2, shape);
  problem.rstd = problem.mean = alng_contiguous(ALNG_FLOAT32, 2, statistics);
  problem.gamma = problem.dgamma = problem.dbeta = alng_contiguous(ALNG_FLOAT32, 1, parameters);
  memset(&arguments, 0, sizeof arguments);
  arguments.size = sizeof arguments;
  arguments.dy = dy;
  arguments.x1 = x1;
  arguments.rstd = rstd;
  arguments.mean = mean;
  arguments.gamma = gamma;
  arguments.dx = dx;
  arguments.dgamma = dgamma;
  arguments.dbeta = dbeta;
  if (alng_add_layer_norm_grad(&problem, &arguments, NULL, &status) != ALNG_OK) {
    fprintf(stderr, "consumer.c: %s\n", status.message);
    return 1;
  }
  for (i = 0; i < rows * columns; ++i) right = right && dx[i] == 0.0f;
  right = right && dgamma[0] == 4.0f && dgamma[1] == -4.0f && dbeta[0] == 4.0f && dbeta[1] == 4.0f;
  printf("consumer.c: alng %s: %s\n", alng_version(), right ? "right" : "WRONG");
  return right ? 0 : 1;
}
