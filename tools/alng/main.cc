#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "alng/alng.hpp"
#include "commands.h"

namespace {

// The sentence goes to stderr on one line, whatever it quotes.
int fail(std::string sentence) {
  for (char& c : sentence) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  fmt::print(stderr, "alng: {}\n", sentence);
  return 2;
}

int run(int argc, char** argv) {
  CLI::App app("AddLayerNormGrad: the backward pass of LayerNorm(x1 + x2).", "alng");
  app.set_version_flag("--version", std::string("alng ") + alng::version());
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0: done; 1: verify found errors beyond the bounds; 2: bad input, bad usage, or a file that can't be "
      "read "
      "or written (one sentence on stderr, no output file).");
  int exit_code = 0;
  alng::cli::add_run(app, exit_code);
  alng::cli::add_verify(app, exit_code);
  alng::cli::add_make(app, exit_code);
  alng::cli::add_explain(app, exit_code);
  alng::cli::add_info(app, exit_code);
  alng::cli::add_bench(app, exit_code);
  alng::cli::add_graph(app, exit_code);
  constexpr const char* commands = "run, verify, make, explain, info, bench, graph";
  if (argc < 2) return fail(fmt::format("a command is expected: {} (alng --help says more)", commands));
  if (argv[1][0] != '-' &&
      app.get_subcommands([&](const CLI::App* command) { return command->check_name(argv[1]); }).empty()) {
    return fail(fmt::format("there is no command {}: {} are expected (alng --help says more)", argv[1], commands));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return fail(fmt::format("{} (alng --help, or alng COMMAND --help)", error.what()));
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code;
  try {
    exit_code = run(argc, argv);
  } catch (const std::bad_alloc&) {
    exit_code = fail("out of memory");
  } catch (const std::exception& error) {
    exit_code = fail(error.what());
  }
  // A full disk behind a redirected stdout shows at the latest here.
  if (std::fflush(stdout) != 0 && exit_code == 0)
    exit_code = fail(fmt::format("can't write stdout: {}", std::strerror(errno)));
  return exit_code;
}
