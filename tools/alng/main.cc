#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>
#include <system_error>

#include "alng/alng.hpp"
#include "commands/commands.h"
#include "files/unfinished_file.h"
#include "terminal/report.h"

namespace {

// Prints the sentence to stderr as one line. Allocates nothing; a closed stderr is ignored.
int fail(std::string_view sentence) noexcept {
  std::signal(SIGPIPE, SIG_IGN);
  char line[8192] = "alng: ";
  std::size_t size = std::strlen(line);
  for (const char c : sentence.substr(0, sizeof line - size - 1)) {
    line[size++] = static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  line[size++] = '\n';
  for (std::size_t written = 0; written < size;) {
    const ssize_t count = ::write(STDERR_FILENO, line + written, size - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    written += static_cast<std::size_t>(count);
  }
  return 2;
}

int fail(const std::exception& error) noexcept {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return fail("out of memory");
  return fail(error.what());
}

// Where an exception can't be caught: out of memory before main, or in a destructor.
[[noreturn]] void end() noexcept {
  alng::cli::discard_unfinished_files();
  try {
    if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::exception& error) {
    fail(error);
    std::_Exit(2);
  } catch (...) {
  }
  fail("ended by an unknown error");
  std::_Exit(2);
}

// Priority 101: before the other constructors.
[[gnu::constructor(101)]] void prepare() { std::set_terminate(end); }

// A closed stdout or stderr must not become the number of a file that is opened later. Writing to this says "closed".
void occupy_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) < 0) static_cast<void>(::open("/", O_PATH));
  }
}

// An argument that is there but empty comes from an unset variable of a script.
std::string refuse_empty(const std::string& value) { return value.empty() ? "the value is empty" : ""; }

int run(int argc, char** argv) {
  CLI::App app("LayerNorm(x1 + x2): the forward (AddLayerNorm) and its gradient (AddLayerNormGrad).", "alng");
  app.set_version_flag("--version", std::string("alng ") + alng::version());
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0: done; 1: verify found errors beyond the bounds; 2: bad input, bad usage, a file that can't be "
      "read "
      "or written, or a report that can't be printed (one sentence on stderr; no output file, older ones as they "
      "were).");
  int exit_code = 0;
  alng::cli::add_run(app, exit_code);
  alng::cli::add_forward(app, exit_code);
  alng::cli::add_verify(app, exit_code);
  alng::cli::add_make(app, exit_code);
  alng::cli::add_explain(app, exit_code);
  alng::cli::add_info(app, exit_code);
  alng::cli::add_bench(app, exit_code);
  for (CLI::App* const command : app.get_subcommands(nullptr)) {
    for (CLI::Option* const option : command->get_options()) option->check(refuse_empty);
  }
  constexpr const char* commands = "run, forward, verify, make, explain, info, bench";
  if (argc < 2) return fail(fmt::format("a command is expected: {} (alng --help says more)", commands));
  if (argv[1][0] != '-' &&
      app.get_subcommands([&](const CLI::App* command) { return command->check_name(argv[1]); }).empty()) {
    return fail(fmt::format("there is no command {}: {} are expected (alng --help says more)", argv[1], commands));
  }
  if (const std::string first = argv[1]; first[0] == '-' && app.get_option_no_throw(first) == nullptr) {
    return fail(fmt::format("there is no option {} of alng itself: a command comes first: {} (alng --help says more)",
                            first, commands));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return fail(fmt::format("{} (alng --help, or alng COMMAND --help)", error.what()));
    app.exit(error);  // --help, --version
  }
  // Fails here at the latest if stdout is a file on a full disk.
  alng::cli::finish_report();
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_descriptors();
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit then fails with a reason
  try {
    return run(argc, argv);
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) == 0) return fail(error);
    char sentence[256];
    std::snprintf(sentence, sizeof sentence, "can't write stdout: %s", std::strerror(error.code().value()));
    return fail(sentence);
  } catch (const std::exception& error) {
    return fail(error);
  }
}
