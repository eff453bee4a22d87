// The module alng._core: both operators for Python. A call hands over every tensor of the operator's table, in its
// order.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>

#include "dlpack.h"
#include "options.h"
#include "plans.h"
#include "refusal.h"
#include "tensors.h"
#include "torch.h"
#include "xla.h"

namespace nb = nanobind;
using namespace nb::literals;  // NOLINT(google-build-using-namespace): "name"_a

namespace alng::python {
namespace {

using Forward = c_structs::Forward;
using Grad = c_structs::Grad;

template <class Operator>
constexpr std::size_t operand_count = Table<Operator>::operands.size();

template <class Operator>
using Objects = std::array<nb::handle, operand_count<Operator>>;

/// The tensors of one call.
template <class Operator>
class Tensors {
 public:
  /// What stays true of all calls is in `problem`, which gets every tensor's layout. An output that is True is made.
  Tensors(const Objects<Operator>& objects, typename Operator::Problem& problem, bool in_graph = false)
      : objects_(objects), in_graph_(in_graph) {
    std::uint32_t made = 0;
    for (std::size_t place = 0; place < objects.size(); ++place) {
      const bool is_output = operand(place).direction == Direction::output;
      if (is_output && objects[place].ptr() == Py_True) {
        made |= std::uint32_t{1} << place;
      } else if (is_output && objects[place].ptr() == Py_False) {
        objects_[place] = nb::none();
      } else {
        read(place, problem);
      }
    }
    if (made != 0) make_outputs(made, problem);
  }

  typename Operator::Where addresses() const noexcept {
    typename Operator::Where where{};
    for (std::size_t place = 0; place < tensors_.size(); ++place) {
      give_pointer<typename Operator::Where, Table<Operator>>(where, place, tensors_[place].data);
    }
    return where;
  }

  const alng_tensor& layout(std::size_t place) const noexcept { return tensors_[place].layout; }
  /// Where all of them are: `in_host_memory`, or on this GPU.
  int gpu() const noexcept { return tensors_[0].gpu; }

  /// The outputs in the table's order, None where there is none.
  nb::object outputs() const {
    constexpr std::size_t inputs = input_count();
    nb::object result = nb::steal(PyTuple_New(tensors_.size() - inputs));
    for (std::size_t place = inputs; place < tensors_.size(); ++place) {
      PyTuple_SetItem(result.ptr(), place - inputs, objects_[place].inc_ref().ptr());
    }
    return result;
  }

 private:
  static constexpr const Operand& operand(std::size_t place) { return Table<Operator>::operands[place]; }
  static constexpr std::size_t input_count() {
    std::size_t count = 0;
    while (operand(count).direction == Direction::input) ++count;
    return count;
  }

  void read(std::size_t place, typename Operator::Problem& problem) {
    tensors_[place] = read_tensor(operand(place), objects_[place], in_graph_);
    if (tensors_[place].gpu != gpu() && tensors_[place].layout.dtype != 0) {
      refuse_type(std::string{operand(place).name} + " is " + where(tensors_[place].gpu) + " but must be " +
                  where(gpu()) + " as " + operand(0).name);
    }
    take(place, problem);
  }

  void take(std::size_t place, typename Operator::Problem& problem) const {
    Table<Operator>::at(problem, place, [&](alng_tensor& member) { member = tensors_[place].layout; });
  }

  static std::string where(int gpu) {
    return gpu == in_host_memory ? "in the memory of the CPU" : "on cuda:" + std::to_string(gpu);
  }

  void make_outputs(std::uint32_t made, typename Operator::Problem& problem) {
    const int normalized_dims = found_normalized_dims(problem);
    for (std::size_t place = input_count(); place < tensors_.size(); ++place) {
      if ((made >> place & 1) == 0) continue;
      if constexpr (requires { problem.accumulate; }) {
        if (problem.accumulate != 0 && operand(place).role == Role::column) {
          throw Refusal{ALNG_BAD_OPTION, std::string{operand(place).name} +
                                             " is to be a new array but must be given, or be False: accumulate adds to "
                                             "what it holds"};
        }
      }
      std::tie(made_[place], tensors_[place]) = new_tensor(operand(place), new_layout(operand(place), normalized_dims),
                                                           in_graph_ ? objects_[0] : nb::handle(), gpu());
      objects_[place] = made_[place];
      take(place, problem);
    }
  }

  // As the library finds it, which judges the whole problem afterwards; without a tensor to tell, it is asked now.
  int found_normalized_dims(const typename Operator::Problem& problem) const {
    int dims = problem.normalized_dims;
    for (std::size_t place = 0; place < tensors_.size() && dims == 0; ++place) {
      if (operand(place).role == Role::column) dims = layout(place).rank;
    }
    if (dims > 0 && dims <= layout(0).rank && layout(0).rank <= ALNG_MAX_RANK) return dims;
    alng_summary summary{};
    summary.size = sizeof summary;
    alng_status said;
    throw_if_refused(Operator::judge(&problem, &summary, &said), said);
    return summary.normalized_dims;
  }

  alng_tensor new_layout(const Operand& output, int normalized_dims) const {
    alng_tensor made = layout(0);
    if (output.type == Type::float32) made.dtype = ALNG_FLOAT32;
    if (output.role == Role::row) std::fill_n(made.shape + made.rank - normalized_dims, normalized_dims, 1);
    if (output.role == Role::column) {
      std::copy_n(layout(0).shape + made.rank - normalized_dims, normalized_dims, made.shape);
      made.rank = normalized_dims;
    }
    return made;
  }

  Objects<Operator> objects_;
  const bool in_graph_;
  std::array<nb::object, operand_count<Operator>> made_;
  std::array<Tensor, operand_count<Operator>> tensors_;
};

/// `run(alng_status*)` without the GIL.
template <class Run>
void run_unlocked(Run run) {
  alng_status said;
  const alng_code code = [&] {
    const nb::gil_scoped_release others_may_run;
    return run(&said);
  }();
  throw_if_refused(code, said);
}

/// `like`: a tensor that is on it. Returns when the work has begun.
template <class Operator>
void run_on_gpu(const Key<Operator>& key, typename Operator::Where& where, nb::handle like) {
  const alng_plan* plan = nullptr;
  run_unlocked([&](alng_status* said) {
    plan = kept_plan(key, said);
    return plan != nullptr ? ALNG_OK : said->code;
  });
  where.size = sizeof where;
  where.workspace_size = alng_plan_workspace_size(plan);
  const GpuWork work(like, static_cast<int>(key.gpu), where.workspace_size);
  where.workspace = work.workspace();
  where.stream = work.stream();
  run_unlocked([&](alng_status* said) { return Operator::run(plan, &where, said); });
}

template <class Operator>
nb::object call(Key<Operator>& key, const Objects<Operator>& objects, nb::handle in_graph) {
  const bool of_torch = truth("in_graph", in_graph);
  const Tensors<Operator> tensors(objects, key.problem, of_torch);
  typename Operator::Where where = tensors.addresses();
  if (tensors.gpu() != in_host_memory) {
    key.gpu = tensors.gpu();
    key.threads = 0;  // those of the CPU
    run_on_gpu(key, where, objects[0]);
    return tensors.outputs();
  }
  if (of_torch) where.executor = torch_threads();
  run_unlocked([&](alng_status* said) { return run_kept_plan(key, where, said); });
  return tensors.outputs();
}

template <class Operator>
Key<Operator> key_of(nb::handle normalized_dims, nb::handle threads, nb::handle isa) {
  Key<Operator> key(integer("threads", threads), word("isa", isa));
  key.problem.normalized_dims = integer("normalized_dims", normalized_dims);
  return key;
}

Key<Forward> forward_key(nb::handle normalized_dims, nb::handle eps, nb::handle round_sum, nb::handle threads,
                         nb::handle isa) {
  Key<Forward> key = key_of<Forward>(normalized_dims, threads, isa);
  key.problem.eps = real("eps", eps);
  key.problem.round_sum = truth("round_sum", round_sum) ? 1 : 0;
  return key;
}

Key<Grad> grad_key(nb::handle normalized_dims, nb::handle accumulate, nb::handle threads, nb::handle isa) {
  Key<Grad> key = key_of<Grad>(normalized_dims, threads, isa);
  key.problem.accumulate = truth("accumulate", accumulate) ? 1 : 0;
  return key;
}

nb::object add_layer_norm(nb::handle x1, nb::handle x2, nb::handle gamma, nb::handle beta, nb::handle y,
                          nb::handle mean, nb::handle rstd, nb::handle x, nb::handle normalized_dims, nb::handle eps,
                          nb::handle round_sum, nb::handle threads, nb::handle isa, nb::handle in_graph) {
  Key<Forward> key = forward_key(normalized_dims, eps, round_sum, threads, isa);
  return call<Forward>(key, {x1, x2, gamma, beta, y, mean, rstd, x}, in_graph);
}

nb::object add_layer_norm_grad(nb::handle dy, nb::handle x1, nb::handle x2, nb::handle rstd, nb::handle mean,
                               nb::handle gamma, nb::handle dsum, nb::handle dx, nb::handle dgamma, nb::handle dbeta,
                               nb::handle normalized_dims, nb::handle accumulate, nb::handle threads, nb::handle isa,
                               nb::handle in_graph) {
  Key<Grad> key = grad_key(normalized_dims, accumulate, threads, isa);
  return call<Grad>(key, {dy, x1, x2, rstd, mean, gamma, dsum, dx, dgamma, dbeta}, in_graph);
}

template <class Operator>
Objects<Operator> objects_of(const nb::tuple& given) {
  Objects<Operator> objects;
  if (nb::len(given) != objects.size()) {
    refuse_type("tensors has length " + std::to_string(nb::len(given)) + " but must have length " +
                std::to_string(objects.size()));
  }
  for (std::size_t place = 0; place < objects.size(); ++place) objects[place] = given[place];
  return objects;
}

/// A plan that the caller keeps. It runs with tensors of the layouts that it was made of.
template <class Operator>
class Plan {
 public:
  Plan(const Key<Operator>& key, const nb::tuple& given) : key_(key) {
    const Tensors<Operator> tensors(objects_of<Operator>(given), key_.problem);
    alng_status said;
    said.code = ALNG_OK;
    plan_ = make_plan(key_, &said);
    throw_if_refused(said.code, said);
  }

  nb::object run(const nb::kwargs& given) const {
    typename Operator::Problem problem = key_.problem;
    const Tensors<Operator> tensors(objects_by_name(given), problem);
    for (std::size_t place = 0; place < operand_count<Operator>; ++place) check_layout(place, tensors.layout(place));
    typename Operator::Where where = tensors.addresses();
    run_unlocked([&](alng_status* said) { return run_plan<Operator>(plan_.get(), where, said); });
    return tensors.outputs();
  }

  std::string explain() const {
    std::string text(alng_plan_explain(plan_.get(), nullptr, 0), '\0');
    alng_plan_explain(plan_.get(), text.data(), text.size() + 1);
    return text;
  }
  std::size_t workspace_size() const { return alng_plan_workspace_size(plan_.get()); }
  std::string isa() const { return alng_plan_isa(plan_.get()); }
  int threads() const { return alng_plan_threads(plan_.get()); }

 private:
  static Objects<Operator> objects_by_name(const nb::kwargs& given) {
    Objects<Operator> objects;
    std::size_t found = 0;
    std::string names;
    for (std::size_t place = 0; place < objects.size(); ++place) {
      const char* const name = Table<Operator>::operands[place].name;
      names += (place > 0 ? ", " : "") + std::string(name);
      PyObject* const object = PyDict_GetItemString(given.ptr(), name);
      objects[place] = object != nullptr ? nb::handle(object) : nb::handle(nb::none());
      if (object != nullptr) ++found;
    }
    if (found == given.size()) return objects;
    const auto refuse = [&](const std::string& unknown) {
      refuse_type("there is no tensor " + unknown + " but " + names);
    };
    for (const auto& [name, object] : given) {
      const auto unknown = nb::cast<std::string>(name);
      if ((", " + names + ",").find(", " + unknown + ",") == std::string::npos) refuse(unknown);
    }
    return objects;
  }

  static TensorLayout layout_of(const alng_tensor& tensor) {
    TensorLayout layout;
    layout.dtype = static_cast<DType>(tensor.dtype);
    layout.rank = tensor.rank;
    for (int d = 0; d < std::min(tensor.rank, ALNG_MAX_RANK); ++d) {
      layout.shape[d] = tensor.shape[d];
      layout.strides[d] = tensor.strides[d];
    }
    return layout;
  }

  // Presence is left to the library.
  void check_layout(std::size_t place, const alng_tensor& given) const {
    alng_tensor planned;
    Table<Operator>::at(key_.problem, place, [&](const alng_tensor& member) { planned = member; });
    if (given.dtype == 0 || planned.dtype == 0) return;
    const auto steps = [](const alng_tensor& tensor, int d) { return tensor.shape[d] > 1 ? tensor.strides[d] : 0; };
    bool same = given.dtype == planned.dtype && given.rank == planned.rank;
    for (int d = 0; same && d < given.rank; ++d) {
      same = given.shape[d] == planned.shape[d] && steps(given, d) == steps(planned, d);
    }
    if (same) return;
    throw Refusal{ALNG_BAD_SHAPE, std::string(Table<Operator>::operands[place].name) + " is " +
                                      to_string(layout_of(given)) + " but the plan is for " +
                                      to_string(layout_of(planned))};
  }

  Key<Operator> key_;
  OwnedPlan plan_;
};

template <class Operator>
nb::class_<Plan<Operator>> add_plan(nb::module_& module, const char* name) {
  return nb::class_<Plan<Operator>>(module, name)
      .def("run", &Plan<Operator>::run)
      .def("explain", &Plan<Operator>::explain)
      .def_prop_ro("workspace_size", &Plan<Operator>::workspace_size)
      .def_prop_ro("isa", &Plan<Operator>::isa)
      .def_prop_ro("threads", &Plan<Operator>::threads);
}

nb::list instruction_sets() {
  nb::list all;
  alng_availability entry;
  for (std::int32_t i = 0; alng_instruction_set(i, &entry) != 0; ++i) {
    all.append(nb::make_tuple(entry.name, entry.available != 0, entry.reason));
  }
  return all;
}

}  // namespace
}  // namespace alng::python

NB_MODULE(_core, module) {       // NOLINT(readability-identifier-naming): nanobind's
  using namespace alng::python;  // NOLINT(google-build-using-namespace): the module of this file
  find_numpy();
  find_dlpack();
  add_alng_error(module);
  module.attr("FLOAT32") = static_cast<int>(ALNG_FLOAT32);
  module.attr("FLOAT16") = static_cast<int>(ALNG_FLOAT16);
  module.attr("BFLOAT16") = static_cast<int>(ALNG_BFLOAT16);

  module.def("add_layer_norm", &add_layer_norm, "x1"_a.none(), "x2"_a.none(), "gamma"_a.none(), "beta"_a.none(),
             "y"_a.none(), "mean"_a.none(), "rstd"_a.none(), "x"_a.none(), "normalized_dims"_a.none() = 0,
             "eps"_a.none() = 1e-5, "round_sum"_a.none() = false, "threads"_a.none() = 0, "isa"_a = nb::none(),
             "in_graph"_a.none() = false);
  module.def("add_layer_norm_grad", &add_layer_norm_grad, "dy"_a.none(), "x1"_a.none(), "x2"_a.none(), "rstd"_a.none(),
             "mean"_a.none(), "gamma"_a.none(), "dsum"_a.none(), "dx"_a.none(), "dgamma"_a.none(), "dbeta"_a.none(),
             "normalized_dims"_a.none() = 0, "accumulate"_a.none() = false, "threads"_a.none() = 0,
             "isa"_a = nb::none(), "in_graph"_a.none() = false);

  add_plan<Forward>(module, "ForwardPlan")
      .def(
          "__init__",
          [](Plan<Forward>* self, const nb::tuple& tensors, nb::handle normalized_dims, nb::handle eps,
             nb::handle round_sum, nb::handle threads, nb::handle isa) {
            new (self) Plan<Forward>(forward_key(normalized_dims, eps, round_sum, threads, isa), tensors);
          },
          "tensors"_a, "normalized_dims"_a.none() = 0, "eps"_a.none() = 1e-5, "round_sum"_a.none() = false,
          "threads"_a.none() = 0, "isa"_a = nb::none());
  add_plan<Grad>(module, "GradPlan")
      .def(
          "__init__",
          [](Plan<Grad>* self, const nb::tuple& tensors, nb::handle normalized_dims, nb::handle accumulate,
             nb::handle threads,
             nb::handle isa) { new (self) Plan<Grad>(grad_key(normalized_dims, accumulate, threads, isa), tensors); },
          "tensors"_a, "normalized_dims"_a.none() = 0, "accumulate"_a.none() = false, "threads"_a.none() = 0,
          "isa"_a = nb::none());

  module.def("use_torch", &use_torch, "torch"_a);
  module.def("takes_at_once", &takes_at_once, "x1"_a.none(), "x2"_a.none(), "weight"_a.none(), "bias"_a.none(),
             "normalized_shape"_a.none());
  module.def("takes_gradient_at_once", &takes_gradient_at_once, "dy"_a.none(), "x"_a.none(), "weight"_a.none(),
             "dsum"_a.none());

  module.def("instruction_sets", &instruction_sets);
  // As jax.ffi.register_ffi_target takes them.
  const auto handler = [](xla::Handler* function) {
    return nb::capsule(reinterpret_cast<void*>(function), "xla._CUSTOM_CALL_TARGET");
  };
  module.attr("xla_add_layer_norm") = handler(&xla::add_layer_norm);
  module.attr("xla_add_layer_norm_grad") = handler(&xla::add_layer_norm_grad);
  module.attr("xla_add_layer_norm_cuda") = handler(&xla::add_layer_norm_cuda);
  module.attr("xla_add_layer_norm_grad_cuda") = handler(&xla::add_layer_norm_grad_cuda);

  module.def("version", &alng_version);
  module.def("canonical_order", &alng_canonical_order);
}
