/* SPDX-License-Identifier: MIT */
#include "tools/explain/explanation.h"

#include <stdlib.h>

void explanation_release(struct explanation *explanation)
{
	findings_release(&explanation->steps);
	free(explanation->pyc);
	free(explanation->entry);
	*explanation = (struct explanation){ .verdict = VERDICT_NONE };
}
