#include "options.h"

#include <nanobind/stl/string.h>

#include <limits>

#include "refusal.h"

namespace nb = nanobind;

namespace alng::python {
namespace {

[[noreturn]] void refuse(const char* name, nb::handle object, const char* what_it_must_be) {
  PyErr_Clear();
  refuse_type(std::string(name) + " is " + nb::repr(object).c_str() + " but must be " + what_it_must_be);
}

}  // namespace

std::string type_of(nb::handle object) {
  const nb::handle type = object.type();
  const auto room = nb::cast<std::string>(type.attr("__module__"));
  return (room == "builtins" ? "" : room + ".") + nb::cast<std::string>(type.attr("__qualname__"));
}

std::int32_t integer(const char* name, nb::handle object) {
  static constexpr long long most = std::numeric_limits<std::int32_t>::max();
  const nb::object index = nb::steal(PyNumber_Index(object.ptr()));
  const long long value = index.is_valid() ? PyLong_AsLongLong(index.ptr()) : 0;
  if (PyErr_Occurred() != nullptr || value > most || value < -most) refuse(name, object, "an integer of 32 bits");
  return static_cast<std::int32_t>(value);
}

float real(const char* name, nb::handle object) {
  const double value = PyFloat_AsDouble(object.ptr());
  if (value == -1 && PyErr_Occurred() != nullptr) refuse(name, object, "a number");
  return static_cast<float>(value);
}

bool truth(const char* name, nb::handle object) {
  if (object.ptr() == Py_True) return true;
  if (object.ptr() == Py_False) return false;
  const std::string type = type_of(object);
  if (type != "numpy.bool" && type != "numpy.bool_") refuse(name, object, "True or False");
  return PyObject_IsTrue(object.ptr()) == 1;
}

std::string word(const char* name, nb::handle object) {
  if (object.is_none()) return {};
  Py_ssize_t letters = 0;
  const char* const text = nb::isinstance<nb::str>(object) ? PyUnicode_AsUTF8AndSize(object.ptr(), &letters) : nullptr;
  if (text == nullptr || std::char_traits<char>::length(text) != static_cast<std::size_t>(letters)) {
    refuse(name, object, "a name of letters and digits, or None");
  }
  return {text, static_cast<std::size_t>(letters)};
}

}  // namespace alng::python
