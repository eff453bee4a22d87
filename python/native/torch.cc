#include "torch.h"

#include <dlfcn.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <new>
#include <type_traits>

#include "dlpack.h"
#include "plans.h"

namespace nb = nanobind;

namespace alng::python {
namespace {

// Live as long as the process.
struct {
  PyObject *tensor, *parameter;  // types
  const ExchangeApi* api;
  PyObject *is_neg, *requires_grad, *current_level, *is_profiler_enabled;      // names
  PyObject *forward_ad, *profiler;                                             // modules
  PyObject *dispatch_modes, *transforms_active, *jit_trace, *is_grad_enabled;  // functions
} known;

// From libtorch's stable C interface. parallel_for is null before torch 2.10, the others before 2.14.
struct {
  std::int32_t (*parallel_for)(std::int64_t begin, std::int64_t end, std::int64_t grain,
                               void (*part)(std::int64_t begin, std::int64_t end, void* data), void* data);
  using Tensor = void*;
  std::int32_t (*empty_strided)(std::int64_t rank, const std::int64_t* shape, const std::int64_t* strides,
                                std::int32_t dtype, std::int32_t device_kind, std::int32_t device, Tensor* made);
  std::int32_t (*get_data_ptr)(Tensor, void** data);
  std::int32_t (*to_pyobject)(Tensor, void* type, void** object);
  std::int32_t (*destroy)(Tensor);
  std::int32_t dtypes[ALNG_BFLOAT16 + 1];
  std::int32_t cpu, cuda;
} libtorch;

nb::object checked(PyObject* answer) {
  if (answer == nullptr) throw nb::python_error();
  return nb::steal(answer);
}

bool is_plain(nb::handle object) {
  if (object.is_none()) return true;
  PyObject* self = object.ptr();
  PyObject* const type = object.type().ptr();
  if (type != known.tensor && type != known.parameter) return false;
  return checked(PyObject_VectorcallMethod(known.is_neg, &self, 1, nullptr)).ptr() == Py_False;
}

bool says(PyObject* function, PyObject* answer) { return checked(PyObject_CallNoArgs(function)).ptr() == answer; }

// Whether nobody watches operators (a mode of torch.utils._python_dispatch, a profiler, torch.jit.trace) or transforms
// them (torch.func, forward_ad).
bool operators_are_plain() {
  return says(known.transforms_active, Py_False) && says(known.jit_trace, Py_None) &&
         PyLong_AsLong(checked(PyObject_CallNoArgs(known.dispatch_modes)).ptr()) == 0 &&
         PyLong_AsLong(checked(PyObject_GetAttr(known.forward_ad, known.current_level)).ptr()) < 0 &&
         checked(PyObject_GetAttr(known.profiler, known.is_profiler_enabled)).ptr() == Py_False;
}

bool requires_grad(nb::handle object) {
  return !object.is_none() && checked(PyObject_GetAttr(object.ptr(), known.requires_grad)).ptr() == Py_True;
}

// alng_executor::parallel. What parallel_for returns is not looked at: it is an error only where the grain is negative
// or a part throws, and here the grain is 1 and no task throws.
void run_on_torch_threads(void*, std::int32_t count, void (*task)(void*, std::int32_t), void* task_data) {
  struct {
    void (*task)(void*, std::int32_t);
    void* data;
  } work{task, task_data};
  libtorch.parallel_for(
      0, count, 1,
      [](std::int64_t begin, std::int64_t end, void* data) {
        const auto& [one, its_data] = *static_cast<decltype(work)*>(data);
        for (; begin < end; ++begin) one(its_data, static_cast<std::int32_t>(begin));
      },
      &work);
}

bool are_trailing_dims(nb::handle normalized_shape, const nb::dlpack::dltensor& x) {
  const bool is_tuple = PyTuple_Check(normalized_shape.ptr());
  const Py_ssize_t dims = is_tuple ? PyTuple_Size(normalized_shape.ptr()) : 1;
  if (dims < 1 || dims > x.ndim) return false;
  for (Py_ssize_t d = 0; d < dims; ++d) {
    PyObject* const size = is_tuple ? PyTuple_GetItem(normalized_shape.ptr(), d) : normalized_shape.ptr();
    if (!PyLong_Check(size) || PyLong_AsLongLong(size) != x.shape[x.ndim - dims + d]) {
      PyErr_Clear();  // of an int beyond 64 bits
      return false;
    }
  }
  return true;
}

}  // namespace

nb::object takes_at_once(nb::handle x1, nb::handle x2, nb::handle weight, nb::handle bias,
                         nb::handle normalized_shape) {
  if (!operators_are_plain() || !is_plain(x1) || !is_plain(x2) || !is_plain(weight) || !is_plain(bias)) {
    return nb::none();
  }
  nb::dlpack::dltensor x;
  if (!describe(*known.api, x1, x) || !are_trailing_dims(normalized_shape, x)) return nb::none();
  return nb::bool_((requires_grad(x1) || requires_grad(x2) || requires_grad(weight) || requires_grad(bias)) &&
                   says(known.is_grad_enabled, Py_True));
}

bool takes_gradient_at_once(nb::handle dy, nb::handle x, nb::handle weight, nb::handle dsum) {
  nb::dlpack::dltensor given;
  return says(known.is_grad_enabled, Py_False) && operators_are_plain() && is_plain(dy) && is_plain(x) &&
         is_plain(weight) && is_plain(dsum) && describe(*known.api, dy, given) &&
         (dsum.is_none() || describe(*known.api, dsum, given));
}

nb::object new_torch_tensor(const ExchangeApi& api, const alng_tensor& layout, int gpu, const void** data) {
  if (libtorch.to_pyobject == nullptr || &api != known.api) return {};
  const bool on_cpu = gpu == in_host_memory;
  void *made = nullptr, *memory = nullptr, *object = nullptr;
  if (libtorch.empty_strided(layout.rank, layout.shape, layout.strides, libtorch.dtypes[layout.dtype],
                             on_cpu ? libtorch.cpu : libtorch.cuda, on_cpu ? 0 : gpu, &made) != 0) {
    throw std::bad_alloc();
  }
  const bool failed = libtorch.get_data_ptr(made, &memory) != 0 || libtorch.to_pyobject(made, nullptr, &object) != 0;
  libtorch.destroy(made);
  if (failed) throw std::bad_alloc();
  *data = memory;
  return nb::steal(static_cast<PyObject*>(object));
}

const alng_executor* torch_threads() noexcept {
  static constexpr alng_executor executor{&run_on_torch_threads, nullptr};
  return libtorch.parallel_for != nullptr && forks().load(std::memory_order_relaxed) == 0 ? &executor : nullptr;
}

void use_torch(nb::handle torch) {
  const auto forever = [](nb::object object) { return object.release().ptr(); };
  const nb::object c_side = torch.attr("_C");
  known.tensor = forever(torch.attr("Tensor"));
  known.parameter = forever(torch.attr("nn").attr("Parameter"));
  known.api = exchange_api_of(known.tensor, true);
  exchange_api_of(known.parameter, true);  // which makes it known
  known.is_neg = PyUnicode_InternFromString("is_neg");
  known.requires_grad = PyUnicode_InternFromString("requires_grad");
  known.current_level = PyUnicode_InternFromString("_current_level");
  known.is_profiler_enabled = PyUnicode_InternFromString("_is_profiler_enabled");
  known.forward_ad = forever(torch.attr("autograd").attr("forward_ad"));
  known.profiler = forever(torch.attr("autograd").attr("profiler"));
  known.dispatch_modes = forever(c_side.attr("_len_torch_dispatch_stack"));
  known.transforms_active = forever(c_side.attr("_are_functorch_transforms_active"));
  known.jit_trace = forever(c_side.attr("_get_tracing_state"));
  known.is_grad_enabled = forever(torch.attr("is_grad_enabled"));
  void* const library = dlopen("libtorch_cpu.so", RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return;
  const auto find = [&](auto*& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    return function != nullptr;
  };
  const auto number = [&](const char* name, std::int32_t& value) {
    std::int32_t (*function)() = nullptr;
    if (!find(function, name)) return false;
    value = function();
    return true;
  };
  find(libtorch.parallel_for, "torch_parallel_for");
  const bool complete = find(libtorch.empty_strided, "aoti_torch_empty_strided") &&
                        find(libtorch.get_data_ptr, "aoti_torch_get_data_ptr") &&
                        find(libtorch.destroy, "aoti_torch_delete_tensor_object") &&
                        number("aoti_torch_dtype_float32", libtorch.dtypes[ALNG_FLOAT32]) &&
                        number("aoti_torch_dtype_float16", libtorch.dtypes[ALNG_FLOAT16]) &&
                        number("aoti_torch_dtype_bfloat16", libtorch.dtypes[ALNG_BFLOAT16]) &&
                        number("aoti_torch_device_type_cpu", libtorch.cpu) &&
                        number("aoti_torch_device_type_cuda", libtorch.cuda) &&
                        find(libtorch.to_pyobject, "torch_tensor_to_pyobject");
  if (!complete) libtorch.to_pyobject = nullptr;
}

}  // namespace alng::python
