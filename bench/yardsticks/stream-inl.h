// The loops of the stream, written against `sum_line<reads, writes>(arrays, offset)`, which adds up one cache line of
// each array that is read and stores it past the cache. No include guard: each instruction set has a copy in its own
// namespace, under its own ALNG_TARGET.

inline constexpr std::size_t line = 64;

// One line of each array at a time, prefetched `distance` bytes ahead (0: by the hardware alone); locality 3 is L1, 2
// is L2, 0 is L1 as passing by.
template <int reads, int writes, std::size_t distance, int locality>
ALNG_TARGET void by_line(const StreamArrays& arrays, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; i += line) {
    if constexpr (distance > 0) {
      for (int k = 0; k < reads; ++k) __builtin_prefetch(arrays.read[k] + i + distance, 0, locality);
    }
    sum_line<reads, writes>(arrays, i);
  }
}

// While a block of each array is summed, the next one is brought to L2, array after array: long runs in one DRAM page.
template <int reads, int writes, std::size_t block>
ALNG_TARGET void by_block(const StreamArrays& arrays, std::size_t begin, std::size_t end) {
  constexpr std::size_t lines = block / line;
  for (std::size_t start = begin; start < end; start += block) {
    const std::size_t stop = start + block < end ? start + block : end;
    std::size_t fetched = 0;
    for (std::size_t i = start; i < stop; i += line) {
      for (int k = 0; k < reads; ++k, ++fetched) {
        __builtin_prefetch(arrays.read[fetched / lines] + start + block + fetched % lines * line, 0, 2);
      }
      sum_line<reads, writes>(arrays, i);
    }
  }
}

template <int reads, int writes>
std::vector<StreamVariant> variants_of() {
  return {{"line by line", by_line<reads, writes, 0, 3>},
          {"line by line, L2 prefetch 1 KB ahead", by_line<reads, writes, 1024, 2>},
          {"line by line, L1 prefetch 512 B ahead", by_line<reads, writes, 512, 3>},
          {"line by line, L1 prefetch 1472 B ahead", by_line<reads, writes, 1472, 0>},
          {"blocks of 16 KB through L2", by_block<reads, writes, 16384>}};
}

inline std::vector<StreamVariant> variants(StreamMix mix) {
  if (mix.writes == 2) return mix.reads == 1 ? variants_of<1, 2>() : variants_of<2, 2>();
  return mix.reads == 4 ? variants_of<4, 1>() : mix.reads == 3 ? variants_of<3, 1>() : variants_of<2, 1>();
}
