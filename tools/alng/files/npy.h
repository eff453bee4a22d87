// The .npy format, versions 1 to 3: a magic string, the header's length, a Python dict literal, the data.
#ifndef ALNG_TOOLS_NPY_H
#define ALNG_TOOLS_NPY_H

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "files/tensor_file.h"

namespace alng::cli {

/// numpy has no name for bfloat16. Read as bfloat16: descr '<V2' or '|V2' (what numpy.save makes of an ml_dtypes
/// array), 'bfloat16', and '<u2' where `sidecar`, the text of a file NAME.dtype beside NAME.npy, says "bfloat16". A
/// dtype that alng does not compute with is none; the size of such data is not checked. Throws `Failure` with a
/// sentence that does not name the file.
FileTensor parse_npy(std::span<const std::byte> file, std::string_view sidecar = {});

/// The first bytes of a version 1 file, up to where data begins, a multiple of 64. bfloat16 is written as '<V2'.
std::string npy_prologue(DType dtype, std::span<const std::int64_t> shape);

}  // namespace alng::cli

#endif
