#include "dlpack.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

#include "options.h"
#include "refusal.h"

namespace nb = nanobind;

namespace alng::python {

// What a capsule "dltensor_versioned" points to: DLPack from version 1.
struct VersionedTensor {
  std::uint32_t major_version, minor_version;
  void* manager;
  void (*deleter)(VersionedTensor*);
  std::uint64_t flags;
  nb::dlpack::dltensor tensor;
};

// What a capsule "dlpack_exchange_api" points to, an attribute of a type: DLPack's C side, from version 1.2.
struct ExchangeApi {
  std::uint32_t major_version, minor_version;
  const void* older;
  int (*allocate)(const nb::dlpack::dltensor* like, VersionedTensor** made, void* told,
                  void (*tell)(void* told, const char* kind, const char* message));
  int (*give)(void* object, VersionedTensor** given);
  int (*take)(VersionedTensor* given, void** object);
  int (*describe)(void* object, nb::dlpack::dltensor* described);  // may be null
  int (*current_stream)(int device_kind, std::int32_t device, void** stream);
};

namespace {

constexpr std::uint64_t read_only = 1;

// Live as long as the process.
struct {
  PyObject *dlpack, *dlpack_device, *exchange_api, *requires_grad, *is_neg;
  PyObject* version_keyword;  // {"max_version": (1, 0)}
} known;

// Types met so far whose tensors DLPack's C side describes: torch.Tensor and torch.nn.Parameter.
struct {
  PyObject* type;
  const ExchangeApi* api;
} exchanging[2];

std::int32_t dlpack_dtype(const Operand& operand, nb::dlpack::dtype dtype) {
  using Code = nb::dlpack::dtype_code;
  const auto code = static_cast<Code>(dtype.code);
  if (code == Code::Float && dtype.bits == 32 && dtype.lanes == 1) return ALNG_FLOAT32;
  if (code == Code::Float && dtype.bits == 16 && dtype.lanes == 1) return ALNG_FLOAT16;
  if (code == Code::Bfloat && dtype.bits == 16 && dtype.lanes == 1) return ALNG_BFLOAT16;
  const char* const kind = code == Code::Float     ? "float"
                           : code == Code::Int     ? "int"
                           : code == Code::UInt    ? "uint"
                           : code == Code::Complex ? "complex"
                                                   : nullptr;
  if (code == Code::Bool) refuse_dtype(operand, "bool");
  const std::string number = std::to_string(dtype.bits);
  refuse_dtype(operand, kind != nullptr
                            ? kind + number
                            : "of DLPack's dtype code " + std::to_string(dtype.code) + " with " + number + " bits");
}

// What an object that says it has DLPack does instead of giving a tensor.
[[noreturn]] void refuse_exporter(const Operand& operand, nb::handle object, const std::string& what_it_does) {
  refuse_type(std::string(operand.name) + " is a " + type_of(object) + " that gives no DLPack tensor: " + what_it_does);
}

// With the first line of the error that it raised, which in torch is followed by a backtrace.
[[noreturn]] void refuse_by_error(const Operand& operand, nb::handle object) {
  if (PyErr_ExceptionMatches(PyExc_Exception) == 0) throw nb::python_error();  // KeyboardInterrupt
  nb::python_error cause;
  const std::string said = nb::str(cause.value()).c_str();
  nb::raise_from(cause, PyExc_TypeError, "%s is a %s that gives no DLPack tensor: %s", operand.name,
                 type_of(object).c_str(), said.substr(0, said.find('\n')).c_str());
  throw nb::python_error();
}

nb::object call_dlpack(const Operand& operand, nb::handle object) {
  const nb::object method = object.attr(nb::handle(known.dlpack));
  const nb::object nothing = nb::make_tuple();
  PyObject* capsule = PyObject_Call(method.ptr(), nothing.ptr(), known.version_keyword);
  if (capsule == nullptr && PyErr_ExceptionMatches(PyExc_TypeError) != 0) {  // one older than version 1
    PyErr_Clear();
    capsule = PyObject_Call(method.ptr(), nothing.ptr(), nullptr);
  }
  if (capsule == nullptr) refuse_by_error(operand, object);
  return nb::steal(capsule);
}

std::int64_t device_kind(const Operand& operand, nb::handle object) {
  const nb::object device = object.attr(nb::handle(known.dlpack_device))();
  const nb::object kind = nb::steal(PySequence_GetItem(device.ptr(), 0));
  const long long number = kind.is_valid() ? PyLong_AsLongLong(kind.ptr()) : 0;
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    refuse_exporter(operand, object, std::string("its device is ") + nb::repr(device).c_str());
  }
  return number;
}

// Whether `object` has `name` and says yes by it, by a call where it is a method.
bool says_yes(nb::handle object, PyObject* name) {
  nb::object answer = nb::getattr(object, nb::handle(name), nb::none());
  if (PyCallable_Check(answer.ptr()) != 0) answer = answer();
  const int yes = PyObject_IsTrue(answer.ptr());
  if (yes < 0) throw nb::python_error();
  return yes == 1;
}

// What a tensor of torch may be and DLPack doesn't say, or says without telling what to do.
void refuse_unless_data_alone(const Operand& operand, nb::handle object) {
  if (says_yes(object, known.is_neg)) {
    refuse(operand, "a tensor that is still to be negated",
           std::string("so already: give ") + operand.name + ".resolve_neg()");
  }
  if (says_yes(object, known.requires_grad)) {
    refuse(operand, "a tensor that requires grad",
           std::string("detached, since this call would cut it out of the graph: use alng.torch, or give ") +
               operand.name + ".detach()");
  }
}

void refuse_unless_on_cpu(const Operand& operand, std::int64_t device_kind) {
  if (device_kind == nb::device::cpu::value || device_kind == nb::device::cuda_host::value) return;
  refuse(operand, "on a device (DLPack's type " + std::to_string(device_kind) + ")", "in the memory of the CPU");
}

Tensor described_tensor(const Operand& operand, const nb::dlpack::dltensor& described) {
  Tensor tensor;
  tensor.layout.dtype = dlpack_dtype(operand, described.dtype);
  tensor.data = static_cast<const std::byte*>(described.data) + described.byte_offset;
  tensor.layout.rank = stored_rank(described.ndim);
  const std::int32_t rank = tensor.layout.rank;
  if (described.strides == nullptr) {
    tensor.layout = alng_contiguous(static_cast<alng_dtype>(tensor.layout.dtype), rank, described.shape);
    tensor.layout.rank = rank;
    return tensor;
  }
  std::copy_n(described.shape, stored_dims(tensor.layout), tensor.layout.shape);
  std::copy_n(described.strides, stored_dims(tensor.layout), tensor.layout.strides);
  return tensor;
}

// Memory of a new tensor, by the framework that has the API.
VersionedTensor* allocate_exchanged(const ExchangeApi& api, nb::dlpack::dtype dtype, std::int32_t rank,
                                    const std::int64_t* shape, int gpu) {
  nb::dlpack::dltensor like{};
  like.device = gpu == in_host_memory ? nb::dlpack::device{nb::device::cpu::value, 0}
                                      : nb::dlpack::device{nb::device::cuda::value, gpu};
  like.ndim = rank;
  like.dtype = dtype;
  like.shape = const_cast<std::int64_t*>(shape);  // only read
  VersionedTensor* made = nullptr;
  const auto out_of_memory = [](void*, const char*, const char*) {};
  if (api.allocate(&like, &made, nullptr, out_of_memory) != 0) {
    PyErr_Clear();
    throw std::bad_alloc();
  }
  return made;
}

Tensor read_capsule(const Operand& operand, nb::handle object) {
  refuse_unless_on_cpu(operand, device_kind(operand, object));
  const nb::object lent = call_dlpack(operand, object);
  // Borrowed: a capsule that keeps its name gives its tensor back when it dies.
  PyObject* const capsule = lent.ptr();
  const nb::dlpack::dltensor* described;
  if (PyCapsule_IsValid(capsule, "dltensor_versioned") != 0) {
    const auto* const versioned = static_cast<VersionedTensor*>(PyCapsule_GetPointer(capsule, "dltensor_versioned"));
    if (versioned->major_version != 1) {
      refuse(operand, "a DLPack tensor of version " + std::to_string(versioned->major_version), "of version 1");
    }
    refuse_unless_writeable(operand, (versioned->flags & read_only) == 0);
    described = &versioned->tensor;
  } else {
    if (PyCapsule_IsValid(capsule, "dltensor") == 0) {
      refuse_exporter(operand, object, std::string("it gives ") + nb::repr(lent).c_str());
    }
    described = static_cast<nb::dlpack::dltensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
    if (operand.direction == Direction::output) {  // a jax.Array, immutable, among others
      refuse(operand, "an array whose DLPack, before version 1, doesn't tell whether it is writeable",
             "a NumPy array or one with DLPack 1");
    }
  }
  Tensor tensor = described_tensor(operand, *described);
  tensor.keeps_alive = lent;
  return tensor;
}

}  // namespace

bool has_dlpack(nb::handle object) { return nb::hasattr(object, nb::handle(known.dlpack)); }

Tensor read_dlpack(const Operand& operand, nb::handle object, bool in_graph) {
  if (!in_graph) refuse_unless_data_alone(operand, object);
  const ExchangeApi* const api = exchange_api_of(object.type(), in_graph);
  return api != nullptr ? read_exchange(operand, object, *api, in_graph) : read_capsule(operand, object);
}

const ExchangeApi* known_exchange_api_of(nb::handle type) noexcept {
  for (const auto& met : exchanging) {
    if (met.type == type.ptr()) return met.api;
  }
  return nullptr;
}

const ExchangeApi* exchange_api_of(nb::handle type, bool any_subclass) {
  if (const ExchangeApi* const api = known_exchange_api_of(type)) return api;
  const bool own = nb::cast<bool>(type.attr("__dict__").attr("__contains__")(nb::handle(known.exchange_api)));
  if (!own && !(any_subclass && nb::hasattr(type, nb::handle(known.exchange_api)))) return nullptr;
  const nb::object capsule = type.attr(nb::handle(known.exchange_api));
  const auto* const api = static_cast<const ExchangeApi*>(PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
  if (api == nullptr) throw nb::python_error();
  if (api->major_version != 1 || api->describe == nullptr) return nullptr;
  for (auto& met : exchanging) {
    if (met.type != nullptr || (!own && nb::cast<std::string>(type.attr("__name__")) != "Parameter")) continue;
    met = {type.inc_ref().ptr(), api};
    break;
  }
  return api;
}

Tensor read_exchange(const Operand& operand, nb::handle object, const ExchangeApi& api, bool may_be_on_gpu) {
  nb::dlpack::dltensor described{};
  if (api.describe(object.ptr(), &described) != 0) refuse_by_error(operand, object);
  const bool on_gpu = described.device.device_type == nb::device::cuda::value;
  if (!on_gpu || !may_be_on_gpu || api.current_stream == nullptr) {
    refuse_unless_on_cpu(operand, described.device.device_type);
  }
  Tensor tensor = described_tensor(operand, described);
  if (on_gpu) tensor.gpu = described.device.device_id;
  return tensor;
}

bool describe(const ExchangeApi& api, nb::handle object, nb::dlpack::dltensor& described) {
  if (api.describe(object.ptr(), &described) == 0) return true;
  PyErr_Clear();
  return false;
}

nb::object new_exchanged(const ExchangeApi& api, const alng_tensor& layout, int gpu) {
  using Code = nb::dlpack::dtype_code;
  const nb::dlpack::dtype dtype{static_cast<std::uint8_t>(layout.dtype == ALNG_BFLOAT16 ? Code::Bfloat : Code::Float),
                                static_cast<std::uint8_t>(layout.dtype == ALNG_FLOAT32 ? 32 : 16), 1};
  VersionedTensor* const made = allocate_exchanged(api, dtype, layout.rank, layout.shape, gpu);
  void* object = nullptr;
  if (api.take(made, &object) != 0) throw nb::python_error();
  return nb::steal(static_cast<PyObject*>(object));
}

GpuWork::GpuWork(nb::handle like, int gpu, std::size_t workspace_bytes) {
  const ExchangeApi& api = *exchange_api_of(like.type(), true);
  if (api.current_stream(nb::device::cuda::value, gpu, &stream_) != 0) throw nb::python_error();
  if (workspace_bytes == 0) return;
  auto bytes = static_cast<std::int64_t>(workspace_bytes);
  memory_ = allocate_exchanged(api, {static_cast<std::uint8_t>(nb::dlpack::dtype_code::UInt), 8, 1}, 1, &bytes, gpu);
}

// The framework gives the memory to nothing but later work on the same stream.
GpuWork::~GpuWork() {
  if (memory_ != nullptr && memory_->deleter != nullptr) memory_->deleter(memory_);
}

void* GpuWork::workspace() const noexcept { return memory_ == nullptr ? nullptr : memory_->tensor.data; }

void find_dlpack() {
  known.dlpack = PyUnicode_InternFromString("__dlpack__");
  known.dlpack_device = PyUnicode_InternFromString("__dlpack_device__");
  known.exchange_api = PyUnicode_InternFromString("__dlpack_c_exchange_api__");
  known.requires_grad = PyUnicode_InternFromString("requires_grad");
  known.is_neg = PyUnicode_InternFromString("is_neg");
  nb::dict keyword;
  keyword["max_version"] = nb::make_tuple(1, 0);
  known.version_keyword = keyword.release().ptr();
}

}  // namespace alng::python
