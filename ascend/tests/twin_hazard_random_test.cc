// Random programs: what the model finds unordered is exactly what a search of the whole program finds so.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "ascend/tests/twin_stage.h"

namespace alng::test {
namespace {

using namespace AscendC;
using twin::Pipe;
using twin::Where;

constexpr std::uint32_t buffer_size = 64;  // float32 elements of UB, and of global memory

struct Range {
  bool global;
  std::uint32_t begin, end;
  bool write;
};

struct Statement {
  enum class Kind { instruction, set, wait, barrier, barrier_of_all } kind;
  Pipe pipe{};  // of a flag: the one that sets it or waits for it
  int flag = 0;
  std::vector<Range> accesses{};
  std::function<void(const LocalTensor<float>&, const GlobalTensor<float>&, Where)> run;
};

template <HardEvent event>
void add_flag(std::vector<Statement>& flags, int id) {
  const int flag = static_cast<int>(event) * 2 + id;
  const auto set = [id](const LocalTensor<float>&, const GlobalTensor<float>&, Where where) {
    SetFlag<event>(id, where);
  };
  const auto wait = [id](const LocalTensor<float>&, const GlobalTensor<float>&, Where where) {
    WaitFlag<event>(id, where);
  };
  flags.push_back({Statement::Kind::set, twin_from(event), flag, {}, set});
  flags.push_back({Statement::Kind::wait, twin_to(event), flag, {}, wait});
}

// Pairs of set and wait, two ids of each event.
std::vector<Statement> all_flags() {
  std::vector<Statement> flags;
  for (const int id : {0, 1}) {
    add_flag<HardEvent::MTE2_V>(flags, id);
    add_flag<HardEvent::V_MTE2>(flags, id);
    add_flag<HardEvent::V_MTE3>(flags, id);
    add_flag<HardEvent::MTE3_V>(flags, id);
    add_flag<HardEvent::MTE2_S>(flags, id);
    add_flag<HardEvent::S_MTE2>(flags, id);
    add_flag<HardEvent::V_S>(flags, id);
    add_flag<HardEvent::S_V>(flags, id);
    add_flag<HardEvent::MTE3_MTE2>(flags, id);
    add_flag<HardEvent::MTE2_MTE3>(flags, id);
    add_flag<HardEvent::MTE3_S>(flags, id);
    add_flag<HardEvent::S_MTE3>(flags, id);
  }
  return flags;
}

class Program {
 public:
  explicit Program(std::uint32_t seed) : random_(seed), flags_(all_flags()) {
    std::vector<bool> set(flags_.size() / 2, false);
    for (int i = 0; i < 30; ++i) {
      const std::uint32_t what = below(10);
      if (what < 6) {
        statements.push_back(instruction());
      } else if (what < 9) {
        const std::uint32_t flag = below(static_cast<std::uint32_t>(set.size()));
        statements.push_back(flags_[2 * flag + (set[flag] ? 1 : 0)]);
        set[flag] = !set[flag];
        // Seldom is a flag that is never waited for of interest.
        if (set[flag] && below(3) != 0) {
          statements.push_back(instruction());
          statements.push_back(flags_[2 * flag + 1]);
          set[flag] = false;
        }
      } else {
        statements.push_back(barrier());
      }
    }
  }

  // By statement: whether it accesses something that a statement before it accesses too, one of the two writing, and
  // nothing makes it wait for that one.
  std::vector<bool> unordered() const {
    // Each statement begins and ends: nodes 2i and 2i + 1.
    const std::size_t count = statements.size();
    std::vector<std::vector<bool>> before(2 * count, std::vector<bool>(2 * count, false));
    for (std::size_t i = 0; i < count; ++i) before[2 * i][2 * i + 1] = true;
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t k = i + 1; k < count; ++k) before[2 * i + 1][2 * k] = waits(i, k);
    }
    for (std::size_t via = 0; via < 2 * count; ++via) {
      for (std::size_t i = 0; i < 2 * count; ++i) {
        if (!before[i][via]) continue;
        for (std::size_t k = 0; k < 2 * count; ++k) before[i][k] = before[i][k] || before[via][k];
      }
    }
    std::vector<bool> found(count, false);
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t i = 0; i < k; ++i) {
        found[k] = found[k] || (!before[2 * i + 1][2 * k] && conflict(statements[i], statements[k]));
      }
    }
    return found;
  }

  std::vector<Statement> statements;

 private:
  using Kind = Statement::Kind;

  std::uint32_t below(std::uint32_t count) { return static_cast<std::uint32_t>(random_() % count); }

  Statement instruction() {
    // Whole blocks of 8 elements.
    const std::uint32_t length = 8 * (1 + below(2));
    const auto place = [&] { return 8 * below((buffer_size - length) / 8 + 1); };
    const std::uint32_t a = place(), b = place(), c = below(3) == 0 ? a : place();
    switch (below(7)) {
      case 0:
        return {Kind::instruction,
                Pipe::mte2,
                0,
                {{true, b, b + length, false}, {false, a, a + length, true}},
                [=](const auto& ub, const auto& global, Where where) { DataCopy(ub[a], global[b], length, where); }};
      case 1:
        return {Kind::instruction,
                Pipe::mte3,
                0,
                {{false, a, a + length, false}, {true, b, b + length, true}},
                [=](const auto& ub, const auto& global, Where where) { DataCopy(global[b], ub[a], length, where); }};
      case 2:
        return {Kind::instruction,
                Pipe::vector,
                0,
                {{false, a, a + length, true}},
                [=](const auto& ub, const auto&, Where where) {
                  Duplicate(ub[a], 1.0F, static_cast<std::int32_t>(length), where);
                }};
      case 3:
        return {Kind::instruction,
                Pipe::scalar,
                0,
                {{false, a, a + 1, false}},
                [=](const auto& ub, const auto&, Where where) { ub.GetValue(a, where); }};
      case 4:
        return {Kind::instruction,
                Pipe::scalar,
                0,
                {{false, a, a + 1, true}},
                [=](const auto& ub, const auto&, Where where) { ub.SetValue(a, 1.0F, where); }};
      case 5:  // often in place
        return {Kind::instruction,
                Pipe::vector,
                0,
                {{false, a, a + length, false}, {false, c, c + length, true}},
                [=](const auto& ub, const auto&, Where where) {
                  Adds(ub[c], ub[a], 1.0F, static_cast<std::int32_t>(length), where);
                }};
      default:
        return {Kind::instruction,
                Pipe::vector,
                0,
                {{false, a, a + length, false}, {false, b, b + length, false}, {false, c, c + length, true}},
                [=](const auto& ub, const auto&, Where where) {
                  Add(ub[c], ub[a], ub[b], static_cast<std::int32_t>(length), where);
                }};
    }
  }

  Statement barrier() {
    const auto of = [](Pipe pipe, auto run) { return Statement{Kind::barrier, pipe, 0, {}, run}; };
    switch (below(7)) {
      case 0:
      case 1:
        return of(Pipe::mte2, [](const auto&, const auto&, Where where) { PipeBarrier<PIPE_MTE2>(where); });
      case 2:
      case 3:
        return of(Pipe::mte3, [](const auto&, const auto&, Where where) { PipeBarrier<PIPE_MTE3>(where); });
      case 4:
      case 5:
        return of(Pipe::vector, [](const auto&, const auto&, Where where) { PipeBarrier<PIPE_V>(where); });
      default:
        return {Kind::barrier_of_all, Pipe::scalar, 0, {}, [](const auto&, const auto&, Where where) {
                  PipeBarrier<PIPE_ALL>(where);
                }};
    }
  }

  // Whether statement i has ended when k, which comes after it, begins, for a reason that stands in the two alone.
  bool waits(std::size_t i, std::size_t k) const {
    const Statement &first = statements[i], &second = statements[k];
    if (first.kind == Kind::barrier_of_all || second.kind == Kind::barrier_of_all) return true;
    const bool same_pipe = first.pipe == second.pipe;
    if (first.kind == Kind::set && second.kind == Kind::wait && first.flag == second.flag) {
      // The next wait for it: it is not set again before that.
      for (std::size_t between = i + 1; between < k; ++between) {
        if (statements[between].kind == Kind::wait && statements[between].flag == first.flag) return false;
      }
      return true;
    }
    // A pipe comes to a flag to be set, or past a barrier, when all it was given has ended.
    if (second.kind == Kind::set || second.kind == Kind::barrier) return same_pipe;
    // What comes after a barrier or a wait in a pipe waits too; all is issued by scalar code, after what it waits for.
    if (first.kind == Kind::wait) return same_pipe || first.pipe == Pipe::scalar;
    if (first.kind == Kind::barrier) return same_pipe;
    // Scalar accesses come one after another; what scalar code issues behind them does not wait for them.
    return same_pipe && first.pipe == Pipe::scalar && first.kind == Kind::instruction &&
           second.kind == Kind::instruction;
  }

  static bool conflict(const Statement& a, const Statement& b) {
    for (const Range& x : a.accesses) {
      for (const Range& y : b.accesses) {
        if (x.global == y.global && x.begin < y.end && y.begin < x.end && (x.write || y.write)) return true;
      }
    }
    return false;
  }

  std::mt19937 random_;
  std::vector<Statement> flags_;
};

class TwinHazardRandom : public testing::TestWithParam<const char*> {};

TEST_P(TwinHazardRandom, ProgramsAreUnorderedWhereASearchOfAllOfThemSaysSo) {
  int wrong_programs = 0, unordered_statements = 0;
  for (std::uint32_t seed = 0; seed < 1000 && wrong_programs == 0; ++seed) {
    const Program program(seed);
    std::vector<float> memory(buffer_size, 1.0F);
    Stage stage(GetParam());
    const GlobalTensor<float> global = stage.global("memory", memory, twin::Access::update);
    const twin::Report report = stage.run([&](Desk& desk) {
      const LocalTensor<float> ub = desk.holding(ramp(buffer_size));
      for (std::size_t i = 0; i < program.statements.size(); ++i) {
        program.statements[i].run(ub, global, Where::current("program", static_cast<std::uint32_t>(i)));
      }
    });
    std::vector<bool> found(program.statements.size(), false);
    for (const twin::Finding& finding : report.findings) {
      // Flags that are still set at the end are found too.
      if (finding.check != twin::Check::flag) found[finding.line] = true;
    }
    const std::vector<bool> expected = program.unordered();
    unordered_statements += static_cast<int>(std::count(expected.begin(), expected.end(), true));
    if (found == expected) continue;
    ++wrong_programs;
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i], expected[i]) << "seed " << seed << ", statement " << i << "\n" << report.sentences();
    }
  }
  EXPECT_GT(unordered_statements, 2000);
}

INSTANTIATE_TEST_SUITE_P(Products, TwinHazardRandom, testing::Values("a2", "950pr"),
                         [](const auto& product) { return "on_" + std::string(product.param); });

TEST(TwinRaces, AreThoseThatEveryPairOfAccessesShows) {
  using Kind = twin::GlobalMemory::Kind;
  struct Access {
    int core;
    Kind kind;
    std::size_t begin, end;
  };
  std::mt19937 random(7);
  const auto below = [&random](std::size_t count) { return static_cast<std::size_t>(random() % count); };
  std::vector<float> values(buffer_size, 1.0F);
  const auto base = reinterpret_cast<std::uintptr_t>(values.data());
  int racing = 0;
  for (int round = 0; round < 3000; ++round) {
    twin::GlobalMemory memory;
    memory.add("memory", values.data(), values.size() * sizeof(float), twin::Access::update);
    std::vector<Access> accesses(2 + below(8));
    for (std::size_t i = 0; i < accesses.size(); ++i) {
      const std::size_t begin = below(32);
      accesses[i] = {static_cast<int>(below(3)), static_cast<Kind>(below(3)), begin, begin + 1 + below(12)};
      // What a core adds to or overwrites it has often read before.
      if (i > 0 && below(3) == 0)
        accesses[i] = {accesses[i - 1].core, static_cast<Kind>(below(3)), accesses[i - 1].begin, accesses[i - 1].end};
      EXPECT_EQ(memory.note(accesses[i].core, base + accesses[i].begin, accesses[i].end - accesses[i].begin,
                            accesses[i].kind, Where::current("race", static_cast<std::uint32_t>(i))),
                "");
    }
    twin::Findings findings;
    memory.end_of_stretch(findings);
    std::set<std::uint32_t> found;
    for (const twin::Finding& finding : findings.all()) {
      EXPECT_EQ(finding.check, twin::Check::race);
      found.insert(finding.line);
    }
    std::set<std::uint32_t> in_a_race;
    for (std::uint32_t i = 0; i < accesses.size(); ++i) {
      for (std::uint32_t k = 0; k < i; ++k) {
        const Access &a = accesses[i], &b = accesses[k];
        // Reads beside reads and additions beside additions are no race.
        if (a.core == b.core || a.begin >= b.end || b.begin >= a.end || (a.kind == b.kind && a.kind != Kind::write)) {
          continue;
        }
        in_a_race.insert({i, k});
        EXPECT_TRUE(found.count(i) + found.count(k) > 0) << "round " << round << ": accesses " << k << " and " << i;
      }
    }
    for (const std::uint32_t line : found) EXPECT_EQ(in_a_race.count(line), 1U) << "round " << round << ": " << line;
    racing += in_a_race.empty() ? 0 : 1;
    if (HasFailure()) return;
  }
  EXPECT_GT(racing, 500);
}

}  // namespace
}  // namespace alng::test
