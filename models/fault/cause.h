/* The causes that a rule names, as tickets and findings show them. */
#pragma once

#include "models/base/json.h"
#include "models/profile/profile.h"

/* [{"cause","odds","skill","parts":[…],"tools":[…]}, …], the most likely first; [] without a rule. */
void cause_put(struct json_out *out, const struct fault_rule *rule);
