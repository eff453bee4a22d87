#include "commands/generated_problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <span>

#include "files/problem_file.h"
#include "judge/computation.h"
#include "judge/element.h"
#include "terminal/progress.h"

namespace alng::cli {
namespace {

// Sums of eight 16-bit numbers: by the central limit theorem near enough to a normal distribution (up to 4.9 standard
// deviations), and unlike Box-Muller exact. Dividing by their irrational standard deviation fills all bits of a
// float32.
class Normal {
 public:
  Normal(std::uint64_t seed, std::uint32_t tensor) {
    std::seed_seq sequence{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32), tensor};
    random_.seed(sequence);
  }
  double operator()() {
    std::uint64_t sum = 0;
    for (int i = 0; i < 2; ++i) {
      const std::uint64_t bits = random_();
      sum += (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48);
    }
    return (static_cast<double>(sum) - mean) / deviation_;
  }

 private:
  static constexpr double mean = 8 * 65535 / 2.0;
  // The variance of one 16-bit number is (65536^2 - 1) / 12.
  const double deviation_ = std::sqrt(8 * (65536.0 * 65536.0 - 1) / 12);
  std::mt19937_64 random_;
};

// One tensor on its way to the file.
class Column {
 public:
  Column(OutputFile& file, std::size_t tensor, DType dtype)
      : file_(file), tensor_(tensor), dtype_(dtype), size_(dtype_size(dtype)), buffer_(piece) {}

  // Rounds to the dtype and gives back what was stored.
  double push(double value) {
    std::byte* const element = &buffer_[filled_];
    store_element(dtype_, element, value);
    filled_ += size_;
    const double stored = load_element(dtype_, element);
    if (filled_ == piece) flush();
    return stored;
  }
  void flush() {
    file_.write(tensor_, written_, std::span(buffer_).first(filled_));
    written_ += static_cast<std::int64_t>(filled_);
    filled_ = 0;
  }

 private:
  static constexpr std::size_t piece = 1 << 20;  // a multiple of every element's size
  OutputFile& file_;
  std::size_t tensor_;
  DType dtype_;
  std::size_t size_;
  std::int64_t written_ = 0;
  std::size_t filled_ = 0;
  std::vector<std::byte> buffer_;
};

// mean and rstd of one row from the forward. It is given the sum in float32, as it would form it of x1 and x2, so that
// a row's results are those of the whole problem.
class Statistics {
 public:
  explicit Statistics(std::int64_t columns)
      : x_(static_cast<std::size_t>(columns)),
        plan_(or_fail(ForwardPlan::create(problem_of(columns), one_thread()))),
        workspace_(plan_.workspace_size()) {
    arguments_.x1 = x_.data();
    arguments_.mean = &mean_;
    arguments_.rstd = &rstd_;
    arguments_.workspace = workspace_.data();
    arguments_.workspace_size = workspace_.bytes().size();
  }
  std::span<float> x() { return x_; }
  void compute() { or_fail(plan_.run(arguments_)); }
  float mean() const { return mean_; }
  float rstd() const { return rstd_; }

 private:
  static PlanOptions one_thread() {
    PlanOptions options;
    options.threads = 1;
    return options;
  }
  static ForwardProblem problem_of(std::int64_t columns) {
    ForwardDescription description;
    description.x1 = TensorLayout::contiguous(DType::float32, {1, columns});
    description.mean = description.rstd = TensorLayout::contiguous(DType::float32, {1, 1});
    description.normalized_dims = 1;
    return or_fail(ForwardProblem::create(description));
  }

  std::vector<float> x_;
  float mean_ = 0, rstd_ = 0;
  ForwardPlan plan_;
  Buffer workspace_;
  ForwardArguments arguments_;
};

// How x1 and x2 share the wanted mean and variance.
struct Shift {
  double x1_mean = 0;
  double x1_deviation = 1;
  double x2_deviation = 1;
};

Shift shift_of(const GeneratedProblem& problem) {
  Shift shift;
  if (problem.mean_over_std == 0) return shift;
  const double deviation = problem.x2 ? std::sqrt(2.0) : 1.0;
  shift.x1_mean = problem.mean_over_std * deviation;
  const auto spacing = [&](DType dtype) { return 2 * half_ulp(dtype, shift.x1_mean); };
  // x is rounded to float32: where that swallows the variation there is no such problem.
  const bool fits_x = std::isfinite(shift.x1_mean) && spacing(DType::float32) <= 0.25 * deviation;
  const bool fits_x1 = spacing(problem.dtype) <= 0.25;
  if (!fits_x || !std::isfinite(round_to(problem.dtype, shift.x1_mean)) || (!fits_x1 && !problem.x2)) {
    throw Failure(fmt::format("--mean-over-std {} is more than {} can hold{}", problem.mean_over_std,
                              dtype_name(problem.dtype), problem.x2 ? "" : " in x1 alone"));
  }
  if (!fits_x1) {
    shift.x1_deviation = 0;
    shift.x2_deviation = deviation;
  }
  return shift;
}

std::vector<OutputTensor> tensors_of(const GeneratedProblem& problem) {
  const auto leading = problem.shape.end() - problem.normalized_dims;
  std::vector<std::int64_t> statistic(problem.shape.begin(), leading);
  statistic.resize(problem.shape.size(), 1);
  std::vector<OutputTensor> tensors{{"dy", problem.dtype, problem.shape},
                                    {"x1", problem.dtype, problem.shape},
                                    {"rstd", DType::float32, statistic},
                                    {"mean", DType::float32, statistic}};
  if (problem.x2) tensors.push_back({"x2", problem.dtype, problem.shape});
  if (problem.dsum) tensors.push_back({"dsum", problem.dtype, problem.shape});
  if (problem.gamma) tensors.push_back({"gamma", *problem.gamma, {leading, problem.shape.end()}});
  if (problem.beta) tensors.push_back({"beta", *problem.beta, {leading, problem.shape.end()}});
  return tensors;
}

// What `alng run`, `forward` or `verify` would take for a part of the new problem.
void refuse_leftovers(const std::filesystem::path& folder, const std::vector<OutputTensor>& tensors) {
  for (const std::string_view name : both(problem_tensors<Grad>, problem_tensors<Forward>)) {
    const std::filesystem::path file = folder / fmt::format("{}.npy", name);
    std::error_code error;
    if (std::ranges::find(tensors, name, &OutputTensor::name) != tensors.end() ||
        std::filesystem::symlink_status(file, error).type() == std::filesystem::file_type::not_found) {
      continue;
    }
    throw Failure(fmt::format("{} would be read with this problem, which has no {}: remove it or name another folder",
                              file.string(), name));
  }
}

}  // namespace

void generate(const GeneratedProblem& problem, const std::filesystem::path& path,
              const std::function<void(const GeneratedStatistics&)>& report) {
  const Shift shift = shift_of(problem);
  const std::vector<OutputTensor> tensors = tensors_of(problem);
  if (std::filesystem::is_directory(path)) refuse_leftovers(path, tensors);
  OutputFile file(path, tensors);

  std::int64_t rows = 1, columns = 1;
  const auto leading = static_cast<std::ptrdiff_t>(problem.shape.size()) - problem.normalized_dims;
  // The sizes of rstd and dy were judged by OutputFile; a dimension of 0 makes the rest irrelevant.
  for (const std::int64_t extent : std::span(tensors[2].shape)) rows *= extent;
  for (const std::int64_t extent : std::span(problem.shape).subspan(static_cast<std::size_t>(leading)))
    columns *= extent;

  const auto column = [&](std::string_view name) {
    const auto it = std::ranges::find(tensors, name, &OutputTensor::name);
    return std::optional<Column>(
        it == tensors.end()
            ? std::nullopt
            : std::optional<Column>(std::in_place, file, static_cast<std::size_t>(it - tensors.begin()), it->dtype));
  };
  auto dy = column("dy"), x1 = column("x1"), x2 = column("x2"), dsum = column("dsum");
  auto rstd = column("rstd"), mean = column("mean"), gamma = column("gamma"), beta = column("beta");
  // A generator for each tensor: leaving one out does not change the others.
  Normal dy_random(problem.seed, 0), x1_random(problem.seed, 1), x2_random(problem.seed, 2),
      dsum_random(problem.seed, 3), gamma_random(problem.seed, 4), beta_random(problem.seed, 5);
  for (std::int64_t j = 0; j < columns; ++j) {
    if (gamma) gamma->push(1 + 0.25 * gamma_random());
    if (beta) beta->push(0.25 * beta_random());
  }
  GeneratedStatistics statistics;
  Statistics row(columns);
  {
    Progress progress(fmt::format("making {}", path.string()), rows);
    for (std::int64_t i = 0; i < rows; ++i) {
      for (float& value : row.x()) {
        dy->push(dy_random());
        if (dsum) dsum->push(dsum_random());
        value = static_cast<float>(x1->push(shift.x1_mean + shift.x1_deviation * x1_random()));
        if (x2) value += static_cast<float>(x2->push(shift.x2_deviation * x2_random()));
      }
      row.compute();
      statistics.mean_over_std += mean->push(row.mean()) * rstd->push(row.rstd());
      progress.advance(1);
    }
    for (auto* each : {&dy, &x1, &x2, &dsum, &rstd, &mean, &gamma, &beta}) {
      if (*each) (*each)->flush();
    }
  }
  if (rows > 0) statistics.mean_over_std /= static_cast<double>(rows);
  file.finish();
  if (report) report(statistics);
  file.commit();
}

}  // namespace alng::cli
