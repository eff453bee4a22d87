// For tests that put a pthread_create of their own in front of the C library's.
#pragma once

#include <dlfcn.h>
#include <pthread.h>

// clang's AddressSanitizer is inside the executable: a pthread_create defined there takes the sanitizer's place, which
// then knows neither the threads' stacks nor what is reachable from them, and reports overflows and leaks that are
// none.
extern "C" [[gnu::weak]] decltype(pthread_create) __interceptor_pthread_create;

namespace alng::test {

/// What pthread_create would be without the test's own: the sanitizer's where there is one, else the C library's.
inline auto real_pthread_create() {
  static auto* const real = __interceptor_pthread_create != nullptr
                                ? &__interceptor_pthread_create
                                : reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  return real;
}

}  // namespace alng::test
