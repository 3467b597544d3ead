/* Parts, racks and vouchers as the API shows them. Run on any connection. */
#pragma once

#include "models/base/json.h"
#include "models/base/zone.h"
#include "server/store/sql.h"

/* Each writes one object. ERR_NOT_FOUND. */
enum err voucher_view(struct sql *sql, int64_t voucher, const struct zone *zone, struct json_out *out) MUST_CHECK;
enum err part_view(struct sql *sql, int64_t part, struct json_out *out) MUST_CHECK;
enum err rack_view(struct sql *sql, int64_t rack, struct json_out *out) MUST_CHECK;
enum err move_view(struct sql *sql, int64_t move, const struct zone *zone, struct json_out *out) MUST_CHECK;
enum err depot_view(struct sql *sql, int64_t depot, struct json_out *out) MUST_CHECK;
