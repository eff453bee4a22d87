// Declarations of Ascend C as CANN 9.0 and 9.1 have them, of all that the kernel uses and nothing else, for one
// compiler run that sees what the twin's headers can't show: pointers to global memory and to UB are pointers of
// different address spaces, and repeats and strides have CANN's widths, so that a conversion that cuts is an error.
//
// `?` marks what was not confirmed; docs/ascend.md lists it.
#ifndef ALNG_TESTS_ASCEND_INTERFACE_KERNEL_OPERATOR_H
#define ALNG_TESTS_ASCEND_INTERFACE_KERNEL_OPERATOR_H

#include <cstdint>

#define __aicore__
#define __global__
#define __simd_callee__
#define __gm__ __attribute__((address_space(1)))
#define __ubuf__ __attribute__((address_space(2)))
#define __VEC_SCOPE__
#define GM_ADDR __gm__ uint8_t*

// Built-in types of the device compiler. Conversions are explicit here: ?
struct half {
  explicit half(float);
  uint16_t bits;
};
struct bfloat16_t {
  uint16_t bits;
};

enum pipe_t { PIPE_S, PIPE_V, PIPE_MTE2, PIPE_MTE3, PIPE_ALL };

namespace AscendC {

enum class TPosition : uint8_t { GM, VECIN, VECOUT, VECCALC };
enum class HardEvent : uint8_t { MTE2_V, V_MTE2, V_MTE3, MTE3_V };
enum class RoundMode : uint8_t { CAST_NONE, CAST_RINT };
using TEventID = int8_t;

template <typename T>
class LocalTensor {
 public:
  LocalTensor operator[](uint32_t) const;
#ifdef ALNG_ADDRESSES_ARE_NUMBERS  // ? which of the two
  uint64_t GetPhyAddr() const;
#else
  __ubuf__ T* GetPhyAddr() const;
#endif
  template <typename U>
  LocalTensor<U> ReinterpretCast() const;
};

template <typename T>
class GlobalTensor {
 public:
  void SetGlobalBuffer(__gm__ T*, uint64_t size);
  GlobalTensor operator[](uint64_t) const;
};

template <TPosition position>
class TBuf {
 public:
  template <typename T>
  LocalTensor<T> Get();
};

class TPipe {
 public:
  TPipe();
  ~TPipe();
  TPipe(const TPipe&) = delete;
  TPipe& operator=(const TPipe&) = delete;
  template <TPosition position>
  bool InitBuffer(TBuf<position>&, uint32_t bytes);
  void Reset();
  template <HardEvent event>
  TEventID AllocEventID();
  template <HardEvent event>
  void ReleaseEventID(TEventID);
};

template <HardEvent event>
void SetFlag(int32_t id);
template <HardEvent event>
void WaitFlag(int32_t id);
template <pipe_t pipe>
void PipeBarrier();
template <bool isAIVOnly = true>
void SyncAll();
int64_t GetBlockIdx();
int64_t GetBlockNum();
GM_ADDR GetUserWorkspace(GM_ADDR workspace);

#if ALNG_NPU_ARCH == 3510
using DmaStride = int64_t;
#else
using DmaStride = uint32_t;
#endif
struct DataCopyExtParams {
  DataCopyExtParams();
  DataCopyExtParams(uint16_t count, uint32_t length, DmaStride source, DmaStride destination, uint32_t reserved);
  uint16_t blockCount;
  uint32_t blockLen;
  DmaStride srcStride, dstStride;
  uint32_t rsv;
};
template <typename T>
struct DataCopyPadExtParams {
  DataCopyPadExtParams();
  DataCopyPadExtParams(bool is_pad, uint8_t left, uint8_t right, T value);
  bool isPad;
  uint8_t leftPadding, rightPadding;
  T paddingValue;
};
template <typename T>
void DataCopyPad(const LocalTensor<T>&, const GlobalTensor<T>&, const DataCopyExtParams&,
                 const DataCopyPadExtParams<T>&);
template <typename T>
void DataCopyPad(const GlobalTensor<T>&, const LocalTensor<T>&, const DataCopyExtParams&);

#if ALNG_NPU_ARCH == 2201

struct BinaryRepeatParams {
  BinaryRepeatParams();
  BinaryRepeatParams(uint8_t dstBlk, uint8_t src0Blk, uint8_t src1Blk, uint8_t dstRep, uint8_t src0Rep,
                     uint8_t src1Rep);
};
struct UnaryRepeatParams {
  UnaryRepeatParams();
  UnaryRepeatParams(uint16_t dstBlk, uint16_t srcBlk, uint8_t dstRep, uint8_t srcRep);
};
struct BrcbRepeatParams {
  BrcbRepeatParams();
  BrcbRepeatParams(uint16_t dstBlk, uint16_t dstRep);
};

#define ALNG_BINARY(Name)                                                                                          \
  template <typename T>                                                                                            \
  void Name(const LocalTensor<T>&, const LocalTensor<T>&, const LocalTensor<T>&, const int32_t& count);            \
  template <typename T, bool isSetMask = true>                                                                     \
  void Name(const LocalTensor<T>&, const LocalTensor<T>&, const LocalTensor<T>&, uint64_t mask, uint8_t repeats,   \
            const BinaryRepeatParams&);                                                                            \
  template <typename T, bool isSetMask = true>                                                                     \
  void Name(const LocalTensor<T>&, const LocalTensor<T>&, const LocalTensor<T>&, uint64_t mask[], uint8_t repeats, \
            const BinaryRepeatParams&);
ALNG_BINARY(Add)
ALNG_BINARY(Sub)
ALNG_BINARY(Mul)
ALNG_BINARY(FusedMulAdd)
#undef ALNG_BINARY

// MulAddDst's bits are const.
template <typename T, typename U, bool isSetMask = true>
void MulAddDst(const LocalTensor<T>&, const LocalTensor<U>&, const LocalTensor<U>&, uint64_t mask, uint8_t repeats,
               const BinaryRepeatParams&);
template <typename T, typename U, bool isSetMask = true>
void MulAddDst(const LocalTensor<T>&, const LocalTensor<U>&, const LocalTensor<U>&, const uint64_t mask[],
               uint8_t repeats, const BinaryRepeatParams&);

#define ALNG_SCALAR(Name)                                                                                    \
  template <typename T>                                                                                      \
  void Name(const LocalTensor<T>&, const LocalTensor<T>&, const T& scalar, const int32_t& count);            \
  template <typename T, bool isSetMask = true>                                                               \
  void Name(const LocalTensor<T>&, const LocalTensor<T>&, const T& scalar, uint64_t mask, uint8_t repeats,   \
            const UnaryRepeatParams&);                                                                       \
  template <typename T, bool isSetMask = true>                                                               \
  void Name(const LocalTensor<T>&, const LocalTensor<T>&, const T& scalar, uint64_t mask[], uint8_t repeats, \
            const UnaryRepeatParams&);
ALNG_SCALAR(Adds)
ALNG_SCALAR(Muls)
#undef ALNG_SCALAR

template <typename T, typename U, bool isSetMask = true>
void Axpy(const LocalTensor<T>&, const LocalTensor<U>&, const U& scalar, uint64_t mask, uint8_t repeats,
          const UnaryRepeatParams&);
template <typename T, typename U, bool isSetMask = true>
void Cast(const LocalTensor<T>&, const LocalTensor<U>&, const RoundMode&, uint64_t mask, uint8_t repeats,
          const UnaryRepeatParams&);
template <typename T>
void Duplicate(const LocalTensor<T>&, const T& scalar, const int32_t& count);
template <typename T, bool isSetMask = true>
void Duplicate(const LocalTensor<T>&, const T& scalar, uint64_t mask, uint8_t repeats, uint16_t dstBlockStride,
               uint8_t dstRepeatStride);
template <typename T, bool isSetMask = true>
void Duplicate(const LocalTensor<T>&, const T& scalar, uint64_t mask[], uint8_t repeats, uint16_t dstBlockStride,
               uint8_t dstRepeatStride);
template <typename T>
void Brcb(const LocalTensor<T>&, const LocalTensor<T>&, uint8_t repeats, const BrcbRepeatParams&);
// ? the numbers' types.
template <typename T, bool isSetMask = true>
void WholeReduceSum(const LocalTensor<T>&, const LocalTensor<T>&, int32_t mask, int32_t repeats, int32_t dstRepStride,
                    int32_t srcBlkStride, int32_t srcRepStride);
template <typename T, bool isSetMask = true>
void BlockReduceSum(const LocalTensor<T>&, const LocalTensor<T>&, int32_t repeats, int32_t mask, int32_t dstRepStride,
                    int32_t srcBlkStride, int32_t srcRepStride);

#else

namespace Reg {

enum class MaskPattern : uint8_t { ALL, VL1 };
enum class LoadDist : uint8_t { DIST_NORM, DIST_UNPACK_B16, DIST_BRC_B32 };
enum class StoreDist : uint8_t { DIST_NORM, DIST_PACK_B32, DIST_FIRST_ELEMENT_B32 };
enum class RegLayout : uint8_t { ZERO, ONE };
enum class SatMode : uint8_t { NO_SAT, SAT, UNKNOWN };
enum class MaskMergeMode : uint8_t { ZEROING, MERGING, UNKNOWN };
enum class ReduceType : uint8_t { SUM };
struct CastTrait {
  RegLayout layoutMode;
  SatMode satMode;
  MaskMergeMode mrgMode;
  RoundMode roundMode;
};

template <typename T>
class RegTensor {
 public:
  RegTensor();
};
class MaskReg {
 public:
  MaskReg();
};

template <typename T, MaskPattern pattern = MaskPattern::ALL>
MaskReg CreateMask();
template <typename T>
MaskReg UpdateMask(uint32_t& remaining);
template <typename T, LoadDist dist>
void LoadAlign(RegTensor<T>&, __ubuf__ T*);
template <typename T, StoreDist dist>
void StoreAlign(__ubuf__ T*, RegTensor<T>&, MaskReg&);

// ? whether registers and masks are taken by const reference: not here, which takes less.
#define ALNG_BINARY(Name) \
  template <typename T>   \
  void Name(RegTensor<T>&, RegTensor<T>&, RegTensor<T>&, MaskReg&);
ALNG_BINARY(Add)
ALNG_BINARY(Sub)
ALNG_BINARY(Mul)
ALNG_BINARY(MulAddDst)
ALNG_BINARY(MulDstAdd)
#undef ALNG_BINARY
template <typename T>
void Adds(RegTensor<T>&, RegTensor<T>&, T scalar, MaskReg&);
template <typename T>
void Muls(RegTensor<T>&, RegTensor<T>&, T scalar, MaskReg&);
template <typename T>
void Duplicate(RegTensor<T>&, T scalar, MaskReg&);
template <typename T, typename U, const CastTrait& trait>
void Cast(RegTensor<T>&, RegTensor<U>&, MaskReg&);
template <ReduceType type, typename T>
void Reduce(RegTensor<T>&, RegTensor<T>&, MaskReg&);

}  // namespace Reg
namespace MicroAPI = Reg;

#endif

bool tiling_key_is(uint64_t key);
template <typename T>
void read_tiling(T*, GM_ADDR);

}  // namespace AscendC

AscendC::TPipe* GetTPipePtr();

#define KERNEL_TASK_TYPE_DEFAULT(type) static_assert(true)
#define REGISTER_TILING_DEFAULT(type) static_assert(sizeof(type) > 0)
#define GET_TILING_DATA_WITH_STRUCT(type, name, pointer) \
  type name;                                             \
  AscendC::read_tiling(&name, pointer)
#define TILING_KEY_IS(key) AscendC::tiling_key_is(key)

#endif
