// What the C++ headers need of a compiler and its library, in words rather than in errors far below or wrong answers.
#ifndef ALNG_LANGUAGE_H
#define ALNG_LANGUAGE_H

#if __cplusplus < 202002L
#error "The C++ interface of alng needs C++20: compile with -std=c++20, or include alng/alng.h, which is C."
#endif

#include <cstddef>  // tells whose library this is

// std::string lies within what is passed, and the library was built with that of libstdc++ since GCC 5.
#if defined(_LIBCPP_VERSION)
#error "alng was built with libstdc++: compile without -stdlib=libc++, or include alng/alng.h, which is C."
#elif defined(_GLIBCXX_USE_CXX11_ABI) && !_GLIBCXX_USE_CXX11_ABI
#error "alng was built with another std::string: set _GLIBCXX_USE_CXX11_ABI to 1, or include alng/alng.h, which is C."
#endif

#endif
