// What becomes an exception in Python.
#ifndef ALNG_PYTHON_REFUSAL_H
#define ALNG_PYTHON_REFUSAL_H

#include <alng/alng.h>
#include <nanobind/nanobind.h>

#include <new>
#include <string>
#include <utility>

namespace alng::python {

/// Becomes an AlngError with the code's name.
struct Refusal {
  alng_code code;
  std::string sentence;
};

/// What is not the kind of thing that the argument must be.
[[noreturn]] inline void refuse_type(const std::string& sentence) {
  throw nanobind::type_error(sentence.c_str());  // which copies it
}

inline void throw_if_refused(alng_code code, const alng_status& said) {
  if (code == ALNG_OUT_OF_MEMORY) throw std::bad_alloc();  // MemoryError
  if (code != ALNG_OK) throw Refusal{code, said.message};
}

/// Adds the class AlngError to the module and has Refusal raise it.
void add_alng_error(nanobind::module_& module);

}  // namespace alng::python

#endif
