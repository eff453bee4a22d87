// What the C++ headers need of a compiler, in words rather than in errors far below.
#ifndef ALNG_LANGUAGE_H
#define ALNG_LANGUAGE_H

#if __cplusplus < 201703L
#error "The C++ interface of alng needs C++17: compile with -std=c++17, or include alng/alng.h, which is C."
#endif

#endif
