#include "ge/worker.h"

#include <utility>

#include "runtime/fork.h"

namespace alng::cann::engine {
namespace {

class Call final : public Work {
 public:
  explicit Call(std::function<void()> function) : function_(std::move(function)) {}
  bool may_block() const override { return true; }
  Answer run() override {
    function_();
    return {};
  }

 private:
  std::function<void()> function_;
};

}  // namespace

Worker::Worker()
    : stream_(std::make_unique<std::shared_ptr<Stream>>(std::make_shared<Stream>(-1, nullptr))), forks_(fork_count()) {}

Worker::~Worker() {
  if (inherited()) {
    static_cast<void>(stream_.release());  // never destroyed
  } else {
    static_cast<void>((*stream_)->close(nullptr));
  }
}

bool Worker::inherited() const { return fork_count() != forks_; }

void Worker::submit(std::function<void()> work) { (*stream_)->submit(std::make_unique<Call>(std::move(work))); }

void Worker::drain() {
  if (!inherited() && !(*stream_)->runs_here()) static_cast<void>((*stream_)->synchronize(-1));
}

}  // namespace alng::cann::engine
