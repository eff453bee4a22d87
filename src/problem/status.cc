#include "alng/status.hpp"

namespace alng {

const char* code_name(Code code) noexcept {
  switch (code) {
    case Code::ok:
      return "ok";
    case Code::null_pointer:
      return "null_pointer";
    case Code::bad_dtype:
      return "bad_dtype";
    case Code::bad_shape:
      return "bad_shape";
    case Code::bad_stride:
      return "bad_stride";
    case Code::overlap:
      return "overlap";
    case Code::bad_workspace:
      return "bad_workspace";
    case Code::bad_option:
      return "bad_option";
    case Code::unsupported:
      return "unsupported";
    case Code::out_of_memory:
      return "out_of_memory";
  }
  return "unknown";  // a number that came through the C interface
}

}  // namespace alng
