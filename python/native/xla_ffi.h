// The part of XLA's foreign function interface (FFI) that a handler needs, declared here so that no JAX is needed to
// build, and one wheel serves every JAX whose interface has major version 0. What was declared at minor version 3
// (jaxlib 0.10) is unchanged at 5 (0.12): structs begin with their size and only grow, which check_interface relies on.
#ifndef ALNG_PYTHON_XLA_FFI_H
#define ALNG_PYTHON_XLA_FFI_H

#include <cstddef>
#include <cstdint>

namespace alng::python::xla {

inline constexpr int major_version = 0;
inline constexpr int oldest_minor_version = 3;
inline constexpr int newest_minor_version = 5;

enum class DataType : int { f16 = 10, f32 = 11, bf16 = 16, s64 = 5 };
enum class ErrorCode : int { invalid_argument = 3, resource_exhausted = 8, unimplemented = 12 };
enum class AttributeType : int { scalar = 3 };
enum class Stage : int { execute = 3 };

struct Error;

struct Extension {
  std::size_t size;
  int type;
  Extension* next;
};

struct Version {
  std::size_t size;
  Extension* extensions;
  int major;
  int minor;
};

struct Metadata {
  std::size_t size;
  Version api_version;
  std::uint32_t traits;
};

struct MetadataExtension {
  static constexpr int type = 1;
  Extension base;
  Metadata* metadata;
};

struct ErrorArguments {
  std::size_t size;
  Extension* extensions;
  const char* message;
  ErrorCode code;
};

struct Context;

struct StreamArguments {
  std::size_t size;
  Extension* extensions;
  Context* context;
  void* stream;  // told
};

struct AllocateArguments {
  std::size_t size;
  Extension* extensions;
  Context* context;
  std::size_t bytes;
  std::size_t alignment;
  void* data;  // told
};

struct FreeArguments {
  std::size_t size;
  Extension* extensions;
  Context* context;
  std::size_t bytes;
  void* data;
};

struct OrdinalArguments {
  std::size_t size;
  Extension* extensions;
  Context* context;
  std::int32_t ordinal;  // told
};

struct Api {
  std::size_t size;
  Extension* extensions;
  Version version;
  const void* internal;
  Error* (*create_error)(ErrorArguments*);
  const void* unused_before_stream[3];
  Error* (*get_stream)(StreamArguments*);
  const void* unused_before_memory[4];
  Error* (*allocate)(AllocateArguments*);
  Error* (*free)(FreeArguments*);
  const void* unused_before_ordinal[6];
  Error* (*get_ordinal)(OrdinalArguments*);
};

struct Buffer {
  std::size_t size;
  Extension* extensions;
  DataType dtype;
  void* data;
  std::int64_t rank;
  std::int64_t* shape;
};

struct Text {
  const char* letters;
  std::size_t length;
};

struct Scalar {
  DataType dtype;
  void* value;
};

/// Arguments and results: buffers all, as the type 1 of each says.
struct Buffers {
  std::size_t size;
  Extension* extensions;
  std::int64_t count;
  int* types;
  Buffer** buffers;
};

struct Attributes {
  std::size_t size;
  Extension* extensions;
  std::int64_t count;
  AttributeType* types;
  Text** names;
  void** values;
};

struct CallFrame {
  std::size_t size;
  Extension* extensions;
  const Api* api;
  Context* context;
  Stage stage;
  Buffers arguments;
  Buffers results;
  Attributes attributes;
};

using Handler = Error*(CallFrame*);

}  // namespace alng::python::xla

#endif
