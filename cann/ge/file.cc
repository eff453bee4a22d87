#include "ge/file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "ge/message.h"

namespace alng::cann::engine {

Status write_file(const std::string& name, std::string_view contents) {
  std::FILE* const file = std::fopen(name.c_str(), "wb");
  bool written = file != nullptr && std::fwrite(contents.data(), 1, contents.size(), file) == contents.size();
  // A full disk may show at the end only.
  if (file != nullptr && std::fclose(file) != 0) written = false;
  return written ? Status() : refused("can't write " + quoted(name) + ": " + std::strerror(errno));
}

}  // namespace alng::cann::engine
