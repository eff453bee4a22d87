#include "cuda/simt/shared_memory.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <set>

namespace alng::impl::cuda::simt {
namespace {

// What bulk copies and 16-byte accesses need and more; the kernels ask for 128.
constexpr std::size_t alignment = 128;

}  // namespace

SharedMemory::SharedMemory(std::size_t bytes, Clocks& clocks, Report& report, bool count_banks)
    : bytes_(bytes),
      data_(static_cast<std::byte*>(::operator new (std::max<std::size_t>(bytes, 1), std::align_val_t{alignment}))),
      clocks_(clocks),
      report_(report),
      count_banks_(count_banks),
      words_((bytes + 3) / 4) {
  std::memset(data_, 0xFF, bytes);
}

SharedMemory::~SharedMemory() {
  for (const auto& [key, instruction] : instructions_) finish(instruction);
  ::operator delete (data_, std::align_val_t{alignment});
}

std::string SharedMemory::who(const Access& access) const {
  const unsigned agent = access.by - 1;
  if (agent >= clocks_.agent_of_mbarrier(0)) return "a bulk copy";
  if (agent >= clocks_.agent_of_copies(0)) {
    return "an asynchronous copy of " + clocks_.text(agent - clocks_.agent_of_copies(0));
  }
  return clocks_.text(agent);
}

bool SharedMemory::in_range(const void* p, std::size_t bytes, std::size_t align, unsigned thread, const char* what,
                            const Place& place) {
  const auto* begin = static_cast<const std::byte*>(p);
  const std::ptrdiff_t offset = begin - data_;
  if (offset < 0 || static_cast<std::size_t>(offset) + bytes > bytes_) {
    report_.add(text(place) + ": " + clocks_.text(thread) + " " + what + " shared memory at byte " +
                std::to_string(offset) + " of " + std::to_string(bytes_));
    return false;
  }
  if (static_cast<std::size_t>(offset) % align != 0) {
    report_.add(text(place) + ": " + clocks_.text(thread) + " " + what + " " + std::to_string(bytes) +
                " bytes of shared memory at byte " + std::to_string(offset) + ", no multiple of " +
                std::to_string(align));
    return false;
  }
  return true;
}

bool SharedMemory::read(const void* p, std::size_t bytes, unsigned thread, const Place& place) {
  if (!in_range(p, bytes, bytes, thread, "reads", place)) return false;
  if (count_banks_) count_banks(p, bytes, thread, place);
  const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(p) - data_);
  for (std::size_t w = offset / 4; w <= (offset + bytes - 1) / 4; ++w) {
    Word& word = words_[w];
    if (word.write.by == 0) {
      report_.add(text(place) + ": shared memory is read that nobody has written");
    } else if (!clocks_.before(word.write, thread)) {
      report_.add(text(place) + ": race: " + clocks_.text(thread) + " reads what " + who(word.write) + " writes at " +
                  text(word.place) + " without a barrier or wait between");
    }
    const Access now = clocks_.now(thread);
    if (word.read.by != 0 && word.read.by != now.by && !clocks_.before(word.read, thread)) {
      if (word.reads == nullptr) word.reads = std::make_unique<std::vector<Access>>();
      word.reads->push_back(word.read);
    }
    word.read = now;
    word.read_place = place;
  }
  return true;
}

void SharedMemory::overwrite(const void* p, std::size_t bytes, unsigned thread, const Access& as, const char* what,
                             const Place& place) {
  const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(p) - data_);
  for (std::size_t w = offset / 4; w <= (offset + bytes - 1) / 4; ++w) {
    Word& word = words_[w];
    const auto judge = [&](const Access& access, const char* did, const Place& where) {
      if (access.by == 0 || clocks_.before(access, thread)) return;
      report_.add(text(place) + ": race: " + clocks_.text(thread) + " " + what + " what " + who(access) + " " + did +
                  " at " + text(where) + " without a barrier or wait between");
    };
    judge(word.write, "writes", word.place);
    judge(word.read, "reads", word.read_place);
    if (word.reads != nullptr) {
      for (const Access& access : *word.reads) judge(access, "reads", word.read_place);
      word.reads->clear();
    }
    word.read = {};
    word.write = as;
    word.place = place;
  }
}

bool SharedMemory::write(const void* p, std::size_t bytes, unsigned thread, const Place& place) {
  if (!in_range(p, bytes, bytes, thread, "writes", place)) return false;
  if (count_banks_) count_banks(p, bytes, thread, place);
  overwrite(p, bytes, thread, clocks_.now(thread), "writes", place);
  return true;
}

bool SharedMemory::copy(const void* p, std::size_t bytes, std::size_t align, unsigned thread, const Access& as,
                        const Place& place) {
  if (!in_range(p, bytes, align, thread, "copies to", place)) return false;
  overwrite(p, bytes, thread, as, "starts a copy over", place);
  return true;
}

void SharedMemory::end(unsigned first) {
  for (const Word& word : words_) {
    const unsigned agent = word.write.by - 1;
    if (word.write.by == 0 || agent >= clocks_.agent_of_copies(0)) continue;
    if (agent / clocks_.threads_of_block() == first / clocks_.threads_of_block()) continue;
    bool known = false;
    for (unsigned t = 0; t < clocks_.threads_of_block() && !known; ++t) known = clocks_.before(word.write, first + t);
    if (known) continue;
    report_.add(text(word.place) + ": " + who(word.write) + " writes shared memory of block " +
                std::to_string(first / clocks_.threads_of_block()) + ", which may have ended by then");
    return;
  }
}

void SharedMemory::count_banks(const void* p, std::size_t bytes, unsigned cluster_thread, const Place& place) {
  const unsigned thread = cluster_thread % clocks_.threads_of_block(), warp = thread / 32;
  const std::uint64_t where = std::hash<const void*>()(place.file) * 31 + static_cast<std::uint64_t>(place.line);
  const std::uint32_t visit = visits_[where * 1024 + thread]++;
  Instruction& instruction = instructions_[(where * 64 + warp) * 1'000'003 + visit];
  instruction.bytes = bytes;
  instruction.active |= 1u << thread % 32;
  instruction.address[thread % 32] = static_cast<std::uint32_t>(static_cast<const std::byte*>(p) - data_);
}

void SharedMemory::finish(const Instruction& instruction) {
  ++report_.shared_accesses;
  // Accesses of 8 and 16 bytes take a half or a quarter of the warp at a time.
  const unsigned lanes_at_once = instruction.bytes > 4 ? static_cast<unsigned>(128 / instruction.bytes) : 32;
  for (unsigned first = 0; first < 32; first += lanes_at_once) {
    std::array<std::set<std::uint32_t>, 32> bank;
    std::size_t passes = 1;
    for (unsigned lane = first; lane < first + lanes_at_once; ++lane) {
      if ((instruction.active >> lane & 1) == 0) continue;
      for (std::uint32_t byte = 0; byte < instruction.bytes; byte += 4) {
        const std::uint32_t word = (instruction.address[lane] + byte) / 4;
        bank[word % 32].insert(word);
        passes = std::max(passes, bank[word % 32].size());
      }
    }
    report_.bank_conflicts += static_cast<std::int64_t>(passes) - 1;
  }
}

}  // namespace alng::impl::cuda::simt
