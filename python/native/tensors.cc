#include "tensors.h"

#include <nanobind/ndarray.h>

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

namespace {

// What numpy.ndarray.__array_struct__ points to: the C side of NumPy's array interface, version 3.
struct ArrayStruct {
  int two;
  int rank;
  char kind;
  int item_size;
  int flags;
  std::intptr_t* shape;
  std::intptr_t* strides;  // in bytes
  void* data;
};
constexpr int own_byte_order = 0x200;
constexpr int writeable = 0x400;

constexpr std::uint64_t read_only = 1;

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

// Live as long as the process.
struct {
  PyObject *ndarray, *array_struct, *dtype, *dlpack, *dlpack_device, *requires_grad, *is_neg;
  PyObject *empty, *float32, *float16;
  PyObject* bfloat16;         // once one has been met
  PyObject* version_keyword;  // {"max_version": (1, 0)}
  PyObject* exchange_api;
} known;

// Types met so far whose tensors DLPack's C side describes: torch.Tensor and torch.nn.Parameter.
struct {
  PyObject* type;
  const ExchangeApi* api;
} exchanging[2];

std::string text(nb::handle object) { return nb::str(object).c_str(); }

[[noreturn]] void refuse(const Operand& operand, const std::string& what_it_is, const std::string& what_it_must_be) {
  refuse_type(std::string(operand.name) + " is " + what_it_is + " but must be " + what_it_must_be);
}

[[noreturn]] void refuse_dtype(const Operand& operand, const std::string& dtype) {
  refuse(operand, dtype, operand.type == Type::float32 ? "float32" : "float32, float16 or bfloat16");
}

void refuse_unless_writeable(const Operand& operand, bool is_writeable) {
  if (operand.direction == Direction::output && !is_writeable) refuse(operand, "read-only", "writeable");
}

std::int64_t number(const Operand& operand, PyObject* object) {
  const long long value = PyLong_AsLongLong(object);
  if (value == -1 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    refuse_type(std::string(operand.name) + "'s dtype, shape and strides must be integers of at most 64 bits");
  }
  return value;
}

// What the library stores of a rank; it refuses what doesn't fit.
void set_rank(alng_tensor& layout, std::int64_t rank) {
  layout.rank = static_cast<std::int32_t>(std::min<std::int64_t>(rank, ALNG_MAX_RANK + 1));
}
int stored(const alng_tensor& layout) { return std::min(layout.rank, ALNG_MAX_RANK); }

Tensor read_tuple(const Operand& operand, PyObject* tuple) {
  PyObject* const shape = PyTuple_Size(tuple) == 4 ? PyTuple_GetItem(tuple, 2) : nullptr;
  PyObject* const strides = shape != nullptr ? PyTuple_GetItem(tuple, 3) : nullptr;
  if (strides == nullptr || !PyTuple_Check(shape) || !PyTuple_Check(strides) ||
      PyTuple_Size(shape) != PyTuple_Size(strides)) {
    refuse(operand, "a tuple", "(address, dtype, shape, strides), the last two tuples of one length");
  }
  Tensor tensor;
  tensor.data = PyLong_AsVoidPtr(PyTuple_GetItem(tuple, 0));
  if (tensor.data == nullptr && PyErr_Occurred() != nullptr) throw nb::python_error();
  const std::int64_t dtype = number(operand, PyTuple_GetItem(tuple, 1));
  if (dtype < ALNG_FLOAT32 || dtype > ALNG_BFLOAT16) refuse_dtype(operand, "of dtype number " + std::to_string(dtype));
  tensor.layout.dtype = static_cast<std::int32_t>(dtype);
  set_rank(tensor.layout, PyTuple_Size(shape));
  for (int d = 0; d < stored(tensor.layout); ++d) {
    tensor.layout.shape[d] = number(operand, PyTuple_GetItem(shape, d));
    tensor.layout.strides[d] = number(operand, PyTuple_GetItem(strides, d));
  }
  return tensor;
}

// That of ml_dtypes, for which NumPy has neither a kind nor DLPack.
bool is_bfloat16(nb::handle dtype) {
  if (dtype.ptr() == known.bfloat16) return true;
  if (text(dtype) != "bfloat16") return false;
  if (known.bfloat16 == nullptr) known.bfloat16 = nb::object(nb::borrow(dtype)).release().ptr();
  return true;
}

std::int32_t numpy_dtype(const Operand& operand, const ArrayStruct& array, nb::handle object) {
  if (array.kind == 'f' && array.item_size == 4) return ALNG_FLOAT32;
  if (array.kind == 'f' && array.item_size == 2) return ALNG_FLOAT16;
  const nb::object dtype = object.attr(nb::handle(known.dtype));
  if (array.kind == 'V' && array.item_size == 2 && is_bfloat16(dtype)) return ALNG_BFLOAT16;
  refuse_dtype(operand, text(dtype));
}

Tensor read_numpy(const Operand& operand, nb::handle object) {
  if (object.type().ptr() != known.ndarray &&
      nb::isinstance(object, nb::module_::import_("numpy.ma").attr("MaskedArray"))) {
    refuse(operand, "a masked array", "a plain one, since its mask would be ignored");
  }
  Tensor tensor;
  tensor.keeps_alive = object.attr(nb::handle(known.array_struct));
  const auto* const array = static_cast<ArrayStruct*>(PyCapsule_GetPointer(tensor.keeps_alive.ptr(), nullptr));
  if (array == nullptr) throw nb::python_error();
  tensor.layout.dtype = numpy_dtype(operand, *array, object);
  if ((array->flags & own_byte_order) == 0) {
    refuse(operand, text(object.attr(nb::handle(known.dtype))), "in this machine's byte order");
  }
  refuse_unless_writeable(operand, (array->flags & writeable) != 0);
  tensor.data = array->data;
  set_rank(tensor.layout, array->rank);
  for (int d = 0; d < stored(tensor.layout); ++d) {
    tensor.layout.shape[d] = array->shape[d];
    tensor.layout.strides[d] = array->strides[d] / array->item_size;
    if (array->shape[d] > 1 && array->strides[d] % array->item_size != 0) {
      throw Refusal{ALNG_BAD_STRIDE, std::string(operand.name) + " has a stride of " +
                                         std::to_string(array->strides[d]) + " bytes in dimension " +
                                         std::to_string(d) + " but must have strides of whole elements, of " +
                                         std::to_string(array->item_size) + " bytes each"};
    }
  }
  return tensor;
}

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
                                                   : "of another kind, of bits: ";
  refuse_dtype(operand, kind + std::to_string(dtype.bits));
}

nb::object call_dlpack(const Operand& operand, nb::handle object) {
  const nb::object method = object.attr(nb::handle(known.dlpack));
  const nb::object nothing = nb::make_tuple();
  PyObject* capsule = PyObject_Call(method.ptr(), nothing.ptr(), known.version_keyword);
  if (capsule == nullptr && PyErr_ExceptionMatches(PyExc_TypeError) != 0) {  // one older than version 1
    PyErr_Clear();
    capsule = PyObject_Call(method.ptr(), nothing.ptr(), nullptr);
  }
  if (capsule != nullptr) return nb::steal(capsule);
  nb::python_error cause;
  nb::raise_from(cause, PyExc_TypeError, "%s is a %s that gives no DLPack tensor: %s", operand.name,
                 type_of(object).c_str(), text(cause.value()).c_str());
  throw nb::python_error();
}

// What a tensor of torch may be and DLPack doesn't say, or says without telling what to do.
void refuse_unless_data_alone(const Operand& operand, nb::handle object) {
  if (nb::hasattr(object, nb::handle(known.is_neg)) && nb::cast<bool>(object.attr(nb::handle(known.is_neg))())) {
    refuse(operand, "a tensor that is still to be negated",
           std::string("so already: give ") + operand.name + ".resolve_neg()");
  }
  if (nb::hasattr(object, nb::handle(known.requires_grad)) &&
      nb::cast<bool>(object.attr(nb::handle(known.requires_grad)))) {
    refuse(operand, "a tensor that requires grad",
           std::string("detached, since this call would cut it out of the graph: use alng.torch, or give ") +
               operand.name + ".detach()");
  }
}

void refuse_unless_on_cpu(const Operand& operand, int device_kind) {
  if (device_kind == nb::device::cpu::value || device_kind == nb::device::cuda_host::value) return;
  refuse(operand, "on a device (DLPack's type " + std::to_string(device_kind) + ")", "in the memory of the CPU");
}

Tensor described_tensor(const Operand& operand, const nb::dlpack::dltensor& described) {
  Tensor tensor;
  tensor.layout.dtype = dlpack_dtype(operand, described.dtype);
  tensor.data = static_cast<const std::byte*>(described.data) + described.byte_offset;
  set_rank(tensor.layout, described.ndim);
  const std::int32_t rank = tensor.layout.rank;
  if (described.strides == nullptr) {
    tensor.layout = alng_contiguous(static_cast<alng_dtype>(tensor.layout.dtype), rank, described.shape);
    tensor.layout.rank = rank;
    return tensor;
  }
  std::copy_n(described.shape, stored(tensor.layout), tensor.layout.shape);
  std::copy_n(described.strides, stored(tensor.layout), tensor.layout.strides);
  return tensor;
}

// That of torch.Tensor and torch.nn.Parameter; null for other types. A subclass of torch.Tensor inherits the attribute,
// though it may have no memory of its own: it is taken only if `any_subclass`.
const ExchangeApi* exchange_api_of(nb::handle type, bool any_subclass) {
  for (const auto& met : exchanging) {
    if (met.type == type.ptr()) return met.api;
  }
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
  if (api.describe(object.ptr(), &described) != 0) throw nb::python_error();
  const bool on_gpu = described.device.device_type == nb::device::cuda::value;
  if (!on_gpu || !may_be_on_gpu || api.current_stream == nullptr) {
    refuse_unless_on_cpu(operand, described.device.device_type);
  }
  Tensor tensor = described_tensor(operand, described);
  if (on_gpu) tensor.gpu = described.device.device_id;
  return tensor;
}

// Memory of a new tensor, by the framework that has the API.
VersionedTensor* allocate_exchanged(const ExchangeApi& api, nb::dlpack::dtype dtype, std::int32_t rank,
                                    std::int64_t* shape, int gpu) {
  nb::dlpack::dltensor like{};
  like.device = gpu == in_host_memory ? nb::dlpack::device{nb::device::cpu::value, 0}
                                      : nb::dlpack::device{nb::device::cuda::value, gpu};
  like.ndim = rank;
  like.dtype = dtype;
  like.shape = shape;
  VersionedTensor* made = nullptr;
  const auto out_of_memory = [](void*, const char*, const char*) {};
  if (api.allocate(&like, &made, nullptr, out_of_memory) != 0) {
    PyErr_Clear();
    throw std::bad_alloc();
  }
  return made;
}

nb::object new_exchanged(const ExchangeApi& api, alng_tensor layout, int gpu) {
  using Code = nb::dlpack::dtype_code;
  const nb::dlpack::dtype dtype{static_cast<std::uint8_t>(layout.dtype == ALNG_BFLOAT16 ? Code::Bfloat : Code::Float),
                                static_cast<std::uint8_t>(layout.dtype == ALNG_FLOAT32 ? 32 : 16), 1};
  VersionedTensor* const made = allocate_exchanged(api, dtype, layout.rank, layout.shape, gpu);
  void* object = nullptr;
  if (api.take(made, &object) != 0) throw nb::python_error();
  return nb::steal(static_cast<PyObject*>(object));
}

Tensor read_dlpack(const Operand& operand, nb::handle object) {
  const nb::tuple device = nb::cast<nb::tuple>(object.attr(nb::handle(known.dlpack_device))());
  refuse_unless_on_cpu(operand, nb::cast<int>(device[0]));
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
    described = static_cast<nb::dlpack::dltensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
    if (described == nullptr) throw nb::python_error();
    if (operand.direction == Direction::output) {  // a jax.Array, immutable, among others
      refuse(operand, "an array whose DLPack, before version 1, doesn't tell whether it is writeable",
             "a NumPy array or one with DLPack 1");
    }
  }
  Tensor tensor = described_tensor(operand, *described);
  tensor.keeps_alive = lent;
  return tensor;
}

PyObject* forever(nb::object object) { return object.release().ptr(); }

PyObject* name(const char* letters) { return PyUnicode_InternFromString(letters); }

}  // namespace

Tensor read_tensor(const Operand& operand, nb::handle object, bool in_graph) {
  if (object.type().ptr() == known.ndarray) return read_numpy(operand, object);
  if (object.is_none() && operand.presence == Presence::optional) return {};
  if (PyTuple_Check(object.ptr())) return read_tuple(operand, object.ptr());
  if (PyObject_IsInstance(object.ptr(), known.ndarray) == 1) return read_numpy(operand, object);
  if (nb::hasattr(object, nb::handle(known.dlpack))) {
    if (!in_graph) refuse_unless_data_alone(operand, object);
    const ExchangeApi* const api = exchange_api_of(object.type(), in_graph);
    return api != nullptr ? read_exchange(operand, object, *api, in_graph) : read_dlpack(operand, object);
  }
  refuse(operand, "of type " + type_of(object), "a NumPy array, or another one with DLPack on the CPU");
}

nb::object new_array(const Operand& operand, const alng_tensor& layout, nb::handle like, int gpu) {
  const ExchangeApi* const api = like.is_valid() ? exchange_api_of(like.type(), true) : nullptr;
  if (api != nullptr) return new_exchanged(*api, layout, gpu);
  if (layout.dtype == ALNG_BFLOAT16 && known.bfloat16 == nullptr) {
    try {
      const nb::object scalar = nb::module_::import_("ml_dtypes").attr("bfloat16");
      known.bfloat16 = forever(nb::module_::import_("numpy").attr("dtype")(scalar));
    } catch (nb::python_error& cause) {
      nb::raise_from(cause, PyExc_TypeError,
                     "%s is to be a new bfloat16 array, which needs the package ml_dtypes: install it, or give %s",
                     operand.name, operand.name);
      throw nb::python_error();
    }
  }
  const nb::object shape = nb::steal(PyTuple_New(layout.rank));
  for (int d = 0; d < layout.rank; ++d) PyTuple_SetItem(shape.ptr(), d, PyLong_FromLongLong(layout.shape[d]));
  PyObject* const dtype = layout.dtype == ALNG_FLOAT32   ? known.float32
                          : layout.dtype == ALNG_FLOAT16 ? known.float16
                                                         : known.bfloat16;
  return nb::handle(known.empty)(shape, nb::handle(dtype));
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

void find_numpy() {
  const nb::module_ numpy = nb::module_::import_("numpy");
  known.empty = forever(numpy.attr("empty"));
  known.float32 = forever(numpy.attr("dtype")("float32"));
  known.float16 = forever(numpy.attr("dtype")("float16"));
  known.ndarray = forever(numpy.attr("ndarray"));
  known.array_struct = name("__array_struct__");
  known.dtype = name("dtype");
  known.dlpack = name("__dlpack__");
  known.dlpack_device = name("__dlpack_device__");
  known.requires_grad = name("requires_grad");
  known.is_neg = name("is_neg");
  known.exchange_api = name("__dlpack_c_exchange_api__");
  nb::dict keyword;
  keyword["max_version"] = nb::make_tuple(1, 0);
  known.version_keyword = forever(keyword);
}

}  // namespace alng::python
