/* What sla.c and sla_ledger.c share. */
#pragma once

#include "models/service/sla.h"

#define SLA_PAUSES_MOST 256

/* s m h, whose length is the same everywhere. */
bool sla_is_exact(struct duration limit, int64_t *ret_ms);
/* true when all (working) time of the day was paused, and there was some. */
bool sla_day_is_paused(const struct sla_facts *facts, int32_t day, bool working);
/* The end of a civil period that started then, with days added. */
int64_t sla_civil_end(const struct workdays *workdays, struct duration limit, int64_t started_ms,
                      int32_t extra_days);
/* The pauses as they are known at now_ms; an open one ends then. */
size_t sla_close_pauses(const struct sla_facts *facts, int64_t now_ms, struct sla_pause *to, size_t most,
                        bool *ret_open);
