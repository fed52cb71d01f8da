/* SPDX-License-Identifier: MIT
 *
 * The exit codes of the command (exit.def): EXIT_OK, EXIT_USAGE and so on.
 */
#pragma once

enum exit_code {
#define EXIT_CODE(id, number, meaning) EXIT_##id = number,
#include "tools/base/exit.def"
#undef EXIT_CODE
};
