#include "ge/engine.h"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <string_view>
#include <vector>

#include "ge/ge_api.h"
#include "ge/session_impl.h"
#include "runtime/device.h"
#include "runtime/fork.h"

namespace alng::cann::engine {
namespace {

struct Engine final : Forked {
  Engine() { join(); }
  void before_fork() override { mutex.lock(); }
  void in_parent() override { mutex.unlock(); }
  void in_child() override {
    inherited = epochs;
    epoch = 0;
    mutex.unlock();
  }

  std::mutex mutex;
  std::uint64_t inherited = 0;  // by a child of fork: the last epoch of its parent
  std::uint64_t epochs = 0;
  std::uint64_t epoch = 0;
  int device = 0;
  Options options;
  std::vector<std::weak_ptr<ge::SessionImpl>> sessions;
};

Engine& the_engine() {
  static Engine& engine = *new Engine;  // outlives sessions that a program never deletes
  return engine;
}

std::string_view text(const ge::AscendString& string) { return {string.GetString(), string.GetLength()}; }

Status initialize(const Options& options) {
  int device = 0;
  if (Status status = check_options(options, device); !status.ok()) return status;
  Engine& engine = the_engine();
  const std::lock_guard lock(engine.mutex);
  if (engine.epoch != 0) {
    if (engine.options != options) {
      warn("GEInitialize", "it was called before, with other options, which stay in force until GEFinalize");
    }
    return {};
  }
  engine.epoch = ++engine.epochs;
  engine.device = device;
  engine.options = options;
  return {};
}

Status finalize() {
  Engine& engine = the_engine();
  std::vector<std::weak_ptr<ge::SessionImpl>> sessions;
  {
    const std::lock_guard lock(engine.mutex);
    if (engine.epoch == 0) warn("GEFinalize", "GEInitialize was not called");
    engine.epoch = 0;
    sessions.swap(engine.sessions);
  }
  for (const auto& weak : sessions) {
    if (const std::shared_ptr<ge::SessionImpl> session = weak.lock()) session->drain();
  }
  return {};
}

}  // namespace

Status check_options(const Options& options, int& device) {
  for (const auto& [name, value] : options) {
    const std::string_view number = text(value);
    if (text(name) == ge::OPTION_EXEC_DEVICE_ID) {
      int asked = -1;
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), asked);
      const bool whole = error == std::errc() && end == number.data() + number.size();
      if (!whole || asked < 0 || static_cast<std::size_t>(asked) >= devices().size()) {
        return refused("option ge.exec.deviceId is " + quoted(std::string(number)) + " but must be 0 to " +
                       std::to_string(devices().size() - 1));
      }
      device = asked;
    } else if (text(name) == ge::OPTION_GRAPH_RUN_MODE || text(name) == ge::DETERMINISTIC) {
      if (number != "0" && number != "1") {
        return refused("option " + std::string(text(name)) + " is " + quoted(std::string(number)) +
                       " but must be 0 or 1");
      }
    }
  }
  return {};
}

std::uint64_t current_epoch() {
  Engine& engine = the_engine();
  const std::lock_guard lock(engine.mutex);
  return engine.epoch;
}

// The last that a parent of this process made; 0: there is none.
static std::uint64_t inherited_epochs() {
  Engine& engine = the_engine();
  const std::lock_guard lock(engine.mutex);
  return engine.inherited;
}

int current_device() {
  Engine& engine = the_engine();
  const std::lock_guard lock(engine.mutex);
  return engine.device;
}

Status check_epoch(std::uint64_t epoch) {
  if (epoch != 0 && epoch <= inherited_epochs()) {
    return refused("the session was made before fork, in the parent process; a child of fork may make one of its own");
  }
  if (epoch == 0) return refused("the session was made before GEInitialize, which must come first");
  if (current_epoch() != epoch) return refused("the session was made before GEFinalize, which has ended it");
  return {};
}

void remember(const std::shared_ptr<ge::SessionImpl>& session) {
  Engine& engine = the_engine();
  const std::lock_guard lock(engine.mutex);
  engine.sessions.erase(
      std::remove_if(engine.sessions.begin(), engine.sessions.end(), [](const auto& weak) { return weak.expired(); }),
      engine.sessions.end());
  engine.sessions.push_back(session);
}

}  // namespace alng::cann::engine

namespace ge {

Status GEInitialize(const std::map<AscendString, AscendString>& options) {
  return alng::cann::engine::guarded("GEInitialize", [&] { return alng::cann::engine::initialize(options); });
}

Status GEFinalize() { return alng::cann::engine::guarded("GEFinalize", alng::cann::engine::finalize); }

}  // namespace ge
