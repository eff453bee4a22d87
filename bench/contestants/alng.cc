// alng through its C interface: plan and workspace made once.
#include "alng/alng.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "contestant.h"

namespace {

struct Contestant {
  alng_plan* plan = nullptr;
  alng_grad_arguments arguments{};
  std::vector<char> workspace;
};

}  // namespace

extern "C" {

int contestant_variants(void) { return 1; }

void* contestant_create(const contestant_problem* p, char* why, size_t size) {
  const auto dtype = static_cast<alng_dtype>(p->dtype);
  const int64_t shape[] = {p->rows, p->columns};
  const int64_t statistics[] = {p->rows, 1};
  alng_grad_problem problem{};
  problem.size = sizeof problem;
  problem.dy = problem.x1 = problem.x2 = problem.dx = alng_contiguous(dtype, 2, shape);
  if (p->dsum != nullptr) problem.dsum = problem.dy;
  problem.rstd = problem.mean = alng_contiguous(ALNG_FLOAT32, 2, statistics);
  problem.dgamma = problem.dbeta = alng_contiguous(ALNG_FLOAT32, 1, &p->columns);
  if (p->gamma != nullptr) problem.gamma = problem.dgamma;
  problem.normalized_dims = 1;
  auto contestant = std::make_unique<Contestant>();
  alng_status status;
  if (alng_grad_plan_create(&problem, nullptr, &contestant->plan, &status) != ALNG_OK) {
    std::snprintf(why, size, "%s", status.message);
    return nullptr;
  }
  contestant->workspace.resize(alng_plan_workspace_size(contestant->plan));
  alng_grad_arguments& a = contestant->arguments;
  a.size = sizeof a;
  a.dy = p->dy;
  a.x1 = p->x1;
  a.x2 = p->x2;
  a.rstd = p->rstd;
  a.mean = p->mean;
  a.gamma = p->gamma;
  a.dsum = p->dsum;
  a.dx = p->dx;
  a.dgamma = p->dgamma;
  a.dbeta = p->dbeta;
  a.workspace = contestant->workspace.data();
  a.workspace_size = contestant->workspace.size();
  return contestant.release();
}

void contestant_run(void* handle) {
  auto& contestant = *static_cast<Contestant*>(handle);
  alng_status status;
  if (alng_grad_run(contestant.plan, &contestant.arguments, &status) != ALNG_OK) {
    std::fprintf(stderr, "alng: %s\n", status.message);
    std::abort();
  }
}

void contestant_destroy(void* handle) {
  const std::unique_ptr<Contestant> contestant(static_cast<Contestant*>(handle));
  alng_plan_destroy(contestant->plan);
}

const char* contestant_version(void) { return alng_version(); }

}  // extern "C"
