// Flags, barriers and what a core is.
#ifndef ALNG_ASCEND_TWIN_EVENTS_H
#define ALNG_ASCEND_TWIN_EVENTS_H

#include "machine/launch.h"
#include "twin/tensor.h"
#include "twin/types.h"

// NOLINTBEGIN(readability-identifier-naming): CANN's names.

enum pipe_t : std::uint8_t { PIPE_S, PIPE_V, PIPE_MTE2, PIPE_MTE3, PIPE_ALL };

enum event_t : std::uint8_t { EVENT_ID0, EVENT_ID1, EVENT_ID2, EVENT_ID3, EVENT_ID4, EVENT_ID5, EVENT_ID6, EVENT_ID7 };

namespace AscendC {

using TEventID = std::int8_t;

enum class HardEvent : std::uint8_t {
  MTE2_V,
  V_MTE2,
  V_MTE3,
  MTE3_V,
  MTE2_S,
  S_MTE2,
  V_S,
  S_V,
  MTE3_MTE2,
  MTE2_MTE3,
  MTE3_S,
  S_MTE3
};

constexpr alng::twin::Pipe twin_from(HardEvent event) {
  using alng::twin::Pipe;
  constexpr std::array from = {Pipe::mte2,   Pipe::vector, Pipe::vector, Pipe::mte3, Pipe::mte2, Pipe::scalar,
                               Pipe::vector, Pipe::scalar, Pipe::mte3,   Pipe::mte2, Pipe::mte3, Pipe::scalar};
  return from[static_cast<std::size_t>(event)];
}

constexpr alng::twin::Pipe twin_to(HardEvent event) {
  using alng::twin::Pipe;
  constexpr std::array to = {Pipe::vector, Pipe::mte2,   Pipe::mte3, Pipe::vector, Pipe::scalar, Pipe::mte2,
                             Pipe::scalar, Pipe::vector, Pipe::mte2, Pipe::mte3,   Pipe::scalar, Pipe::mte3};
  return to[static_cast<std::size_t>(event)];
}

template <HardEvent event>
void SetFlag(std::int32_t id, const Where where = Where::current()) {
  alng::twin::Core::current().set_flag(static_cast<int>(event), twin_from(event), twin_to(event), id, false, where);
}

template <HardEvent event>
void WaitFlag(std::int32_t id, const Where where = Where::current()) {
  alng::twin::Core::current().wait_flag(static_cast<int>(event), twin_from(event), twin_to(event), id, where);
}

template <pipe_t pipe>
void PipeBarrier(const Where where = Where::current()) {
  if constexpr (pipe == PIPE_ALL) {
    alng::twin::Core::current().barrier_of_all_pipes();
  } else {
    alng::twin::Core::current().pipe_barrier(static_cast<alng::twin::Pipe>(pipe), where);
  }
}

template <bool isAIVOnly = true>
void SyncAll(const Where where = Where::current()) {
  alng::twin::Core::current().sync_all(where);
}

/// The one that counts in global memory: the same to the twin.
template <bool isAIVOnly = true>
void SyncAll(const GlobalTensor<std::int32_t>&, const LocalTensor<std::int32_t>&, std::int32_t = 0,
             const Where where = Where::current()) {
  alng::twin::Core::current().sync_all(where);
}

inline std::int64_t GetBlockIdx() { return alng::twin::Core::current().index(); }
inline std::int64_t GetBlockNum() { return alng::twin::Core::current().launch().options().blocks; }

}  // namespace AscendC
// NOLINTEND(readability-identifier-naming)

#endif
