// The Ascend products that the runtime can stand for, and what each allows.
#ifndef ALNG_CANN_RUNTIME_PRODUCT_H
#define ALNG_CANN_RUNTIME_PRODUCT_H

#include <string>

#include "runtime/answer.h"

namespace alng::cann {

struct Product {
  /// What names of its chips begin with.
  const char* chip;
  /// The products built of it, as documents call them.
  const char* products;
  bool bfloat16;
  /// gamma may be float32 beside 16-bit tensors: alng can, no product's own operator does.
  bool mixed_gamma;
  /// The device of alng that runs this product's own kernel on a host model; null: there is none.
  const char* model;
};

/// The one stood for, or null where ALNG_SOC names none that is known.
const Product* current_product();

/// What aclrtGetSocName gives.
const char* current_product_name();

/// For calls that need one: why there is none.
Answer check_product();

}  // namespace alng::cann

#endif
