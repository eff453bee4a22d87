// The commands of the tool. Each function adds one subcommand, options, help and all, to the application.
//
// A command reports what stops it by throwing `Failure` and leaves `exit_code` alone unless it has something to say
// (verify: 1 for errors beyond the bounds).
#ifndef ALNG_TOOLS_COMMANDS_H
#define ALNG_TOOLS_COMMANDS_H

#include "terminal/failure.h"

namespace CLI {
class App;
}

namespace alng::cli {

void add_run(CLI::App& app, int& exit_code);
void add_forward(CLI::App& app, int& exit_code);
void add_verify(CLI::App& app, int& exit_code);
void add_make(CLI::App& app, int& exit_code);
void add_explain(CLI::App& app, int& exit_code);
void add_info(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);

}  // namespace alng::cli

#endif
