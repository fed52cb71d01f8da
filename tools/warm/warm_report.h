/* SPDX-License-Identifier: MIT
 *
 * warm: what was done, on stdout: a line for people, or JSON.
 */
#pragma once

#include "tools/warm/warm.h"

void warm_report(const struct warm *warm, bool json);
