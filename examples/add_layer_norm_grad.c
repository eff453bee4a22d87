/* The problem of add_layer_norm_grad.cc in C, as a training loop would do it: planned once, then run with a workspace
 * of its own as often as there are steps. dsum is left out. */
#include <alng/alng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { rows = 1, columns = 4 };

int main(void) {
  const float dy[] = {1, 0, 0, 0}, x1[] = {-2, 0, -1, 2}, x2[] = {1, 1, 0, -1}, mean[] = {0}, rstd[] = {1};
  const float gamma[] = {2, 1, 1, 1};
  float dx[rows * columns], dgamma[columns], dbeta[columns];
  const int64_t matrix[] = {rows, columns}, statistic[] = {rows, 1}, vector[] = {columns};
  alng_grad_problem problem;
  alng_grad_arguments arguments;
  alng_status status;
  alng_plan* plan;
  int j;

  memset(&problem, 0, sizeof problem);
  problem.size = sizeof problem; /* what stays 0 is absent: dsum */
  problem.dy = problem.x1 = problem.x2 = problem.dx = alng_contiguous(ALNG_FLOAT32, 2, matrix);
  problem.rstd = problem.mean = alng_contiguous(ALNG_FLOAT32, 2, statistic);
  problem.gamma = problem.dgamma = problem.dbeta = alng_contiguous(ALNG_FLOAT32, 1, vector);
  if (alng_grad_plan_create(&problem, NULL, &plan, &status) != ALNG_OK) {
    fprintf(stderr, "%s\n", status.message);
    return 1;
  }

  memset(&arguments, 0, sizeof arguments);
  arguments.size = sizeof arguments;
  arguments.dy = dy;
  arguments.x1 = x1;
  arguments.x2 = x2;
  arguments.rstd = rstd;
  arguments.mean = mean;
  arguments.gamma = gamma;
  arguments.dx = dx;
  arguments.dgamma = dgamma;
  arguments.dbeta = dbeta;
  arguments.workspace_size = alng_plan_workspace_size(plan);
  arguments.workspace = malloc(arguments.workspace_size);
  if (alng_grad_run(plan, &arguments, &status) == ALNG_OK) {
    for (j = 0; j < columns; ++j) printf("dx %2g  dgamma %2g  dbeta %2g\n", dx[j], dgamma[j], dbeta[j]);
  } else {
    fprintf(stderr, "%s\n", status.message);
  }
  free(arguments.workspace);
  alng_plan_destroy(plan);
  return status.code == ALNG_OK ? 0 : 1;
}
