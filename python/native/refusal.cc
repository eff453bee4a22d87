#include "refusal.h"

#include <nanobind/stl/string.h>

#include <exception>

namespace nb = nanobind;

namespace alng::python {

void add_alng_error(nb::module_& module) {
  PyObject* const alng_error = PyErr_NewExceptionWithDoc(
      "alng.AlngError",
      "The library refused the call, and nothing was written. str() is its sentence; code is the name of the reason, "
      "'bad_shape' or 'overlap' for example.",
      PyExc_ValueError, nullptr);
  if (alng_error == nullptr) throw nb::python_error();
  module.attr("AlngError") = nb::steal(alng_error);
  nb::register_exception_translator(
      [](const std::exception_ptr& thrown, void* error_class) {
        try {
          std::rethrow_exception(thrown);
        } catch (const Refusal& refusal) {
          auto* const type = static_cast<PyObject*>(error_class);
          const nb::object error = nb::handle(type)(refusal.sentence);
          error.attr("code") = alng_code_name(refusal.code);
          PyErr_SetObject(type, error.ptr());
        }
      },
      alng_error);
}

}  // namespace alng::python
