// Numbers and names from Python, each refusal naming the argument, what it is and what it must be.
#ifndef ALNG_PYTHON_OPTIONS_H
#define ALNG_PYTHON_OPTIONS_H

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>

namespace alng::python {

/// "numpy.float32" of an object of that type, "int" of a built-in one.
std::string type_of(nanobind::handle object);

/// Anything that stands for an integer of 32 bits.
std::int32_t integer(const char* name, nanobind::handle object);

/// Anything that stands for a number, rounded to float32, as the library takes it.
float real(const char* name, nanobind::handle object);

/// True or False, also NumPy's.
bool truth(const char* name, nanobind::handle object);

/// A string; empty for None.
std::string word(const char* name, nanobind::handle object);

}  // namespace alng::python

#endif
