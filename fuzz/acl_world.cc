#include "acl_world.h"

#include <algorithm>

#include "check.h"

namespace alng::fuzz {
namespace {

using Shape = std::vector<std::int64_t>;

// Numbers that products and sums of them overflow with.
std::int64_t extreme(Bytes& bytes) {
  constexpr std::int64_t big = std::int64_t{1} << 62;
  constexpr std::int64_t numbers[] = {big, -big, big - 1, INT64_MIN, INT64_MAX, -1, big >> 2, std::int64_t{1} << 40};
  return numbers[bytes.below(std::size(numbers))];
}

constexpr aclDataType dtypes[] = {ACL_FLOAT, ACL_FLOAT16, ACL_BF16, ACL_INT32, ACL_BOOL, ACL_DT_UNDEFINED};
constexpr aclFormat formats[] = {ACL_FORMAT_ND,   ACL_FORMAT_NCL,        ACL_FORMAT_NCHW,
                                 ACL_FORMAT_NHWC, ACL_FORMAT_FRACTAL_NZ, ACL_FORMAT_UNDEFINED};

// Device memory of exactly this size, so that a step outside is seen, filled with one byte or with what was there.
void* allocate(Bytes& bytes, World& world, std::size_t size) {
  void* memory = nullptr;
  const int code = aclrtMalloc(&memory, size, ACL_MEM_MALLOC_HUGE_FIRST);
  judge(code);
  if (code != 0) return nullptr;
  world.device_memory.add(memory);
  judge(aclrtMemset(memory, size, bytes.next(), size));
  return memory;
}

struct Layout {
  Shape strides;
  std::int64_t offset = 0;
  std::size_t elements = 0;  // of the storage
};

// Dense, with gaps, permuted or repeated; the storage holds all of it.
Layout layout_of(Bytes& bytes, const Shape& shape) {
  Layout layout;
  layout.strides.resize(shape.size());
  const std::size_t kind = bytes.below(6);
  std::int64_t stride = kind == 4 ? 2 : 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::size_t d = kind == 5 ? i : shape.size() - 1 - i;
    layout.strides[d] = stride;
    stride = stride * std::max<std::int64_t>(shape[d], 1) + (kind == 4 ? 3 : 0);
  }
  if (!shape.empty() && bytes.one_in(16)) layout.strides[bytes.below(shape.size())] = 0;
  layout.offset = bytes.one_in(3) ? static_cast<std::int64_t>(bytes.below(5)) : 0;
  layout.elements = static_cast<std::size_t>(stride + layout.offset);
  // Of what the storage is not made for.
  if (bytes.one_in(32)) layout.offset = extreme(bytes);
  if (!shape.empty() && bytes.one_in(32)) layout.strides[bytes.below(shape.size())] = extreme(bytes);
  return layout;
}

aclTensor* create(Bytes& bytes, World& world, const Shape& shape, aclDataType dtype) {
  const Layout layout = layout_of(bytes, shape);
  const std::size_t size = std::max<std::size_t>(layout.elements * std::max<std::size_t>(aclDataTypeSize(dtype), 1), 1);
  void* memory = bytes.one_in(24) ? world.device_memory.pick(bytes) : allocate(bytes, world, size);
  const auto storage = static_cast<std::int64_t>(layout.elements);
  const bool dense = layout.offset == 0 && bytes.one_in(2) && bytes.one_in(2);
  aclTensor* const tensor =
      aclCreateTensor(shape.data(), shape.size(), dtype, dense ? nullptr : layout.strides.data(), layout.offset,
                      bytes.one_in(24) ? formats[bytes.below(6)] : ACL_FORMAT_ND, &storage, 1, memory);
  ALNG_FUZZ_CHECK(tensor != nullptr);
  world.tensors.add(tensor);
  return tensor;
}

}  // namespace

void make_problem(Bytes& bytes, World& world) {
  Shape shape;
  std::int64_t elements = 1;
  const std::size_t rank = 1 + bytes.below(4);
  for (std::size_t d = 0; d < rank; ++d) {
    const std::int64_t extent = std::min<std::int64_t>(bytes.one_in(8) ? bytes.next() : bytes.below(7),
                                                       std::max<std::int64_t>(1, 2048 / elements));
    elements *= std::max<std::int64_t>(extent, 1);
    shape.push_back(extent);
  }
  const std::size_t normalized = 1 + bytes.below(rank);
  const Shape columns(shape.end() - static_cast<std::ptrdiff_t>(normalized), shape.end());
  Shape statistic(shape.begin(), shape.end() - static_cast<std::ptrdiff_t>(normalized));
  statistic.resize(rank, 1);
  const aclDataType dtype = dtypes[bytes.below(3)];
  for (std::size_t i = 0; i < world.problem.size(); ++i) {
    const bool is_statistic = i == 3 || i == 4;
    const bool is_column = i == 5 || i == 8 || i == 9;
    Shape own = is_statistic ? statistic : is_column ? columns : shape;
    if (!own.empty() && bytes.one_in(40)) own[bytes.below(own.size())] += 1;
    // Any form of the statistics.
    if (is_statistic && bytes.one_in(3)) own.resize(rank - normalized + bytes.below(2));
    aclDataType own_dtype = is_statistic || i >= 8 ? ACL_FLOAT : dtype;
    if (bytes.one_in(40)) own_dtype = dtypes[bytes.below(6)];
    const bool absent = (i == 5 || i == 6) ? bytes.one_in(3) : bytes.one_in(100);
    world.problem[i] = absent ? nullptr : create(bytes, world, own, own_dtype);
  }
}

aclTensor* make_tensor(Bytes& bytes, World& world) {
  const std::size_t rank = bytes.one_in(4) ? bytes.below(28) : bytes.below(5);
  Shape shape(rank), strides(rank);
  for (std::size_t d = 0; d < rank; ++d) {
    shape[d] = bytes.one_in(12)   ? extreme(bytes)
               : bytes.one_in(12) ? bytes.any()
                                  : static_cast<std::int64_t>(bytes.below(6));
    strides[d] = bytes.one_in(12)   ? extreme(bytes)
                 : bytes.one_in(12) ? bytes.any()
                                    : static_cast<std::int64_t>(bytes.below(40));
  }
  const std::int64_t offset = bytes.one_in(12)   ? extreme(bytes)
                              : bytes.one_in(12) ? bytes.any()
                                                 : static_cast<std::int64_t>(bytes.below(9));
  void* const memory = bytes.one_in(6) ? static_cast<void*>(world.plain.data()) : world.device_memory.pick(bytes);
  aclTensor* const tensor = aclCreateTensor(bytes.one_in(40) ? nullptr : shape.data(), rank, dtypes[bytes.below(6)],
                                            bytes.one_in(2) ? strides.data() : nullptr, offset, formats[bytes.below(6)],
                                            shape.data(), rank, memory);
  world.tensors.add(tensor);
  return tensor;
}

void judge(int code) {
  constexpr int known[] = {0,      100000, 100002, 100037, 107000, 107001, 107002, 107003, 107006, 107017,
                           161001, 161002, 207001, 361001, 500003, 507015, 507046, 561002, 561003, 561103};
  ALNG_FUZZ_CHECK(std::find(std::begin(known), std::end(known), code) != std::end(known));
  if (code != 0) {
    const char* const message = aclGetRecentErrMsg();
    ALNG_FUZZ_CHECK(message != nullptr && *message != '\0');
    ALNG_FUZZ_CHECK(aclGetRecentErrMsg() == nullptr);
  }
}

}  // namespace alng::fuzz
