#include "xla.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>

#include "plans.h"

namespace alng::python::xla {
namespace {

struct Failure {
  ErrorCode code;
  std::string sentence;
};

// XLA asks each handler once for the interface that it was built with.
bool answers_metadata(CallFrame& frame) noexcept {
  for (Extension* extension = frame.extensions; extension != nullptr; extension = extension->next) {
    if (extension->type != MetadataExtension::type) continue;
    Metadata& metadata = *reinterpret_cast<MetadataExtension*>(extension)->metadata;
    const int runtime_minor = frame.api != nullptr ? frame.api->version.minor : oldest_minor_version;
    metadata.api_version.major = major_version;
    metadata.api_version.minor = std::clamp(runtime_minor, oldest_minor_version, newest_minor_version);
    metadata.traits = 0;
    return true;
  }
  return false;
}

// XLA refuses handlers of an interface it no longer serves. This one refuses an XLA that it doesn't know.
void check_interface(const CallFrame& frame) {
  const Version& version = frame.api->version;
  if (version.major == major_version && frame.size >= sizeof frame && frame.arguments.size >= sizeof frame.arguments &&
      frame.attributes.size >= sizeof frame.attributes) {
    return;
  }
  throw Failure{ErrorCode::unimplemented,
                "alng knows version 0 of XLA's foreign function interface, and this jaxlib has " +
                    std::to_string(version.major) + "." + std::to_string(version.minor) + ": install a newer alng"};
}

// A float or a std::int64_t.
template <class Value>
Value attribute(const CallFrame& frame, std::string_view name) {
  const Attributes& all = frame.attributes;
  for (std::int64_t i = 0; i < all.count; ++i) {
    if (std::string_view(all.names[i]->letters, all.names[i]->length) != name) continue;
    const auto* const scalar = static_cast<const Scalar*>(all.values[i]);
    static constexpr DataType expected = std::is_same_v<Value, float> ? DataType::f32 : DataType::s64;
    if (all.types[i] != AttributeType::scalar || scalar->dtype != expected) break;
    Value value;
    std::memcpy(&value, scalar->value, sizeof value);
    return value;
  }
  throw Failure{ErrorCode::invalid_argument, "the attribute " + std::string(name) + " is absent or of another type"};
}

alng_tensor layout_of(const Operand& operand, const Buffer& buffer) {
  const auto dense = [&](alng_dtype dtype) {
    return alng_contiguous(dtype, static_cast<std::int32_t>(std::min<std::int64_t>(buffer.rank, ALNG_MAX_RANK + 1)),
                           buffer.shape);
  };
  switch (buffer.dtype) {
    case DataType::f32:
      return dense(ALNG_FLOAT32);
    case DataType::f16:
      return dense(ALNG_FLOAT16);
    case DataType::bf16:
      return dense(ALNG_BFLOAT16);
    default:
      throw Failure{ErrorCode::invalid_argument, std::string(operand.name) + " has XLA's dtype number " +
                                                     std::to_string(static_cast<int>(buffer.dtype)) +
                                                     " but must be float32 (11), float16 (10) or bfloat16 (16)"};
  }
}

template <class Operator>
void read_buffers(const CallFrame& frame, typename Operator::Problem& problem, typename Operator::Where& where) {
  const auto present = attribute<std::int64_t>(frame, "present");
  const Failure others{ErrorCode::invalid_argument, "the attribute present names other tensors than the call has"};
  std::int64_t argument = 0, result = 0;
  for (std::size_t place = 0; place < Table<Operator>::operands.size(); ++place) {
    if ((present >> place & 1) == 0) continue;
    const Operand& operand = Table<Operator>::operands[place];
    const bool is_input = operand.direction == Direction::input;
    const Buffers& buffers = is_input ? frame.arguments : frame.results;
    std::int64_t& next = is_input ? argument : result;
    if (next == buffers.count) throw others;
    const Buffer& buffer = *buffers.buffers[next++];
    Table<Operator>::at(problem, place, [&](alng_tensor& member) { member = layout_of(operand, buffer); });
    give_pointer<typename Operator::Where, Table<Operator>>(where, place, buffer.data);
  }
  if (argument != frame.arguments.count || result != frame.results.count) throw others;
}

// What XLA itself refuses, which it is given back.
struct Refused {
  Error* error;
};

void throw_if_refused(Error* error) {
  if (error != nullptr) throw Refused{error};
}

// XLA's scratch memory, which it gives to nothing but later work on the same stream.
class Scratch {
 public:
  Scratch(const CallFrame& frame, std::size_t bytes) : frame_(frame), bytes_(bytes) {
    if (bytes == 0) return;
    AllocateArguments arguments{sizeof arguments, nullptr, frame.context, bytes, alignof(std::max_align_t), nullptr};
    throw_if_refused(frame.api->allocate(&arguments));
    data_ = arguments.data;
  }
  ~Scratch() {
    if (data_ == nullptr) return;
    FreeArguments arguments{sizeof arguments, nullptr, frame_.context, bytes_, data_};
    frame_.api->free(&arguments);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  void* data() const noexcept { return data_; }

 private:
  const CallFrame& frame_;
  const std::size_t bytes_;
  void* data_ = nullptr;
};

template <class Operator>
alng_code begin_on_gpu(const CallFrame& frame, Key<Operator>& key, typename Operator::Where& where, alng_status* said) {
  if (frame.api->size < sizeof *frame.api) {
    throw Failure{ErrorCode::unimplemented, "on a GPU alng needs a newer jaxlib, which tells the device of a call"};
  }
  OrdinalArguments ordinal{sizeof ordinal, nullptr, frame.context, 0};
  throw_if_refused(frame.api->get_ordinal(&ordinal));
  StreamArguments stream{sizeof stream, nullptr, frame.context, nullptr};
  throw_if_refused(frame.api->get_stream(&stream));
  key.gpu = ordinal.ordinal;
  const alng_plan* const plan = kept_plan(key, said);
  if (plan == nullptr) return said->code;
  where.size = sizeof where;
  where.workspace_size = alng_plan_workspace_size(plan);
  const Scratch scratch(frame, where.workspace_size);
  where.workspace = scratch.data();
  where.stream = stream.stream;
  return Operator::run(plan, &where, said);
}

template <class Operator, bool on_gpu>
void compute(const CallFrame& frame) {
  check_interface(frame);
  Key<Operator> key(0, "");
  key.problem.normalized_dims = static_cast<std::int32_t>(attribute<std::int64_t>(frame, "normalized_dims"));
  if constexpr (requires { key.problem.eps; }) {
    key.problem.eps = attribute<float>(frame, "eps");
    key.problem.round_sum = static_cast<std::int32_t>(attribute<std::int64_t>(frame, "round_sum"));
  }
  typename Operator::Where where{};
  read_buffers<Operator>(frame, key.problem, where);
  alng_status said;
  const alng_code code = on_gpu ? begin_on_gpu<Operator>(frame, key, where, &said) : run_kept_plan(key, where, &said);
  if (code == ALNG_OUT_OF_MEMORY) throw std::bad_alloc();
  if (code != ALNG_OK) throw Failure{ErrorCode::invalid_argument, said.message};
}

Error* error(const CallFrame& frame, ErrorCode code, const char* message) noexcept {
  ErrorArguments arguments{sizeof arguments, nullptr, message, code};
  return frame.api->create_error(&arguments);
}

template <class Operator, bool on_gpu = false>
Error* handle(CallFrame& frame) noexcept {
  if (answers_metadata(frame) || frame.stage != Stage::execute) return nullptr;
  try {
    compute<Operator, on_gpu>(frame);
    return nullptr;
  } catch (const Failure& failure) {
    return error(frame, failure.code, failure.sentence.c_str());
  } catch (const Refused& refused) {
    return refused.error;
  } catch (const std::bad_alloc&) {
    return error(frame, ErrorCode::resource_exhausted, "out of memory");
  }
}

}  // namespace

Error* add_layer_norm(CallFrame* frame) noexcept { return handle<c_structs::Forward>(*frame); }
Error* add_layer_norm_grad(CallFrame* frame) noexcept { return handle<c_structs::Grad>(*frame); }
Error* add_layer_norm_cuda(CallFrame* frame) noexcept { return handle<c_structs::Forward, true>(*frame); }
Error* add_layer_norm_grad_cuda(CallFrame* frame) noexcept { return handle<c_structs::Grad, true>(*frame); }

}  // namespace alng::python::xla
