// oneDNN, each primitive created once. The gradient: binary add (x1 + x2), layer-normalisation backward, binary add
// (dsum). Backward primitives take no post-ops (the documentation of layer normalisation lists them for the forward
// pass alone), so the second add stays a primitive. The forward: binary add, layer-normalisation forward training.
// oneDNN takes and gives the variance instead of rstd: the one is made of the other outside the timed calls.
#include <dnnl.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "contestant.h"

namespace {

void check(dnnl_status_t status, const char* what) {
  if (status == dnnl_success) return;
  throw std::runtime_error(std::string(what) + (status == dnnl_unimplemented ? ": unimplemented" : ": status ") +
                           (status == dnnl_unimplemented ? "" : std::to_string(status)));
}

struct Contestant {
  dnnl_engine_t engine = nullptr;
  dnnl_stream_t stream = nullptr;
  struct Step {
    dnnl_primitive_t primitive = nullptr;
    std::vector<dnnl_exec_arg_t> arguments;
  };
  std::vector<Step> steps;
  std::vector<dnnl_memory_t> memories;
  std::vector<dnnl_memory_desc_t> descriptions;
  std::vector<float> variance;
  float* rstd = nullptr;  // of a forward
  float eps = 0;
  std::vector<float> ones;
  std::vector<char> x;

  Contestant() = default;
  Contestant(const Contestant&) = delete;
  ~Contestant() {
    for (Step& step : steps) dnnl_primitive_destroy(step.primitive);
    for (dnnl_memory_t memory : memories) dnnl_memory_destroy(memory);
    for (dnnl_memory_desc_t description : descriptions) dnnl_memory_desc_destroy(description);
    if (stream != nullptr) dnnl_stream_destroy(stream);
    if (engine != nullptr) dnnl_engine_destroy(engine);
  }

  dnnl_memory_desc_t describe(int rank, int64_t rows, int64_t columns, dnnl_data_type_t dtype) {
    const dnnl_dims_t extents = {rows, columns};
    dnnl_memory_desc_t description;
    check(dnnl_memory_desc_create_with_tag(&description, rank, extents, dtype, rank == 2 ? dnnl_ab : dnnl_a),
          "description");
    descriptions.push_back(description);
    return description;
  }

  dnnl_memory_t memory(dnnl_memory_desc_t description, const void* data) {
    dnnl_memory_t made;
    check(dnnl_memory_create(&made, description, engine, const_cast<void*>(data)), "memory");
    memories.push_back(made);
    return made;
  }

  void add(dnnl_primitive_desc_t description, std::vector<dnnl_exec_arg_t> arguments, const char* what) {
    Step step;
    const dnnl_status_t status = dnnl_primitive_create(&step.primitive, description);
    dnnl_primitive_desc_destroy(description);
    check(status, what);
    step.arguments = std::move(arguments);
    steps.push_back(std::move(step));
  }

  void add_binary(dnnl_memory_desc_t data, dnnl_memory_t one, dnnl_memory_t other, dnnl_memory_t sum) {
    dnnl_primitive_desc_t description;
    check(dnnl_binary_primitive_desc_create(&description, engine, dnnl_binary_add, data, data, data, nullptr),
          "binary add");
    add(description, {{DNNL_ARG_SRC_0, one}, {DNNL_ARG_SRC_1, other}, {DNNL_ARG_DST, sum}}, "binary add");
  }

  void make(const contestant_problem& p) {
    check(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine");
    check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "stream");
    constexpr std::array dtypes = {dnnl_f32, dnnl_f16, dnnl_bf16};
    const dnnl_data_type_t dtype = dtypes[static_cast<std::size_t>(p.dtype)];
    const dnnl_memory_desc_t data = describe(2, p.rows, p.columns, dtype);
    const dnnl_memory_desc_t statistics = describe(1, p.rows, 0, dnnl_f32);
    const dnnl_memory_desc_t parameters = describe(1, p.columns, 0, dnnl_f32);
    if (p.operation == CONTESTANT_FORWARD) {
      make_forward(p, data, statistics, parameters);
    } else {
      make_gradient(p, data, statistics, parameters);
    }
  }

  void make_forward(const contestant_problem& p, dnnl_memory_desc_t data, dnnl_memory_desc_t statistics,
                    dnnl_memory_desc_t parameters) {
    const dnnl_memory_t sum = memory(data, p.x);
    add_binary(data, memory(data, p.x1), memory(data, p.x2), sum);
    const unsigned flags = p.gamma != nullptr ? dnnl_use_scale | dnnl_use_shift : dnnl_normalization_flags_none;
    dnnl_primitive_desc_t forward;
    check(dnnl_layer_normalization_forward_primitive_desc_create(&forward, engine, dnnl_forward_training, data, data,
                                                                 statistics, p.eps, flags, nullptr),
          "layer normalization forward");
    variance.resize(static_cast<std::size_t>(p.rows));
    std::vector<dnnl_exec_arg_t> arguments = {{DNNL_ARG_SRC, sum},
                                              {DNNL_ARG_DST, memory(data, p.y)},
                                              {DNNL_ARG_MEAN, memory(statistics, p.mean)},
                                              {DNNL_ARG_VARIANCE, memory(statistics, variance.data())}};
    if (p.gamma != nullptr) {
      arguments.push_back({DNNL_ARG_SCALE, memory(parameters, p.gamma)});
      arguments.push_back({DNNL_ARG_SHIFT, memory(parameters, p.beta)});
    }
    add(forward, std::move(arguments), "layer normalization forward");
    rstd = p.rstd;
    eps = p.eps;
  }

  void make_gradient(const contestant_problem& p, dnnl_memory_desc_t data, dnnl_memory_desc_t statistics,
                     dnnl_memory_desc_t parameters) {
    x.resize(static_cast<std::size_t>(p.rows * p.columns) * (p.dtype == CONTESTANT_FLOAT32 ? 4 : 2));
    for (int64_t i = 0; i < p.rows; ++i) {
      variance.push_back(static_cast<float>(1 / (static_cast<double>(p.rstd[i]) * p.rstd[i])));
    }
    const float* gamma = p.gamma;
    if (gamma == nullptr) {  // dgamma and dbeta are wanted all the same
      ones.assign(static_cast<std::size_t>(p.columns), 1.0F);
      gamma = ones.data();
    }
    const dnnl_memory_t x_memory = memory(data, x.data()), dx = memory(data, p.dx);
    add_binary(data, memory(data, p.x1), memory(data, p.x2), x_memory);

    dnnl_primitive_desc_t backward, forward;
    const unsigned flags = dnnl_use_scale | dnnl_use_shift;
    check(dnnl_layer_normalization_forward_primitive_desc_create(&forward, engine, dnnl_forward_training, data, data,
                                                                 statistics, 0.0F, flags, nullptr),
          "layer normalization forward");
    const dnnl_status_t status = dnnl_layer_normalization_backward_primitive_desc_create(
        &backward, engine, dnnl_backward, data, data, data, statistics, 0.0F, flags, forward, nullptr);
    dnnl_primitive_desc_destroy(forward);
    check(status, "layer normalization backward");
    add(backward,
        {{DNNL_ARG_SRC, x_memory},
         {DNNL_ARG_DIFF_DST, memory(data, p.dy)},
         {DNNL_ARG_MEAN, memory(statistics, p.mean)},
         {DNNL_ARG_VARIANCE, memory(statistics, variance.data())},
         {DNNL_ARG_SCALE, memory(parameters, gamma)},
         {DNNL_ARG_SHIFT, memory(parameters, gamma)},  // 3.2 insists on one, and does not read it
         {DNNL_ARG_DIFF_SRC, dx},
         {DNNL_ARG_DIFF_SCALE, memory(parameters, p.dgamma)},
         {DNNL_ARG_DIFF_SHIFT, memory(parameters, p.dbeta)}},
        "layer normalization backward");

    if (p.dsum != nullptr) add_binary(data, dx, memory(data, p.dsum), dx);
  }
};

}  // namespace

extern "C" {

int contestant_variants(void) { return 1; }

void* contestant_create(const contestant_problem* problem, char* why, size_t size) {
  try {
    auto contestant = std::make_unique<Contestant>();
    contestant->make(*problem);
    return contestant.release();
  } catch (const std::exception& error) {
    std::snprintf(why, size, "%s", error.what());
    return nullptr;
  }
}

void contestant_run(void* handle) {
  auto& contestant = *static_cast<Contestant*>(handle);
  for (const Contestant::Step& step : contestant.steps) {
    const dnnl_status_t status = dnnl_primitive_execute(step.primitive, contestant.stream,
                                                        static_cast<int>(step.arguments.size()), step.arguments.data());
    if (status != dnnl_success) {
      std::fprintf(stderr, "oneDNN: status %d\n", status);
      std::abort();
    }
  }
  dnnl_stream_wait(contestant.stream);
}

void contestant_finish(void* handle) {
  auto& contestant = *static_cast<Contestant*>(handle);
  if (contestant.rstd == nullptr) return;
  for (std::size_t i = 0; i < contestant.variance.size(); ++i) {
    contestant.rstd[i] = 1 / std::sqrt(contestant.variance[i] + contestant.eps);
  }
}

void contestant_destroy(void* handle) { delete static_cast<Contestant*>(handle); }

const char* contestant_version(void) {
  static const std::string text = [] {
    const dnnl_version_t* const v = dnnl_version();
    return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
  }();
  return text.c_str();
}

}  // extern "C"
