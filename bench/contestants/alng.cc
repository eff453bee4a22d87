// alng through its C interface: plan and workspace made once.
#include "alng/alng.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "contestant.h"

namespace {

struct Contestant {
  alng_plan* plan = nullptr;
  bool forward = false;
  alng_grad_arguments grad_arguments{};
  alng_forward_arguments forward_arguments{};
  std::vector<char> workspace;

  Contestant() = default;
  Contestant(const Contestant&) = delete;
  ~Contestant() { alng_plan_destroy(plan); }

  template <class Arguments>
  void give_workspace(Arguments& arguments) {
    arguments.size = sizeof arguments;
    workspace.resize(alng_plan_workspace_size(plan));
    arguments.workspace = workspace.data();
    arguments.workspace_size = workspace.size();
  }

  alng_code make_gradient(const contestant_problem& p, const alng_tensor& data, const alng_tensor& statistics,
                          const alng_tensor& parameters, alng_status* status) {
    alng_grad_problem problem{};
    problem.size = sizeof problem;
    problem.dy = problem.x1 = problem.x2 = problem.dx = data;
    if (p.dsum != nullptr) problem.dsum = data;
    problem.rstd = problem.mean = statistics;
    problem.dgamma = problem.dbeta = parameters;
    if (p.gamma != nullptr) problem.gamma = parameters;
    problem.normalized_dims = 1;
    const alng_code code = alng_grad_plan_create(&problem, nullptr, &plan, status);
    if (code != ALNG_OK) return code;
    alng_grad_arguments& a = grad_arguments;
    give_workspace(a);
    a.dy = p.dy;
    a.x1 = p.x1;
    a.x2 = p.x2;
    a.rstd = p.rstd;
    a.mean = p.mean;
    a.gamma = p.gamma;
    a.dsum = p.dsum;
    a.dx = p.dx;
    a.dgamma = p.dgamma;
    a.dbeta = p.dbeta;
    return code;
  }

  alng_code make_forward(const contestant_problem& p, const alng_tensor& data, const alng_tensor& statistics,
                         const alng_tensor& parameters, alng_status* status) {
    alng_forward_problem problem{};
    problem.size = sizeof problem;
    problem.x1 = problem.x2 = problem.y = problem.x = data;
    problem.rstd = problem.mean = statistics;
    if (p.gamma != nullptr) problem.gamma = parameters;
    if (p.beta != nullptr) problem.beta = parameters;
    problem.normalized_dims = 1;
    problem.eps = p.eps;
    const alng_code code = alng_forward_plan_create(&problem, nullptr, &plan, status);
    if (code != ALNG_OK) return code;
    alng_forward_arguments& a = forward_arguments;
    give_workspace(a);
    a.x1 = p.x1;
    a.x2 = p.x2;
    a.gamma = p.gamma;
    a.beta = p.beta;
    a.y = p.y;
    a.mean = p.mean;
    a.rstd = p.rstd;
    a.x = p.x;
    return code;
  }
};

}  // namespace

extern "C" {

int contestant_variants(void) { return 1; }

void* contestant_create(const contestant_problem* p, char* why, size_t size) {
  constexpr std::array dtypes = {ALNG_FLOAT32, ALNG_FLOAT16, ALNG_BFLOAT16};
  const int64_t shape[] = {p->rows, p->columns};
  const int64_t of_rows[] = {p->rows, 1};
  const alng_tensor data = alng_contiguous(dtypes[static_cast<std::size_t>(p->dtype)], 2, shape);
  const alng_tensor statistics = alng_contiguous(ALNG_FLOAT32, 2, of_rows);
  const alng_tensor parameters = alng_contiguous(ALNG_FLOAT32, 1, &p->columns);
  auto contestant = std::make_unique<Contestant>();
  contestant->forward = p->operation == CONTESTANT_FORWARD;
  alng_status status;
  const alng_code code = contestant->forward ? contestant->make_forward(*p, data, statistics, parameters, &status)
                                             : contestant->make_gradient(*p, data, statistics, parameters, &status);
  if (code != ALNG_OK) {
    std::snprintf(why, size, "%s", status.message);
    return nullptr;
  }
  return contestant.release();
}

void contestant_run(void* handle) {
  auto& contestant = *static_cast<Contestant*>(handle);
  alng_status status;
  const alng_code code = contestant.forward ? alng_forward_run(contestant.plan, &contestant.forward_arguments, &status)
                                            : alng_grad_run(contestant.plan, &contestant.grad_arguments, &status);
  if (code != ALNG_OK) {
    std::fprintf(stderr, "alng: %s\n", status.message);
    std::abort();
  }
}

void contestant_destroy(void* handle) { delete static_cast<Contestant*>(handle); }

const char* contestant_version(void) { return alng_version(); }

}  // extern "C"
