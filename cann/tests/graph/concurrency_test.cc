// Sessions, threads and runs that are asked for at once. ThreadSanitizer looks on.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "cann/tests/graph/graph_run.h"
#include "cann/tests/in_threads.h"
#include "ge_ir_build.h"

namespace alng::test {
namespace {

constexpr int threads = 8;

// Two layers over data of this shape, and what they must give.
struct TwoLayers {
  explicit TwoLayers(int seed, std::int64_t rows = 3) : first(seed, rows), second(seed + 1, rows) {
    const auto lower = first.node(feeds, "lower");
    auto upper = second.node(feeds, "upper", false);
    upper.set_input_dsum(lower);
    graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{upper});
    for (ge::Operator& op : feeds.operators) {
      ge::TensorDesc d = op.GetInputDescByName("x");
      ge::Shape shape = d.GetShape();
      if (shape.GetDimNum() == 2) shape.SetDim(0, -1);
      d.SetShape(shape);
      EXPECT_EQ(op.UpdateInputDesc("x", d), ge::GRAPH_SUCCESS);
    }
    const auto dx = first.expected()[0];
    expected = second.expected(&dx);
  }

  void check(const std::vector<ge::Tensor>& outputs) const {
    ASSERT_EQ(outputs.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(floats(outputs[i]), expected[i]) << i;
  }

  SmallProblem first, second;
  Feeds feeds;
  ge::Graph graph{"two layers"};
  std::array<std::vector<float>, 3> expected;
};

// Counts callbacks; waits for them.
class Calls {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  void wait_for(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
  }
  int count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

TEST(GraphConcurrency, EachThreadItsOwnSessionAndGraph) {
  const Engine engine;
  in_threads(threads, [](int i) {
    for (int k = 0; k < 10; ++k) {
      const TwoLayers layers(i + k);
      ge::Session session(Options{});
      ASSERT_EQ(session.AddGraph(1, layers.graph), ge::SUCCESS) << recent_sentence();
      std::vector<ge::Tensor> outputs;
      ASSERT_EQ(session.RunGraph(1, layers.feeds.tensors, outputs), ge::SUCCESS) << recent_sentence();
      layers.check(outputs);
    }
  });
}

TEST(GraphConcurrency, OneGraphInManySessions) {
  const Engine engine;
  const TwoLayers layers(1);
  in_threads(threads, [&](int) {
    ge::Session session(Options{});
    ASSERT_EQ(session.AddGraph(1, layers.graph), ge::SUCCESS) << recent_sentence();
    for (int k = 0; k < 10; ++k) {
      std::vector<ge::Tensor> outputs;
      ASSERT_EQ(session.RunGraph(1, layers.feeds.tensors, outputs), ge::SUCCESS) << recent_sentence();
      layers.check(outputs);
    }
  });
}

TEST(GraphConcurrency, OneSessionRunByManyWithOtherShapes) {
  const Engine engine;
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, TwoLayers(0).graph), ge::SUCCESS) << recent_sentence();
  in_threads(threads, [&](int i) {
    for (int k = 0; k < 10; ++k) {
      const TwoLayers layers(i, 1 + (i + k) % 5);
      std::vector<ge::Tensor> outputs;
      ASSERT_EQ(session.RunGraph(1, layers.feeds.tensors, outputs), ge::SUCCESS) << recent_sentence();
      layers.check(outputs);
      EXPECT_NE(session.GetCompiledGraphSummary(1), nullptr);
    }
  });
}

TEST(GraphConcurrency, GraphsComeAndGoWhileOthersRun) {
  const Engine engine;
  ge::Session session(Options{});
  const TwoLayers layers(2);
  in_threads(threads, [&](int i) {
    for (int k = 0; k < 20; ++k) {
      if (i % 2 == 0) {
        session.AddGraph(1, layers.graph);
        session.RemoveGraph(1);
        continue;
      }
      std::vector<ge::Tensor> outputs;
      if (session.RunGraph(1, layers.feeds.tensors, outputs) == ge::SUCCESS) {
        layers.check(outputs);
      } else {
        EXPECT_EQ(recent_sentence(), "RunGraph: there is no graph 1 in the session");
      }
    }
  });
}

TEST(GraphConcurrency, EachThreadReadsItsOwnSentence) {
  const Engine engine;
  ge::Session session(Options{});
  in_threads(threads, [&](int i) {
    for (int k = 0; k < 50; ++k) {
      expect_sentence(session.RemoveGraph(static_cast<std::uint32_t>(i)),
                      "RemoveGraph: there is no graph " + std::to_string(i) + " in the session");
    }
  });
}

TEST(GraphConcurrency, LaterRunsComeInOrderAndAllAtTheEnd) {
  const Engine engine;
  std::vector<int> order;  // one thread's
  const TwoLayers layers(3);
  {
    ge::Session session(Options{});
    ASSERT_EQ(session.AddGraph(1, layers.graph), ge::SUCCESS);
    for (int i = 0; i < 20; ++i) {
      ASSERT_EQ(session.RunGraphAsync(1, layers.feeds.tensors,
                                      [&, i](ge::Status status, std::vector<ge::Tensor>& outputs) {
                                        EXPECT_EQ(status, ge::SUCCESS) << recent_sentence();
                                        layers.check(outputs);
                                        order.push_back(i);
                                      }),
                ge::SUCCESS);
    }
    // A removed graph is still run where it was asked for.
    ASSERT_EQ(session.RemoveGraph(1), ge::SUCCESS);
  }
  ASSERT_EQ(order.size(), 20U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(GraphConcurrency, ALaterRunKeepsItsTensors) {
  const Engine engine;
  Calls calls;
  ge::Session session(Options{});
  auto layers = std::make_unique<TwoLayers>(4);
  const auto expected = layers->expected;
  ASSERT_EQ(session.AddGraph(1, layers->graph), ge::SUCCESS);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(session.RunGraphAsync(1, layers->feeds.tensors,
                                    [&](ge::Status status, std::vector<ge::Tensor>& outputs) {
                                      EXPECT_EQ(status, ge::SUCCESS);
                                      EXPECT_EQ(floats(outputs.at(0)), expected[0]);
                                      calls.add();
                                    }),
              ge::SUCCESS);
  }
  layers.reset();
  calls.wait_for(5);
}

TEST(GraphConcurrency, ALaterRunTellsWhatWentWrong) {
  const Engine engine;
  Calls calls;
  ge::Session session(Options{});
  TwoLayers layers(5);
  ASSERT_EQ(session.AddGraph(1, layers.graph), ge::SUCCESS);
  layers.feeds.tensors[0] = tensor({9, 4}, std::vector<float>(36));
  ASSERT_EQ(session.RunGraphAsync(1, layers.feeds.tensors,
                                  [&](ge::Status status, std::vector<ge::Tensor>& outputs) {
                                    EXPECT_EQ(status, ge::FAILED);
                                    EXPECT_TRUE(outputs.empty());
                                    const std::string sentence = recent_sentence();
                                    EXPECT_EQ(sentence.rfind("RunGraphAsync: graph 1 \"two layers\": node \"lower\" "
                                                             "(AddLayerNormGrad): ",
                                                             0),
                                              0U)
                                        << sentence;
                                    calls.add();
                                  }),
            ge::SUCCESS);
  calls.wait_for(1);
}

TEST(GraphConcurrency, ACallbackMayAskForMoreAndEndItsSession) {
  const Engine engine;
  const TwoLayers layers(6);
  Calls calls;
  auto* session = new ge::Session(Options{});
  ASSERT_EQ(session->AddGraph(1, layers.graph), ge::SUCCESS);
  const auto last = [&](ge::Status status, std::vector<ge::Tensor>& outputs) {
    EXPECT_EQ(status, ge::SUCCESS);
    layers.check(outputs);
    delete session;
    calls.add();
  };
  ASSERT_EQ(session->RunGraphAsync(1, layers.feeds.tensors,
                                   [&, last](ge::Status, std::vector<ge::Tensor>&) {
                                     EXPECT_EQ(session->RunGraphAsync(1, layers.feeds.tensors, last), ge::SUCCESS);
                                     std::vector<ge::Tensor> outputs;
                                     EXPECT_EQ(session->RunGraph(1, layers.feeds.tensors, outputs), ge::SUCCESS);
                                     calls.add();
                                   }),
            ge::SUCCESS);
  calls.wait_for(2);
}

TEST(GraphConcurrency, FinalizeWaitsForLaterRuns) {
  ASSERT_EQ(ge::GEInitialize(Options{}), ge::SUCCESS);
  const TwoLayers layers(7);
  Calls calls;
  ge::Session one(Options{}), other(Options{});
  for (ge::Session* session : {&one, &other}) {
    ASSERT_EQ(session->AddGraph(1, layers.graph), ge::SUCCESS);
    for (int i = 0; i < 10; ++i) {
      ASSERT_EQ(session->RunGraphAsync(1, layers.feeds.tensors,
                                       [&](ge::Status status, std::vector<ge::Tensor>&) {
                                         EXPECT_EQ(status, ge::SUCCESS);
                                         calls.add();
                                       }),
                ge::SUCCESS);
    }
  }
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  EXPECT_EQ(calls.count(), 20);
  EXPECT_EQ(one.RunGraphAsync(1, layers.feeds.tensors, [](ge::Status, std::vector<ge::Tensor>&) { ADD_FAILURE(); }),
            ge::FAILED);
  recent_sentence();
}

TEST(GraphConcurrency, TheEngineGoesOnAndOffWhileSessionsAreUsed) {
  const TwoLayers layers(8);

  in_threads(threads, [&](int i) {
    for (int k = 0; k < 20; ++k) {
      if (i == 0) {
        EXPECT_EQ(ge::GEInitialize(Options{}), ge::SUCCESS);
        EXPECT_EQ(ge::GEFinalize(), ge::SUCCESS);
        continue;
      }
      ge::Session session(Options{});
      if (session.AddGraph(1, layers.graph) != ge::SUCCESS) continue;
      std::vector<ge::Tensor> outputs;
      if (session.RunGraph(1, layers.feeds.tensors, outputs) != ge::SUCCESS) continue;
      layers.check(outputs);
    }
  });
  recent_sentence();
}

TEST(GraphConcurrency, TypesAreDeclaredWhileOperatorsAreMade) {
  in_threads(threads, [](int i) {
    for (int k = 0; k < 50; ++k) {
      if (i % 2 == 0) {
        const ge::OperatorCreatorRegister creator(
            "Passing", [](const ge::AscendString& name) { return ge::Operator(name.GetString(), "Passing"); });
      } else {
        EXPECT_FALSE(ge::OperatorFactory::CreateOperator("data", "Data").IsEmpty());
        ge::OperatorFactory::CreateOperator("passing", "Passing");
      }
    }
  });
}

}  // namespace
}  // namespace alng::test
