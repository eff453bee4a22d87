#include "aclnn/registered_types.h"

#include <string>

#include "aclnn/status_codes.h"
#include "operator/rules.h"
#include "runtime/product.h"

namespace alng::cann {
namespace {

// A single operator is called with these as with ND; torch-style callers name tensors of rank 3 to 5 so.
bool counts_as_nd(aclFormat format) {
  return format == ACL_FORMAT_ND || format == ACL_FORMAT_NCL || format == ACL_FORMAT_NCHW ||
         format == ACL_FORMAT_NHWC || format == ACL_FORMAT_NCDHW;
}

std::string name_of(aclDataType dtype) {
  switch (dtype) {
    case ACL_FLOAT:
      return "FLOAT";
    case ACL_FLOAT16:
      return "FLOAT16";
    case ACL_BF16:
      return "BFLOAT16";
    default:
      return "of dtype number " + std::to_string(dtype);
  }
}

std::string supported(const Product& product) {
  std::string text = std::string("; supported on ") + product.chip +
                     ": dy, x1, x2, gamma, dsumOptional and dxOut all FLOAT, all FLOAT16";
  if (product.bfloat16) text += " or all BFLOAT16";
  if (product.mixed_gamma) text += ", gamma also FLOAT beside the others";
  return text + "; rstd, mean, dgammaOut and dbetaOut FLOAT";
}

}  // namespace

Answer check_types(const char* function, const std::shared_ptr<Tensor> (&tensors)[grad::count]) {
  const Product* const product = current_product();
  if (product == nullptr) return runtime_failed(check_product());
  for (std::size_t i = 0; i < grad::count; ++i) {
    if (tensors[i] == nullptr) continue;
    const auto refused = [&](const std::string& why, Kind kind) {
      return invalid_parameter(std::string(function) + ": " + parameter_names[i] + " is " + why, kind);
    };
    const aclFormat format = tensors[i]->format;
    if (!counts_as_nd(format)) {
      return refused("of format number " + std::to_string(format) +
                         " but must be ND (2), or NCL (47), NCHW (0), NHWC (1), NCDHW (30), which count as ND",
                     Kind::value);
    }
    const aclDataType dtype = tensors[i]->dtype;
    const aclDataType own = tensors[grad::dy]->dtype;
    std::string expected;
    switch (judge_dtype(i, dtype_of(dtype), dtype_of(own), *product)) {
      case DTypeRule::kept:
        continue;
      case DTypeRule::float32:
        expected = "FLOAT";
        break;
      case DTypeRule::supported:
        expected = product->bfloat16 ? "FLOAT, FLOAT16 or BFLOAT16" : "FLOAT or FLOAT16";
        break;
      case DTypeRule::as_dy:
        expected = name_of(own) + ", the dtype of dy";
        break;
    }
    return refused(name_of(dtype) + " but must be " + expected + supported(*product), Kind::dtype);
  }
  return {};
}

}  // namespace alng::cann
