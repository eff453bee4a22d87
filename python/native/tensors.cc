#include "tensors.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

#include "dlpack.h"
#include "options.h"
#include "refusal.h"
#include "torch.h"

namespace nb = nanobind;

namespace alng::python {
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

// Live as long as the process.
struct {
  PyObject *ndarray, *array_struct, *dtype, *empty, *float32, *float16;
  PyObject* bfloat16;  // once one has been met
} known;

PyObject* forever(nb::object object) { return object.release().ptr(); }

std::string text(nb::handle object) { return nb::str(object).c_str(); }

std::int64_t number(const Operand& operand, PyObject* object) {
  const long long value = PyLong_AsLongLong(object);
  if (value == -1 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    refuse_type(std::string(operand.name) + "'s dtype, shape and strides must be integers of at most 64 bits");
  }
  return value;
}

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
  tensor.layout.rank = stored_rank(PyTuple_Size(shape));
  for (int d = 0; d < stored_dims(tensor.layout); ++d) {
    tensor.layout.shape[d] = number(operand, PyTuple_GetItem(shape, d));
    tensor.layout.strides[d] = number(operand, PyTuple_GetItem(strides, d));
  }
  return tensor;
}

// That of ml_dtypes, for which NumPy has neither a kind nor DLPack.
bool is_bfloat16(nb::handle dtype) {
  if (dtype.ptr() == known.bfloat16) return true;
  if (text(dtype) != "bfloat16") return false;
  if (known.bfloat16 == nullptr) known.bfloat16 = forever(nb::borrow(dtype));
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
  tensor.layout.rank = stored_rank(array->rank);
  for (int d = 0; d < stored_dims(tensor.layout); ++d) {
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

// NumPy's large arrays begin 16 bytes behind a cache line, and the rows of such outputs take up to 1.25 times as long
// (8192x1024 bfloat16, Emerald Rapids). From the size on where libalng writes past the caches, outputs begin on a line.
constexpr std::size_t line = 64;
constexpr std::size_t on_a_line_from = std::size_t{8} << 20;

nb::object new_array(const Operand& operand, const alng_tensor& layout) {
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
  const nb::handle empty(known.empty);
  std::size_t bytes = layout.dtype == ALNG_FLOAT32 ? 4 : 2;
  for (int d = 0; d < layout.rank; ++d) bytes *= static_cast<std::size_t>(layout.shape[d]);
  if (bytes < on_a_line_from) return empty(shape, nb::handle(dtype));

  const nb::object memory = empty((bytes + line) / sizeof(float) + 1, nb::handle(known.float32));
  Py_buffer buffer;
  if (PyObject_GetBuffer(memory.ptr(), &buffer, PyBUF_SIMPLE) != 0) throw nb::python_error();
  const std::size_t offset = -reinterpret_cast<std::uintptr_t>(buffer.buf) % line;
  PyBuffer_Release(&buffer);
  return nb::handle(known.ndarray)(shape, nb::handle(dtype), memory, offset);
}

}  // namespace

void refuse(const Operand& operand, const std::string& what_it_is, const std::string& what_it_must_be) {
  refuse_type(std::string(operand.name) + " is " + what_it_is + " but must be " + what_it_must_be);
}

void refuse_dtype(const Operand& operand, const std::string& dtype) {
  refuse(operand, dtype, operand.type == Type::float32 ? "float32" : "float32, float16 or bfloat16");
}

void refuse_unless_writeable(const Operand& operand, bool is_writeable) {
  if (operand.direction == Direction::output && !is_writeable) refuse(operand, "read-only", "writeable");
}

std::int32_t stored_rank(std::int64_t rank) {
  return static_cast<std::int32_t>(std::min<std::int64_t>(rank, ALNG_MAX_RANK + 1));
}

int stored_dims(const alng_tensor& layout) { return std::min(layout.rank, ALNG_MAX_RANK); }

Tensor read_tensor(const Operand& operand, nb::handle object, bool in_graph) {
  if (object.type().ptr() == known.ndarray) return read_numpy(operand, object);
  if (in_graph) {
    if (const ExchangeApi* const api = known_exchange_api_of(object.type())) {
      return read_exchange(operand, object, *api, true);
    }
  }
  if (object.is_none() && operand.presence == Presence::optional) return {};
  if (PyTuple_Check(object.ptr())) return read_tuple(operand, object.ptr());
  if (PyObject_IsInstance(object.ptr(), known.ndarray) == 1) return read_numpy(operand, object);
  if (!nb::isinstance<nb::type_object>(object) && has_dlpack(object)) return read_dlpack(operand, object, in_graph);
  refuse(operand, "of type " + type_of(object),
         std::string("a NumPy array, or another one with DLPack on the CPU") +
             (operand.direction == Direction::output ? ", or True or False" : ""));
}

std::pair<nb::object, Tensor> new_tensor(const Operand& operand, const alng_tensor& layout, nb::handle like, int gpu) {
  nb::object made;
  if (const ExchangeApi* const api = like.is_valid() ? exchange_api_of(like.type(), true) : nullptr) {
    Tensor tensor;
    tensor.layout = alng_contiguous(static_cast<alng_dtype>(layout.dtype), layout.rank, layout.shape);
    tensor.gpu = gpu;
    made = new_torch_tensor(*api, tensor.layout, gpu, &tensor.data);
    if (made.is_valid()) return {made, tensor};
    made = new_exchanged(*api, layout, gpu);
  } else {
    made = new_array(operand, layout);
  }
  return {made, read_tensor(operand, made, like.is_valid())};
}

void find_numpy() {
  const nb::module_ numpy = nb::module_::import_("numpy");
  known.empty = forever(numpy.attr("empty"));
  known.float32 = forever(numpy.attr("dtype")("float32"));
  known.float16 = forever(numpy.attr("dtype")("float16"));
  known.ndarray = forever(numpy.attr("ndarray"));
  known.array_struct = PyUnicode_InternFromString("__array_struct__");
  known.dtype = PyUnicode_InternFromString("dtype");
}

}  // namespace alng::python
