// The sums of a segment and of a group of segments, by themselves: in the 16-bit results of whole rows a wrong order of
// them hardly shows.
#include "cuda/row_fold.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

#include "cuda/simt_stage.h"
#include "order/row_sum.h"

namespace alng::test {
namespace {

using namespace impl::cuda;  // NOLINT(google-build-using-namespace): kernels speak of the device as kernels do

template <std::size_t N, class Distances>
float folded(std::array<float, N> values, const Distances& distances) {
  std::size_t left = N;
  for (const int d : distances) {
    left -= static_cast<std::size_t>(d);
    for (std::size_t i = 0; i < left; ++i) values[i] = values[i] + values[i + static_cast<std::size_t>(d)];
  }
  return values[0];
}

struct Terms {
  std::array<float, 512> first, second;
  float sums[2], single;
  /// The sums of terms that are asked for one after the other, where there is a way to.
  float one_by_one[2];
};

template <int vector, int lanes>
void fold_terms(const void* p) {
  Terms& terms = **static_cast<Terms* const*>(p);
  using L = Layout<vector, lanes>;
  const int lane = static_cast<int>(thread_index());
  float w[own_terms], q[own_terms];
  for (int o = 0; o < own_terms; ++o) {
    const auto column = static_cast<std::size_t>(L::column(lane, o / vector) + o % vector);
    w[o] = terms.first[column];
    q[o] = terms.second[column];
  }
  const float sum = segment_sums<L>(w, q, lane);
  if (tells_sum<L>(lane)) terms.sums[has_second<L>(lane) ? 1 : 0] = sum;
  if constexpr (vector == 1 && lanes == 32) {
    const float again = segment_sums_of([&](int o) { return float2{w[o], q[o]}; }, lane);
    if (tells_sum<L>(lane)) terms.one_by_one[has_second<L>(lane) ? 1 : 0] = again;
  }
  const float single = segment_sum<L>(w, lane);
  if (lane == 17) terms.single = single;
}

/// `shuffles`: of two sums together and of one alone. Fewer lanes have the first columns of a segment, every group of
/// them the same here.
template <int vector, int lanes = 32>
void expect_the_canonical_fold(int shuffles) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  for (int repeat = 0; repeat < 50; ++repeat) {
    Terms terms{};
    for (auto* values : {&terms.first, &terms.second}) {
      for (std::size_t i = 0; i < 16 * lanes; ++i) {
        (*values)[i] = normal(random) * std::exp2(static_cast<float>(random() % 20));
      }
    }
    Stage<Terms*> stage;
    stage.threads = 32;
    const simt::Report report = stage.run(&fold_terms<vector, lanes>, &terms);
    EXPECT_EQ(report.sentences(), "");
    EXPECT_EQ(report.shuffles, shuffles);
    EXPECT_EQ(terms.sums[0], folded(terms.first, impl::segment_distances));
    EXPECT_EQ(terms.sums[1], folded(terms.second, impl::segment_distances));
    EXPECT_EQ(terms.single, terms.sums[0]);
    if constexpr (vector == 1 && lanes == 32) {
      EXPECT_EQ(terms.one_by_one[0], terms.sums[0]);
      EXPECT_EQ(terms.one_by_one[1], terms.sums[1]);
    }
  }
}

TEST(RowFold, OfASegmentIsCanonicalHoweverItsColumnsLie) {
  expect_the_canonical_fold<8>(19 + 12);
  expect_the_canonical_fold<4>(11 + 8);
  expect_the_canonical_fold<1>(5 + 5 + 5);
}

TEST(RowFold, OfFewColumnsIsCanonical) {
  expect_the_canonical_fold<8, 4>(16 + 9);
  expect_the_canonical_fold<8, 8>(17 + 10);
  expect_the_canonical_fold<8, 16>(18 + 11);
  expect_the_canonical_fold<4, 8>(9 + 6);
  expect_the_canonical_fold<4, 16>(10 + 7);
  expect_the_canonical_fold<1, 8>(3 + 3);
  expect_the_canonical_fold<1, 16>(4 + 4);
}

template <int N>
void expect_the_canonical_group() {
  std::mt19937 random(N);
  std::normal_distribution<float> normal;
  for (int repeat = 0; repeat < 50; ++repeat) {
    std::array<float, 32> group{};
    float own[N];
    for (int i = 0; i < N; ++i)
      group[static_cast<std::size_t>(i)] = own[i] = normal(random) * std::exp2(static_cast<float>(random() % 20));
    EXPECT_EQ(group_sum<N>(own), 0.0f + folded(group, impl::group_distances));
  }
}

TEST(RowFold, OfAGroupIsCanonicalWithoutItsPadding) {
  expect_the_canonical_group<1>();
  expect_the_canonical_group<4>();
  expect_the_canonical_group<8>();
  expect_the_canonical_group<16>();
}

}  // namespace
}  // namespace alng::test
