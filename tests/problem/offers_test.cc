// Every refusal that offers a shape or a dtype is right: a tensor that follows it is not refused for the same again.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "alng/problem.hpp"
#include "problem/offer.h"

namespace alng {
namespace {

using test::Offer;
using Shape = std::vector<std::int64_t>;

class Anything {
 public:
  explicit Anything(std::uint32_t seed) : random_(seed) {}
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(random_() % count); }
  bool one_in(std::size_t count) { return below(count) == 0; }

  Shape shape() {
    Shape shape(1 + below(4));
    for (std::int64_t& extent : shape) extent = static_cast<std::int64_t>(below(4));
    return shape;
  }

  // Right or nearly so.
  GradDescription description() {
    const Shape shape_of_dy = shape();
    const std::size_t leading = below(shape_of_dy.size());
    const Shape trailing(shape_of_dy.begin() + static_cast<std::ptrdiff_t>(leading), shape_of_dy.end());
    Shape statistic(shape_of_dy.begin(), shape_of_dy.begin() + static_cast<std::ptrdiff_t>(leading));
    const std::size_t form = below(3);
    const std::size_t ones = form == 0 && leading > 0 ? 0 : form == 1 ? 1 : trailing.size();
    statistic.resize(leading + std::max<std::size_t>(ones, leading == 0 ? 1 : 0), 1);
    const auto dtype = static_cast<DType>(1 + below(3));
    GradDescription p;
    p.dy = p.x1 = TensorLayout::contiguous(dtype, shape_of_dy);
    p.x2 = p.dsum = p.dx = p.dy;
    p.rstd = p.mean = TensorLayout::contiguous(DType::float32, statistic);
    p.gamma = TensorLayout::contiguous(dtype, trailing);
    p.dgamma = p.dbeta = TensorLayout::contiguous(DType::float32, trailing);
    for (auto* optional : {&p.x2, &p.gamma, &p.dsum, &p.dx, &p.dgamma, &p.dbeta}) {
      if (one_in(3)) optional->reset();
    }
    if (one_in(4)) p.normalized_dims = static_cast<int>(1 + below(shape_of_dy.size()));
    for (auto& [name, layout] : tensors(p)) {
      if (one_in(4)) *layout = TensorLayout::contiguous(layout->dtype, shape());
      if (one_in(6)) layout->dtype = static_cast<DType>(below(5));
    }
    return p;
  }

  static std::map<std::string, TensorLayout*> tensors(GradDescription& p) {
    std::map<std::string, TensorLayout*> all = {{"dy", &p.dy}, {"x1", &p.x1}, {"rstd", &p.rstd}, {"mean", &p.mean}};
    const auto add = [&all](const char* name, std::optional<TensorLayout>& layout) {
      if (layout) all[name] = &*layout;
    };
    add("x2", p.x2);
    add("gamma", p.gamma);
    add("dsum", p.dsum);
    add("dx", p.dx);
    add("dgamma", p.dgamma);
    add("dbeta", p.dbeta);
    return all;
  }

 private:
  std::mt19937 random_;
};

DType dtype_named(const std::string& name) {
  for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
    if (name == dtype_name(dtype)) return dtype;
  }
  throw std::runtime_error(name);
}

// The description with the tensor as each of what the sentence offers.
std::vector<GradDescription> followed(const GradDescription& start, const Offer& offer) {
  std::vector<GradDescription> all;
  for (const Shape& shape : offer.shapes) {
    all.push_back(start);
    TensorLayout& layout = *Anything::tensors(all.back()).at(offer.tensor);
    layout = TensorLayout::contiguous(layout.dtype, shape);
  }
  for (const std::string& dtype : offer.dtypes) {
    all.push_back(start);
    Anything::tensors(all.back()).at(offer.tensor)->dtype = dtype_named(dtype);
  }
  return all;
}

TEST(Offers, AreTakenWhereTheyAreFollowed) {
  int offers = 0, accepted = 0;
  for (std::uint32_t seed = 0; seed < 4000; ++seed) {
    Anything any(seed);
    GradDescription description = any.description();
    for (int step = 0; step < 30; ++step) {
      const Status status = GradProblem::create(description).status();
      if (status.ok()) ++accepted;
      const Offer offer = test::offer_in(status.message());
      if (status.ok() || offer.tensor.empty()) break;
      ++offers;
      const std::vector<GradDescription> next = followed(description, offer);
      for (const GradDescription& each : next) {
        const Status again = GradProblem::create(each).status();
        const bool same = again.code() == status.code() && again.message().rfind(offer.tensor + " ", 0) == 0;
        EXPECT_FALSE(same) << "seed " << seed << ": " << status.message() << "\nfollowed: " << again.message();
      }
      if (HasFailure()) return;
      description = next[any.below(next.size())];
    }
  }
  // Most end as a problem, since nearly every refusal says what would do.
  EXPECT_GT(offers, 4000);
  EXPECT_GT(accepted, 2500);
}

// dy's leading dimensions, then 1 for each normalised one, a single 1, or nothing; whoever tells their number.
TEST(Statistics, EveryFormIsTheSameProblem) {
  int forms = 0;
  for (std::uint32_t seed = 0; seed < 2000; ++seed) {
    Anything any(seed);
    const Shape shape = any.shape();
    const std::size_t normalized = 1 + any.below(shape.size()), leading = shape.size() - normalized;
    GradDescription p;
    p.dy = p.x1 = p.dx.emplace(TensorLayout::contiguous(DType::float32, shape));
    const Shape trailing(shape.begin() + static_cast<std::ptrdiff_t>(leading), shape.end());
    const std::size_t told_by = any.below(4);
    if (told_by == 0) p.gamma = TensorLayout::contiguous(DType::float32, trailing);
    if (told_by <= 1) p.dgamma = TensorLayout::contiguous(DType::float32, trailing);
    if (told_by == 2) p.normalized_dims = static_cast<int>(normalized);
    std::int64_t rows = 1, columns = 1;
    for (std::size_t d = 0; d < shape.size(); ++d) (d < leading ? rows : columns) *= shape[d];
    for (const std::size_t ones : {std::size_t{0}, std::size_t{1}, normalized}) {
      if (leading + ones == 0) continue;
      Shape statistic(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(leading));
      statistic.resize(leading + ones, 1);
      p.rstd = TensorLayout::contiguous(DType::float32, statistic);
      // Mean may have another form, that of the round before, where something else than rstd tells the number.
      if (told_by == 3 || p.mean.rank == 0 || any.one_in(2)) p.mean = p.rstd;
      const Result<GradProblem> problem = GradProblem::create(p);
      ASSERT_TRUE(problem.ok()) << "seed " << seed << ": " << problem.status().message();
      EXPECT_EQ(problem->rows(), rows) << to_string(p.dy) << " " << to_string(p.rstd);
      EXPECT_EQ(problem->columns(), columns) << to_string(p.dy) << " " << to_string(p.rstd);
      ++forms;
    }
  }
  EXPECT_GT(forms, 4000);
}

}  // namespace
}  // namespace alng
