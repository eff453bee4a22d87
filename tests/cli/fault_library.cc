// Preloaded into `alng` by its tests: makes chosen system calls fail.
//
//   ALNG_FAULT=write:3,fsync:1+   the third write fails, and every fsync from the first on
//   ALNG_FAULT_SEEN=FILE          FILE is made as soon as one of the first kind in the list fails
//
// Calls go to the kernel or to glibc's inner allocator directly, so that nothing here needs what it makes fail.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

struct Kind {
  const char* name;
  int error;
  std::atomic<long> calls{0};
};
Kind kinds[] = {
    {"open", EMFILE},     {"read", EIO},      {"cut", 0},           {"write", ENOSPC}, {"fsync", EIO},
    {"close", EIO},       {"rename", EACCES}, {"exchange", EINVAL}, {"mkdir", EACCES}, {"fallocate", EOPNOTSUPP},
    {"ftruncate", EFBIG}, {"thread", EAGAIN}, {"malloc", ENOMEM}};

// Whether this call of a kind is one to fail; errno is then set.
bool fails(const char* name) {
  // Before the program's environment is there (glibc's own start) nothing fails.
  const char* const list = environ == nullptr ? nullptr : std::getenv("ALNG_FAULT");
  const std::size_t length = std::strlen(name);
  for (const char* at = list; at != nullptr; at = std::strchr(at, ',')) {
    if (*at == ',') ++at;
    if (std::strncmp(at, name, length) != 0 || at[length] != ':') continue;
    for (Kind& kind : kinds) {
      if (std::strcmp(kind.name, name) != 0) continue;
      char* end = nullptr;
      const long wanted = std::strtol(at + length + 1, &end, 10);
      const long call = ++kind.calls;
      if (*end == '+' ? call < wanted : call != wanted) return false;
      if (const char* seen = std::getenv("ALNG_FAULT_SEEN"); seen != nullptr && at == list) {
        const long file = ::syscall(SYS_openat, AT_FDCWD, seen, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ::syscall(SYS_close, file);
      }
      errno = kind.error;
      return true;
    }
  }
  return false;
}

int open_at(int folder, const char* path, int flags, va_list more) {
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  if (fails("open")) return -1;
  return static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const int result = open_at(AT_FDCWD, path, flags, more);
  va_end(more);
  return result;
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const int result = open_at(AT_FDCWD, path, flags, more);
  va_end(more);
  return result;
}

int openat(int folder, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const int result = open_at(folder, path, flags, more);
  va_end(more);
  return result;
}

ssize_t read(int file, void* to, std::size_t size) { return fails("read") ? -1 : ::syscall(SYS_read, file, to, size); }

ssize_t pread64(int file, void* to, std::size_t size, off64_t offset) {
  if (fails("read")) return -1;
  if (fails("cut")) return 0;
  return ::syscall(SYS_pread64, file, to, size, offset);
}
ssize_t pread(int file, void* to, std::size_t size, off_t offset) { return pread64(file, to, size, offset); }

ssize_t write(int file, const void* from, std::size_t size) {
  return fails("write") ? -1 : ::syscall(SYS_write, file, from, size);
}

ssize_t pwrite64(int file, const void* from, std::size_t size, off64_t offset) {
  return fails("write") ? -1 : ::syscall(SYS_pwrite64, file, from, size, offset);
}
ssize_t pwrite(int file, const void* from, std::size_t size, off_t offset) {
  return pwrite64(file, from, size, offset);
}

// An fsync that does not fail is skipped: the tests run the program a thousand times.
int fsync(int) { return fails("fsync") ? -1 : 0; }

int close(int file) {
  const auto result = static_cast<int>(::syscall(SYS_close, file));
  return fails("close") ? -1 : result;
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  if (fails("rename") || (flags != 0 && fails("exchange"))) return -1;
  return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}
int rename(const char* from, const char* to) noexcept { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int mkdir(const char* path, mode_t mode) noexcept {
  return fails("mkdir") ? -1 : static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

int fallocate64(int file, int mode, off64_t offset, off64_t size) {
  return fails("fallocate") ? -1 : static_cast<int>(::syscall(SYS_fallocate, file, mode, offset, size));
}
int fallocate(int file, int mode, off_t offset, off_t size) { return fallocate64(file, mode, offset, size); }

int ftruncate64(int file, off64_t size) noexcept {
  return fails("ftruncate") ? -1 : static_cast<int>(::syscall(SYS_ftruncate, file, size));
}
int ftruncate(int file, off_t size) noexcept { return ftruncate64(file, size); }

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) noexcept {
  if (fails("thread")) return EAGAIN;
  static const auto next = reinterpret_cast<decltype(&pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));
  return next(thread, attributes, start, argument);
}

void* malloc(std::size_t size) noexcept { return fails("malloc") ? nullptr : __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) noexcept {
  return fails("malloc") ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
  return fails("malloc") ? nullptr : __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return fails("malloc") ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  *memory = aligned_alloc(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"
