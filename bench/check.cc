// Whether one build of libalng is faster or slower than another: `bench_check OLD.so NEW.so [--seconds S]`.
//
// Both are loaded into one process and take turns on the same memory, one call each, the order changing from round to
// round. Of each round the ratio old / new is taken: what disturbs the machine for a while disturbs both halves. The
// interval of the median ratio is that of order statistics, which holds for any distribution: with n rounds, the
// ratios number n/2 -+ z sqrt(n)/2 enclose the true median with the confidence of z. A difference counts from 3 % on,
// because two builds of the same sources differ by up to 2 % (where code and workspace come to lie).
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "alng/alng.h"

namespace {

using Clock = std::chrono::steady_clock;

// 99.9 % for each shape, so that a table of ten is wrong once in a hundred runs.
constexpr double z = 3.29;
constexpr double counts_from = 0.03;

struct Library {
  decltype(&alng_grad_plan_create) create_grad;
  decltype(&alng_forward_plan_create) create_forward;
  decltype(&alng_plan_destroy) destroy;
  decltype(&alng_plan_workspace_size) workspace_size;
  decltype(&alng_grad_run) run_grad;
  decltype(&alng_forward_run) run_forward;
  decltype(&alng_contiguous) contiguous;
};

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "bench_check: %s\n", why.c_str());
  std::exit(2);
}

Library load(const char* path) {
  void* const handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) die(dlerror());
  const auto find = [&](const char* name) {
    void* const symbol = dlsym(handle, name);
    if (symbol == nullptr) die(std::string(path) + " has no " + name);
    return symbol;
  };
  return {reinterpret_cast<decltype(&alng_grad_plan_create)>(find("alng_grad_plan_create")),
          reinterpret_cast<decltype(&alng_forward_plan_create)>(find("alng_forward_plan_create")),
          reinterpret_cast<decltype(&alng_plan_destroy)>(find("alng_plan_destroy")),
          reinterpret_cast<decltype(&alng_plan_workspace_size)>(find("alng_plan_workspace_size")),
          reinterpret_cast<decltype(&alng_grad_run)>(find("alng_grad_run")),
          reinterpret_cast<decltype(&alng_forward_run)>(find("alng_forward_run")),
          reinterpret_cast<decltype(&alng_contiguous)>(find("alng_contiguous"))};
}

enum class Operator { gradient, forward };

struct Shape {
  Operator what;
  std::int64_t rows, columns;
  alng_dtype dtype;
  int threads;  // 0: all
};
// Small, in each cache, out of cache.
constexpr Shape shapes[] = {
    {Operator::gradient, 8, 768, ALNG_FLOAT32, 1},      {Operator::gradient, 64, 768, ALNG_FLOAT32, 1},
    {Operator::gradient, 64, 768, ALNG_BFLOAT16, 1},    {Operator::gradient, 512, 1024, ALNG_FLOAT32, 1},
    {Operator::gradient, 512, 1024, ALNG_FLOAT16, 1},   {Operator::gradient, 512, 1024, ALNG_BFLOAT16, 0},
    {Operator::gradient, 4096, 4096, ALNG_FLOAT32, 0},  {Operator::gradient, 16384, 1024, ALNG_BFLOAT16, 0},
    {Operator::forward, 8, 768, ALNG_FLOAT32, 1},       {Operator::forward, 64, 768, ALNG_FLOAT32, 1},
    {Operator::forward, 64, 768, ALNG_BFLOAT16, 1},     {Operator::forward, 512, 1024, ALNG_FLOAT32, 1},
    {Operator::forward, 512, 1024, ALNG_BFLOAT16, 0},   {Operator::forward, 4096, 4096, ALNG_FLOAT32, 0},
    {Operator::forward, 16384, 1024, ALNG_BFLOAT16, 0},
};

class Memory {
 public:
  explicit Memory(std::size_t bytes) : data_(std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096)) {
    if (data_ == nullptr) die("memory ran out");
    std::memset(data_, 0x3c, bytes);
  }
  Memory(const Memory&) = delete;
  ~Memory() { std::free(data_); }
  void* get() const { return data_; }
  float* floats() const { return static_cast<float*>(data_); }

 private:
  void* data_;
};

double quantile(const std::vector<double>& sorted, double rank) {
  const double last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(std::clamp(std::round(rank), 0.0, last))];
}

// One library's plan of a shape, and how to run it once.
struct Contestant {
  alng_plan* plan;
  std::function<void()> run;
};

void require(alng_code code, const alng_status& status) {
  if (code != ALNG_OK) die(status.message);
}

/// The tensors of a shape; both libraries work on the same.
class Tensors {
 public:
  explicit Tensors(const Shape& shape)
      : shape_(shape),
        like_x_(static_cast<std::size_t>(shape.rows * shape.columns) * (shape.dtype == ALNG_FLOAT32 ? 4 : 2)),
        of_rows_(static_cast<std::size_t>(shape.rows) * 4),
        of_columns_(static_cast<std::size_t>(shape.columns) * 4) {}

  Contestant of(const Library& library) {
    return shape_.what == Operator::gradient ? gradient(library) : forward(library);
  }

 private:
  template <class Problem>
  alng_options describe(const Library& library, Problem& problem) const {
    const std::int64_t extents[] = {shape_.rows, shape_.columns}, of_rows[] = {shape_.rows, 1};
    problem.size = sizeof problem;
    problem.x1 = problem.x2 = library.contiguous(shape_.dtype, 2, extents);
    problem.rstd = problem.mean = library.contiguous(ALNG_FLOAT32, 2, of_rows);
    problem.gamma = library.contiguous(shape_.dtype, 1, &shape_.columns);
    alng_options options{};
    options.size = sizeof options;
    options.threads = shape_.threads;
    return options;
  }

  template <class Arguments>
  void fill(const Library& library, const alng_plan* plan, Arguments& arguments) {
    const std::size_t size = library.workspace_size(plan);
    if (size > workspace_size_) {
      workspace_ = std::make_unique<Memory>(size);
      workspace_size_ = size;
    }
    arguments.size = sizeof arguments;
    arguments.x1 = x1_.get();
    arguments.x2 = x2_.get();
    arguments.rstd = rstd_.floats();
    arguments.mean = mean_.floats();
    arguments.gamma = gamma_.get();
    arguments.workspace_size = size;
  }

  Contestant gradient(const Library& library) {
    alng_grad_problem problem{};
    const alng_options options = describe(library, problem);
    problem.dy = problem.dsum = problem.dx = problem.x1;
    problem.dgamma = problem.dbeta = library.contiguous(ALNG_FLOAT32, 1, &shape_.columns);
    alng_plan* plan;
    alng_status status;
    require(library.create_grad(&problem, &options, &plan, &status), status);
    alng_grad_arguments arguments{};
    fill(library, plan, arguments);
    arguments.dy = third_.get();
    arguments.dsum = fourth_.get();
    arguments.dx = fifth_.get();
    arguments.dgamma = first_of_columns_.floats();
    arguments.dbeta = second_of_columns_.floats();
    return {plan, [this, &library, plan, arguments]() mutable {
              arguments.workspace = workspace_->get();
              alng_status why;
              require(library.run_grad(plan, &arguments, &why), why);
            }};
  }

  Contestant forward(const Library& library) {
    alng_forward_problem problem{};
    const alng_options options = describe(library, problem);
    problem.beta = problem.gamma;
    problem.y = problem.x = problem.x1;
    problem.eps = 1e-5f;
    alng_plan* plan;
    alng_status status;
    require(library.create_forward(&problem, &options, &plan, &status), status);
    alng_forward_arguments arguments{};
    fill(library, plan, arguments);
    arguments.beta = first_of_columns_.get();
    arguments.y = third_.get();
    arguments.x = fourth_.get();
    return {plan, [this, &library, plan, arguments]() mutable {
              arguments.workspace = workspace_->get();
              alng_status why;
              require(library.run_forward(plan, &arguments, &why), why);
            }};
  }

  Shape shape_;
  std::size_t like_x_, of_rows_, of_columns_;
  Memory x1_{like_x_}, x2_{like_x_}, third_{like_x_}, fourth_{like_x_}, fifth_{like_x_};
  Memory mean_{of_rows_}, rstd_{of_rows_};
  Memory gamma_{of_columns_}, first_of_columns_{of_columns_}, second_of_columns_{of_columns_};
  // The larger one of the two libraries'.
  std::unique_ptr<Memory> workspace_;
  std::size_t workspace_size_ = 0;
};

// 1: the new one is faster, -1: slower, 0: the same.
int compare(const Library (&libraries)[2], const Shape& shape, double seconds) {
  Tensors tensors(shape);
  Contestant contestants[2] = {tensors.of(libraries[0]), tensors.of(libraries[1])};
  // Calls that take less than the clock can tell apart are timed together.
  const std::size_t elements = static_cast<std::size_t>(shape.rows * shape.columns);
  const int calls = static_cast<int>(std::max<std::size_t>(1, 65536 / elements));
  const auto time = [&](int i) {
    // The other library's threads look for work for 30 us before they sleep, on the processors that this one needs.
    if (shape.threads != 1) {
      for (const Clock::time_point end = Clock::now() + std::chrono::microseconds(60); Clock::now() < end;) {
      }
      for (int call = 0; call < 3; ++call) contestants[i].run();
    }
    const Clock::time_point begin = Clock::now();
    for (int call = 0; call < calls; ++call) contestants[i].run();
    return std::chrono::duration<double>(Clock::now() - begin).count() / calls;
  };
  std::vector<double> ratios, times;
  const Clock::time_point begin = Clock::now();
  for (int round = 0; round < 64 || std::chrono::duration<double>(Clock::now() - begin).count() < seconds; ++round) {
    double of[2];
    of[round % 2] = time(round % 2);
    of[1 - round % 2] = time(1 - round % 2);
    if (round < 8) continue;
    ratios.push_back(of[0] / of[1]);
    times.push_back(of[1]);
  }
  for (int i = 0; i < 2; ++i) libraries[i].destroy(contestants[i].plan);

  std::sort(ratios.begin(), ratios.end());
  std::sort(times.begin(), times.end());
  const double n = static_cast<double>(ratios.size());
  const double low = quantile(ratios, n / 2 - z * std::sqrt(n) / 2),
               high = quantile(ratios, n / 2 + z * std::sqrt(n) / 2);
  const int verdict = low > 1 + counts_from ? 1 : high < 1 - counts_from ? -1 : 0;
  constexpr const char* dtypes[] = {"fp32", "fp16", "bf16"};
  std::printf("%s %6ldx%-5ld %s %s  %10.2f us  old/new %.3f [%.3f, %.3f]  %s\n",
              shape.what == Operator::gradient ? "gradient" : "forward ", static_cast<long>(shape.rows),
              static_cast<long>(shape.columns), dtypes[shape.dtype - 1],
              shape.threads == 1 ? "1 thread   " : "all threads", quantile(times, n / 2) * 1e6, quantile(ratios, n / 2),
              low, high,
              verdict > 0   ? "faster"
              : verdict < 0 ? "slower"
                            : "the same");
  std::fflush(stdout);
  return verdict;
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 3;
  if (argc == 5 && std::strcmp(argv[3], "--seconds") == 0) {
    seconds = std::atof(argv[4]);
  } else if (argc != 3) {
    std::fprintf(stderr, "usage: bench_check OLD.so NEW.so [--seconds S]\n");
    return 2;
  }
  const Library libraries[2] = {load(argv[1]), load(argv[2])};
  int faster = 0, slower = 0;
  for (const Shape& shape : shapes) {
    const int verdict = compare(libraries, shape, seconds);
    faster += verdict > 0;
    slower += verdict < 0;
  }
  std::printf("%s: of %zu shapes %d slower, %d faster; a difference counts from %.0f %% on, with 99.9 %% confidence\n",
              slower > 0   ? "slower"
              : faster > 0 ? "faster"
                           : "the same",
              std::size(shapes), slower, faster, 100 * counts_from);
  return slower > 0 ? 1 : 0;
}
