// alng._core: both operators for Python. Whoever calls hands over every tensor of the operator's table, in its order.
#include <alng/c_structs.hpp>
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace nb = nanobind;
using namespace nb::literals;

namespace alng::python {
namespace {

PyObject* alng_error = nullptr;  // the class AlngError

[[noreturn]] void type_error(const std::string& sentence) { throw nb::type_error(sentence.c_str()); }

void raise_if_refused(alng_code code, const alng_status& said) {
  if (code == ALNG_OK) return;
  if (code == ALNG_OUT_OF_MEMORY) throw std::bad_alloc();
  nb::object error = nb::steal(PyObject_CallFunction(alng_error, "s", said.message));
  if (error.is_valid()) {
    error.attr("code") = alng_code_name(code);
    PyErr_SetObject(alng_error, error.ptr());
  }
  throw nb::python_error();
}

struct Operand {
  alng_tensor layout{};
  const void* data = nullptr;
};

std::int64_t number(const char* name, PyObject* object, const char* what) {
  const long long value = PyLong_AsLongLong(object);
  if (value == -1 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    type_error(std::string(name) + ": " + what + " must be integers of 64 bits");
  }
  return value;
}

// (address, dtype, shape, strides)
Operand described(const char* name, PyObject* tuple) {
  PyObject* const shape = PyTuple_Size(tuple) == 4 ? PyTuple_GetItem(tuple, 2) : nullptr;
  PyObject* const strides = shape != nullptr ? PyTuple_GetItem(tuple, 3) : nullptr;
  if (strides == nullptr || !PyTuple_Check(shape) || !PyTuple_Check(strides) ||
      PyTuple_Size(shape) != PyTuple_Size(strides)) {
    type_error(std::string(name) + " must be (address, dtype, shape, strides) with tuples of equal length");
  }
  Operand operand;
  operand.data = PyLong_AsVoidPtr(PyTuple_GetItem(tuple, 0));
  if (operand.data == nullptr && PyErr_Occurred() != nullptr) throw nb::python_error();
  operand.layout.dtype = static_cast<std::int32_t>(number(name, PyTuple_GetItem(tuple, 1), "dtypes"));
  const Py_ssize_t rank = PyTuple_Size(shape);
  operand.layout.rank = static_cast<std::int32_t>(std::min<Py_ssize_t>(rank, ALNG_MAX_RANK + 1));
  for (Py_ssize_t d = 0; d < std::min<Py_ssize_t>(rank, ALNG_MAX_RANK); ++d) {
    operand.layout.shape[d] = number(name, PyTuple_GetItem(shape, d), "extents");
    operand.layout.strides[d] = number(name, PyTuple_GetItem(strides, d), "strides");
  }
  return operand;
}

Operand read(const char* name, nb::handle object) {
  if (object.is_none()) return {};
  if (PyTuple_Check(object.ptr())) return described(name, object.ptr());
  type_error(std::string(name) + " must be (address, dtype, shape, strides) or None");
}

// What identifies a plan; compared and hashed as bytes, so every byte of it is set.
template <class Operator>
struct Key {
  typename Operator::Problem problem;
  std::int64_t threads;
  char isa[16];

  Key(std::int32_t most_threads, const std::optional<std::string>& isa_name) {
    std::memset(static_cast<void*>(this), 0, sizeof *this);
    problem.size = sizeof problem;
    threads = most_threads;
    // Longer than any name: cut, it is still no name.
    if (isa_name) std::memcpy(isa, isa_name->data(), std::min(isa_name->size(), sizeof isa - 1));
  }
  friend bool operator==(const Key& a, const Key& b) noexcept { return std::memcmp(&a, &b, sizeof a) == 0; }
};

struct Hash {
  template <class T>
  std::size_t operator()(const T& key) const noexcept {
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(&key), sizeof key});
  }
};

struct Destroy {
  void operator()(alng_plan* plan) const noexcept { alng_plan_destroy(plan); }
};
using Handle = std::unique_ptr<alng_plan, Destroy>;

template <class Operator>
Handle make_plan(const Key<Operator>& key) {
  const alng_options options{sizeof options, nullptr, key.isa, static_cast<std::int32_t>(key.threads)};
  alng_plan* plan = nullptr;
  alng_status said;
  raise_if_refused(Operator::plan_create(&key.problem, &options, &plan, &said), said);
  return Handle(plan);
}

// A plan made before a fork has no threads in the child, one made anew has.
std::atomic<int> forks{0};
const int counts_forks = pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });

// The plans that a thread made last. Of each thread alone: no lock, and nothing that a fork can leave locked.
template <class Operator>
const alng_plan& cached_plan(const Key<Operator>& key) {
  static constexpr std::size_t most_plans = 256;
  struct Plans : std::unordered_map<Key<Operator>, Handle, Hash> {
    int made_after = forks.load(std::memory_order_relaxed);
  };
  thread_local Plans plans;
  if (const int now = forks.load(std::memory_order_relaxed); plans.made_after != now) {
    plans.clear();
    plans.made_after = now;
  }
  if (const auto found = plans.find(key); found != plans.end()) return *found->second;
  Handle plan = make_plan(key);
  if (plans.size() >= most_plans) plans.clear();
  return *plans.emplace(key, std::move(plan)).first->second;
}

// Kept by each thread where it is small; larger ones are given back after the run.
struct Workspace {
  explicit Workspace(std::size_t bytes) {
    static constexpr std::size_t most_kept = std::size_t{4} << 20;
    thread_local std::unique_ptr<std::byte[]> kept;
    thread_local std::size_t kept_bytes = 0;
    if (bytes > most_kept) {
      own.reset(new std::byte[bytes]);
      data = own.get();
      return;
    }
    if (bytes > kept_bytes) {
      kept_bytes = 0;
      kept.reset(new std::byte[bytes]);
      kept_bytes = bytes;
    }
    data = kept.get();
  }
  std::unique_ptr<std::byte[]> own;
  std::byte* data;
};

template <class Operator>
void run(const alng_plan& plan, typename Operator::Where& where) {
  where.size = sizeof where;
  alng_status said;
  alng_code code;
  {
    const nb::gil_scoped_release others_may_run;
    where.workspace_size = alng_plan_workspace_size(&plan);
    const Workspace workspace(where.workspace_size);
    where.workspace = workspace.data;
    code = Operator::run(&plan, &where, &said);
  }
  raise_if_refused(code, said);
}

template <class Operator>
struct Traits;

template <class Operator>
using Table = typename Operator::Description::Table;

template <class Operator>
using Objects = std::array<nb::handle, Table<Operator>::operands.size()>;

template <class Operator>
void read_all(const Objects<Operator>& objects, Key<Operator>& key, typename Operator::Where& where) {
  for (std::size_t place = 0; place < objects.size(); ++place) {
    const Operand operand = read(Table<Operator>::operands[place].name, objects[place]);
    Table<Operator>::at(key.problem, place, [&](alng_tensor& member) { member = operand.layout; });
    give_pointer<typename Operator::Where, Table<Operator>>(where, place, operand.data);
  }
}

void add_layer_norm(nb::handle x1, nb::handle x2, nb::handle gamma, nb::handle beta, nb::handle y, nb::handle mean,
                    nb::handle rstd, nb::handle x, int normalized_dims, double eps, bool round_sum, int threads,
                    const std::optional<std::string>& isa) {
  using Operator = c_structs::Forward;
  Key<Operator> key(threads, isa);
  key.problem.normalized_dims = normalized_dims;
  key.problem.eps = static_cast<float>(eps);
  key.problem.round_sum = round_sum ? 1 : 0;
  Operator::Where where{};
  read_all<Operator>({x1, x2, gamma, beta, y, mean, rstd, x}, key, where);
  run<Operator>(cached_plan(key), where);
}

void add_layer_norm_grad(nb::handle dy, nb::handle x1, nb::handle x2, nb::handle rstd, nb::handle mean,
                         nb::handle gamma, nb::handle dsum, nb::handle dx, nb::handle dgamma, nb::handle dbeta,
                         int normalized_dims, bool accumulate, int threads, const std::optional<std::string>& isa) {
  using Operator = c_structs::Grad;
  Key<Operator> key(threads, isa);
  key.problem.normalized_dims = normalized_dims;
  key.problem.accumulate = accumulate ? 1 : 0;
  Operator::Where where{};
  read_all<Operator>({dy, x1, x2, rstd, mean, gamma, dsum, dx, dgamma, dbeta}, key, where);
  run<Operator>(cached_plan(key), where);
}

}  // namespace
}  // namespace alng::python

NB_MODULE(_core, module) {
  using namespace alng::python;
  alng_error = PyErr_NewExceptionWithDoc("alng.AlngError",
                                         "The library refused the call; nothing was written. str() is its sentence, "
                                         "code the name of the reason: 'bad_shape', 'overlap', ...",
                                         PyExc_ValueError, nullptr);
  module.attr("AlngError") = nb::borrow(alng_error);
  module.attr("FLOAT32") = static_cast<int>(ALNG_FLOAT32);
  module.attr("FLOAT16") = static_cast<int>(ALNG_FLOAT16);
  module.attr("BFLOAT16") = static_cast<int>(ALNG_BFLOAT16);
  module.def("add_layer_norm", &add_layer_norm, "x1"_a, "x2"_a.none(), "gamma"_a.none(), "beta"_a.none(),
             "y"_a.none(), "mean"_a.none(), "rstd"_a.none(), "x"_a.none(), "normalized_dims"_a = 0, "eps"_a = 1e-5,
             "round_sum"_a = false, "threads"_a = 0, "isa"_a.none() = nb::none());
  module.def("add_layer_norm_grad", &add_layer_norm_grad, "dy"_a, "x1"_a, "x2"_a.none(), "rstd"_a, "mean"_a,
             "gamma"_a.none(), "dsum"_a.none(), "dx"_a.none(), "dgamma"_a.none(), "dbeta"_a.none(),
             "normalized_dims"_a = 0, "accumulate"_a = false, "threads"_a = 0, "isa"_a.none() = nb::none());
  module.def("version", &alng_version);
  module.def("canonical_order", &alng_canonical_order);
}
