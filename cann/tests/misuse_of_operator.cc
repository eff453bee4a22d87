#include "cann/tests/misuse.h"

namespace alng::test {
namespace {

using Change = std::function<void(Scene&)>;

// The first phase of a problem of which one thing is wrong.
std::function<int(Scene&)> phase_1_after(const Change& change) {
  return [change](Scene& s) {
    change(s);
    return s.problem.phase_1();
  };
}

std::function<int(Scene&)> without(int place) {
  return phase_1_after([place](Scene& s) { s.spec(place).present = false; });
}

std::function<int(Scene&)> with_dtype(int place, aclDataType dtype) {
  return phase_1_after([=](Scene& s) { s.spec(place).dtype = dtype; });
}

std::function<int(Scene&)> with_shape(int place, const std::vector<std::int64_t>& shape) {
  return phase_1_after([=](Scene& s) { s.spec(place).shape = shape; });
}

std::function<int(Scene&)> with_strides(int place, const std::vector<std::int64_t>& strides) {
  return phase_1_after([=](Scene& s) { s.spec(place).strides = strides; });
}

// A call on the executor of a valid first phase.
std::function<int(Scene&)> after_phase_1(const std::function<int(Scene&, aclOpExecutor*)>& call) {
  return [call](Scene& s) {
    if (s.problem.phase_1() != 0) return -1;
    return call(s, s.problem.executor);
  };
}

int first_phase(AclProblem& p, std::uint64_t* size, aclOpExecutor** executor) {
  for (int place = 0; place < place_count; ++place) p.made(place);
  return aclnnAddLayerNormGradGetWorkspaceSize(p.tensor(dy), p.tensor(x1), p.tensor(x2), p.tensor(rstd), p.tensor(mean),
                                               p.tensor(gamma), p.tensor(dsum), p.tensor(dx), p.tensor(dgamma),
                                               p.tensor(dbeta), size, executor);
}

aclOpExecutor* as_executor(void* pointer) { return static_cast<aclOpExecutor*>(pointer); }

}  // namespace

std::vector<Misuse> misuse_of_operator() {
  return {
      {"DyNull", 161001, "dy cannot be a NULL pointer", without(dy)},
      {"X1Null", 161001, "x1 cannot be a NULL pointer", without(x1)},
      {"X2Null", 161001, "x2 cannot be a NULL pointer", without(x2)},
      {"RstdNull", 161001, "rstd cannot be a NULL pointer", without(rstd)},
      {"MeanNull", 161001, "mean cannot be a NULL pointer", without(mean)},
      {"DxNull", 161001, "dxOut cannot be a NULL pointer", without(dx)},
      {"DgammaNull", 161001, "dgammaOut cannot be a NULL pointer", without(dgamma)},
      {"DbetaNull", 161001, "dbetaOut cannot be a NULL pointer", without(dbeta)},
      {"WorkspaceSizeNull", 161001, "workspaceSize cannot be a NULL pointer",
       [](Scene& s) { return first_phase(s.problem, nullptr, &s.problem.executor); }},
      {"ExecutorOfPhase1Null", 161001, "executor cannot be a NULL pointer",
       [](Scene& s) { return first_phase(s.problem, &s.problem.workspace_size, nullptr); }},
      {"TensorsBeforeTheRest", 161001, "dbetaOut cannot",
       [](Scene& s) {
         s.spec(dbeta).present = false;
         return first_phase(s.problem, nullptr, nullptr);
       }},
      {"NullBeforeDtype", 161001, "dbetaOut cannot", phase_1_after([](Scene& s) {
         s.spec(dy).dtype = ACL_INT32;
         s.spec(dbeta).present = false;
       })},
      {"TensorDestroyed", 161002, "x1 is none of aclCreateTensor, or is destroyed",
       [](Scene& s) {
         aclDestroyTensor(s.problem.made(x1));
         return s.problem.phase_1();
       }},
      {"TensorForeign", 161002, "dy is none of aclCreateTensor",
       [](Scene& s) {
         aclTensor* const foreign = reinterpret_cast<aclTensor*>(s.host.data());
         for (int place = 1; place < place_count; ++place) s.problem.made(place);
         const AclProblem& p = s.problem;
         return aclnnAddLayerNormGradGetWorkspaceSize(
             foreign, p.tensor(x1), p.tensor(x2), p.tensor(rstd), p.tensor(mean), p.tensor(gamma), p.tensor(dsum),
             p.tensor(dx), p.tensor(dgamma), p.tensor(dbeta), &s.problem.workspace_size, &s.problem.executor);
       }},
      {"DyOfInt32", 161002, "dy is of dtype number 3 but must be FLOAT, FLOAT16 or BFLOAT16; supported on alng: dy, x1",
       with_dtype(dy, ACL_INT32)},
      {"X1Differs", 161002, "x1 is FLOAT16 but must be FLOAT, the dtype of dy", with_dtype(x1, ACL_FLOAT16)},
      {"X2Differs", 161002, "x2 is BFLOAT16 but must be FLOAT", with_dtype(x2, ACL_BF16)},
      {"RstdOfFloat16", 161002, "rstd is FLOAT16 but must be FLOAT", with_dtype(rstd, ACL_FLOAT16)},
      {"MeanOfDouble", 161002, "mean is of dtype number 11 but must be FLOAT", with_dtype(mean, ACL_DOUBLE)},
      {"GammaDiffers", 161002, "gamma is BFLOAT16 but must be FLOAT", with_dtype(gamma, ACL_BF16)},
      {"DsumDiffers", 161002, "dsumOptional is FLOAT16 but must be FLOAT", with_dtype(dsum, ACL_FLOAT16)},
      {"DxDiffers", 161002, "dxOut is FLOAT16 but must be FLOAT", with_dtype(dx, ACL_FLOAT16)},
      {"DgammaOfFloat16", 161002, "dgammaOut is FLOAT16 but must be FLOAT", with_dtype(dgamma, ACL_FLOAT16)},
      {"DbetaUndefined", 161002, "dbetaOut is of dtype number -1", with_dtype(dbeta, ACL_DT_UNDEFINED)},
      {"FormatOfBlocks", 161002, "x2 is of format number 29 but must be ND (2)",
       phase_1_after([](Scene& s) { s.spec(x2).format = ACL_FORMAT_FRACTAL_NZ; })},
      {"FormatUndefined", 161002, "dxOut is of format number -1",
       phase_1_after([](Scene& s) { s.spec(dx).format = ACL_FORMAT_UNDEFINED; })},
      {"DtypeBeforeShape", 161002, "dbetaOut is FLOAT16", phase_1_after([](Scene& s) {
         s.spec(dy).shape = {5, 4};
         s.spec(dbeta).dtype = ACL_FLOAT16;
       })},
      {"DtypeAndRank", 161002, "mean is FLOAT16 but must be FLOAT", phase_1_after([](Scene& s) {
         s.spec(mean).dtype = ACL_FLOAT16;
         s.spec(rstd).shape = {3};
       })},
      {"DtypeAndShape", 161002, "dbetaOut is FLOAT16 but must be FLOAT", phase_1_after([](Scene& s) {
         s.spec(dbeta).dtype = ACL_FLOAT16;
         s.spec(x1).shape = {3, 5};
       })},
      {"DyOfRank0", 561002, "dy has rank 0 but must have rank 1 to 8", with_shape(dy, {})},
      {"X1OfAnotherShape", 561002, "x1 is float32[4, 3] but must be [3, 4], the shape of dy", with_shape(x1, {4, 3})},
      {"X2OfAnotherShape", 561002, "x2 is float32[3, 4, 1] but", with_shape(x2, {3, 4, 1})},
      {"RstdOfAnotherShape", 561002,
       "rstd is float32[4, 1] but must be float32[3, 1] or float32[3]: dy's leading dimensions [3]",
       with_shape(rstd, {4, 1})},
      {"MeanOfAnotherShape", 561002, "mean is float32[1, 3] but must be float32[3, 1] or float32[3]: dy's leading",
       with_shape(mean, {1, 3})},
      {"GammaTooLong", 561002, "gamma is float32[5] but must be [4]", with_shape(gamma, {5})},
      {"GammaOfRank3", 561002, "gamma is float32[1, 3, 4] but must have dy's trailing dimensions",
       with_shape(gamma, {1, 3, 4})},
      {"DsumOfAnotherShape", 561002, "dsumOptional is float32[12] but must be [3, 4]", with_shape(dsum, {12})},
      {"DxOfAnotherShape", 561002, "dxOut is float32[3, 3] but", with_shape(dx, {3, 3})},
      {"DgammaOfAnotherShape", 561002, "dgammaOut is float32[3] but must be [4]", with_shape(dgamma, {3})},
      {"DbetaOfAnotherShape", 561002, "dbetaOut is float32[2, 2] but", with_shape(dbeta, {2, 2})},
      {"NegativeExtent", 561002, "dy has extent -3 in dimension 0", with_shape(dy, {-3, 4})},
      {"Rank9", 561002, "dy has rank 9 but must have rank 1 to 8", phase_1_after([](Scene& s) {
         for (const int place : {dy, x1, x2, dsum, dx, rstd, mean})
           s.spec(place).shape.insert(s.spec(place).shape.begin(), 7, 1);
       })},
      {"NegativeStride", 161002, "must have no negative stride", with_strides(x2, {-4, 1})},
      {"OutputRepeatsElements", 161002, "must give each element of the output its own address",
       with_strides(dx, {0, 1})},
      {"StridesBeyond64Bits", 161002, "must have its last byte within 2^63", with_strides(dy, {INT64_MAX / 2, 1})},
      {"Phase2ExecutorNull", 161001, "executor cannot be a NULL pointer",
       [](Scene& s) { return aclnnAddLayerNormGrad(s.memory.get(), 64, nullptr, s.stream.get()); }},
      {"Phase2ExecutorForeign", 161002, "executor is none of the first phase",
       [](Scene& s) { return aclnnAddLayerNormGrad(nullptr, 0, as_executor(s.host.data()), s.stream.get()); }},
      {"Phase2ExecutorIsATensor", 161002, "executor is none of the first phase",
       [](Scene& s) { return aclnnAddLayerNormGrad(nullptr, 0, as_executor(s.problem.made(dy)), s.stream.get()); }},
      {"Phase2ExecutorUsedUp", 161002, "was used up by the second",
       [](Scene& s) { return s.problem.run(s.stream.get()) != 0 ? -1 : s.problem.phase_2(s.stream.get()); }},
      {"Phase2ExecutorDestroyed", 161002, "or is destroyed", after_phase_1([](Scene& s, aclOpExecutor* executor) {
         aclDestroyAclOpExecutor(executor);
         return s.problem.phase_2(s.stream.get());
       })},
      {"Phase2WorkspaceNull", 161001, "workspace cannot be a NULL pointer",
       after_phase_1([](Scene& s, aclOpExecutor* executor) {
         return aclnnAddLayerNormGrad(nullptr, 1, executor, s.stream.get());
       })},
      {"Phase2WorkspaceMissing", 161002, "workspaceSize is 0 but must be at least",
       after_phase_1([](Scene& s, aclOpExecutor* executor) {
         return aclnnAddLayerNormGrad(nullptr, 0, executor, s.stream.get());
       })},
      {"Phase2WorkspaceShort", 161002, "workspaceSize is 1 but must be at least",
       after_phase_1([](Scene& s, aclOpExecutor* executor) {
         return aclnnAddLayerNormGrad(s.memory.get(), 1, executor, s.stream.get());
       })},
      {"Phase2StreamForeign", 361001, "stream is none of aclrtCreateStream",
       after_phase_1([](Scene& s, aclOpExecutor* executor) {
         return aclnnAddLayerNormGrad(s.problem.workspace(), s.problem.workspace_size, executor, s.host.data());
       })},
      {"Phase2NoMemoryOfTensor", 161001, "the memory of dgammaOut cannot be a NULL pointer",
       [](Scene& s) {
         s.spec(dgamma).data = nullptr;
         return s.problem.run(s.stream.get());
       }},
      {"RunInHostMemory", 507015, "dxOut is 0x",
       [](Scene& s) {
         s.spec(dx).data = s.host.data();
         return s.problem.run(s.stream.get());
       }},
      {"RunBeyondABlock", 507015, "a block of 64 bytes of device 0, but all 48 bytes must be memory of the device",
       [](Scene& s) {
         s.spec(dy).data = s.memory.get();
         s.spec(dy).offset = 5;
         return s.problem.run(s.stream.get());
       }},
      {"OffsetBeyondTheAddresses", 161002, "dy has offset 4611686018427387904, which puts it outside",
       phase_1_after([](Scene& s) { s.spec(dy).offset = std::int64_t{1} << 62; })},
      {"OffsetBeforeTheAddresses", 161002, "x2 has offset -4611686018427387904, which puts it outside",
       phase_1_after([](Scene& s) { s.spec(x2).offset = -(std::int64_t{1} << 62); })},
      {"OffsetSmallest", 161002,
       "dxOut has offset -9223372036854775808, which puts it outside of the addresses there are",
       phase_1_after([](Scene& s) { s.spec(dx).offset = INT64_MIN; })},
      {"OffsetOfTheLastAddress", 161002, "dgammaOut has offset", phase_1_after([](Scene& s) {
         // The first element has an address, the last has none.
         s.spec(dgamma).offset =
             static_cast<std::int64_t>((UINTPTR_MAX - reinterpret_cast<std::uintptr_t>(s.spec(dgamma).data)) / 4);
       })},
      {"OffsetOfNewAddress", 161002, "aclSetTensorAddr: tensor has offset 4611686018427387904",
       after_phase_1([](Scene& s, aclOpExecutor* executor) {
         TensorSpec spec = s.spec(dy);
         spec.offset = std::int64_t{1} << 62;
         aclTensor* const tensor = create_tensor(spec);
         const int code = aclSetTensorAddr(executor, 0, tensor, s.memory.get());
         aclDestroyTensor(tensor);
         return code;
       })},
      {"SmallestExtent", 561002, "dy has extent -9223372036854775808 in dimension 0", with_shape(dy, {INT64_MIN, 4})},
      {"ProductOfExtents", 561002, "must have less than 2^63", phase_1_after([](Scene& s) {
         for (const int place : {dy, x1, x2, dsum, dx}) s.spec(place).shape = {INT64_C(1) << 40, INT64_C(1) << 40};
         for (const int place : {rstd, mean}) s.spec(place).shape = {INT64_C(1) << 40, 1};
         for (const int place : {gamma, dgamma, dbeta}) s.spec(place).shape = {INT64_C(1) << 40};
       })},
      {"SmallestStride", 161002, "must have no negative stride", with_strides(x1, {INT64_MIN, 1})},
      {"DtypeThatIsNone", 161002, "x1 is of dtype number 60 but must be FLOAT, the dtype of dy",
       with_dtype(x1, static_cast<aclDataType>(60))},
      {"RunFarBeyond", 507015, "dy is 0x",
       [](Scene& s) {
         s.spec(dy).offset = std::int64_t{1} << 40;
         return s.problem.run(s.stream.get());
       }},
      {"RunWithOverlap", 507015, "dbetaOut at bytes",
       [](Scene& s) {
         s.spec(dx).data = s.memory.get();
         s.spec(dbeta).data = s.memory.get();
         return s.problem.run(s.stream.get());
       }},
      {"RunMisaligned", 507015, "but must point to a multiple of 4 bytes",
       [](Scene& s) {
         s.spec(dy).data = static_cast<char*>(s.memory.get()) + 1;
         return s.problem.run(s.stream.get());
       }},
      {"RunInFreedWorkspace", 507015, "workspace is 0x", after_phase_1([](Scene& s, aclOpExecutor* executor) {
         void* memory = nullptr;
         aclrtMalloc(&memory, s.problem.workspace_size, ACL_MEM_MALLOC_HUGE_FIRST);
         aclrtFree(memory);
         const int code = aclnnAddLayerNormGrad(memory, s.problem.workspace_size, executor, s.stream.get());
         return code != 0 ? code : aclrtSynchronizeStream(s.stream.get());
       })},
      {"RepeatableNull", 561103, "executor cannot be", [](Scene&) { return aclSetAclOpExecutorRepeatable(nullptr); }},
      {"RepeatableForeign", 161002, "executor is none",
       [](Scene& s) { return aclSetAclOpExecutorRepeatable(as_executor(s.host.data())); }},
      {"DestroyExecutorNull", 561103, "executor cannot be", [](Scene&) { return aclDestroyAclOpExecutor(nullptr); }},
      {"DestroyExecutorTwice", 161002, "or is destroyed", after_phase_1([](Scene&, aclOpExecutor* executor) {
         aclDestroyAclOpExecutor(executor);
         return aclDestroyAclOpExecutor(executor);
       })},
      {"SetAddrExecutorNull", 561103, "executor cannot be",
       [](Scene& s) { return aclSetTensorAddr(nullptr, 0, s.problem.made(dy), s.memory.get()); }},
      {"SetAddrTensorNull", 561103, "tensor cannot be", after_phase_1([](Scene& s, aclOpExecutor* executor) {
         return aclSetInputTensorAddr(executor, 0, nullptr, s.memory.get());
       })},
      {"SetAddrNull", 561103, "addr cannot be", after_phase_1([](Scene& s, aclOpExecutor* executor) {
         return aclSetOutputTensorAddr(executor, 0, s.problem.tensor(dx), nullptr);
       })},
      {"SetAddrIndex", 161002, "index is 10 but must be less than 10",
       after_phase_1([](Scene& s, aclOpExecutor* executor) {
         return aclSetTensorAddr(executor, 10, s.problem.tensor(dy), s.memory.get());
       })},
      {"SetAddrOfDeadTensor", 161002, "tensor is none of aclCreateTensor",
       after_phase_1([](Scene& s, aclOpExecutor* executor) {
         aclTensor* const tensor = s.problem.tensor(dy);
         s.problem.destroy(dy);
         return aclSetTensorAddr(executor, 0, tensor, s.memory.get());
       })},
      {"SetDynamicAddrListNull", 561103, "tensors cannot be", after_phase_1([](Scene& s, aclOpExecutor* executor) {
         return aclSetDynamicTensorAddr(executor, 0, 0, nullptr, s.memory.get());
       })},
      {"SetDynamicAddr", 161002, "has no parameter that is a list of tensors",
       after_phase_1([](Scene& s, aclOpExecutor* executor) {
         aclTensorList* const list = aclCreateTensorList(nullptr, 0);
         const int code = aclSetDynamicInputTensorAddr(executor, 0, 0, list, s.memory.get());
         const int other = aclSetDynamicOutputTensorAddr(executor, 0, 0, list, s.memory.get());
         aclDestroyTensorList(list);
         return code == other ? other : -1;
       })},
      {"InitTensorNull", 561103, "tensor cannot be",
       [](Scene&) {
         return aclInitTensor(nullptr, nullptr, 0, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, nullptr);
       }},
      {"DestroyTensorForeign", 161002, "tensor is none of aclCreateTensor",
       [](Scene& s) { return aclDestroyTensor(reinterpret_cast<const aclTensor*>(s.host.data())); }},
      {"ShapeOfNull", 561103, "tensor cannot be",
       [](Scene&) {
         std::int64_t* dims;
         std::uint64_t count;
         return aclGetViewShape(nullptr, &dims, &count);
       }},
      {"ShapeIntoNull", 561103, "cannot be a NULL pointer",
       [](Scene& s) { return aclGetViewStrides(s.problem.made(dy), nullptr, &s.count); }},
      {"FormatIntoNull", 561103, "format cannot be",
       [](Scene& s) { return aclGetFormat(s.problem.made(dy), nullptr); }},
      {"OffsetOfDead", 161002, "or is destroyed",
       [](Scene& s) {
         const aclTensor* const tensor = s.problem.made(dy);
         s.problem.destroy(dy);
         std::int64_t offset;
         return aclGetViewOffset(tensor, &offset);
       }},
      {"SizeOfNullArray", 561103, "cannot be a NULL pointer",
       [](Scene& s) { return aclGetIntArraySize(nullptr, &s.count); }},
      {"SizeOfAnotherKind", 161002, "none of these objects",
       [](Scene& s) {
         return aclGetTensorListSize(reinterpret_cast<const aclTensorList*>(s.problem.made(dy)), &s.count);
       }},
  };
}

}  // namespace alng::test
