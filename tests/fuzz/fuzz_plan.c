/* Plans from anywhere: refused with complaints, or one whose visits and warranties can be asked for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "models/service/visit.h"
#include "models/service/warranty.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void use(const struct plan *plan)
{
    const struct warranty_dates dates = {20000, 20001, 20002, 20003, 20004, 20005};
    int32_t day = 19000;

    for (size_t i = 0; i < plan->class_count; i++) {
        (void)warranty_judge(plan, &dates, plan->classes[i].component, "hardware", 20100);
    }
    for (int64_t n = 1; plan->visits_per_year > 0 && n < 40; n++) {
        struct visit visit = visit_occurrence(plan, 19000, n);

        if (visit.due_on < day || visit.due_on < visit.window_start || visit.due_on > visit.window_end) {
            abort();
        }
        day = visit.due_on;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct complaints complaints = {.path = "p"};
    const struct plan *plan;
    enum err err;

    if (arena_open(32 << 20, &complaints.arena)) {
        return 0;
    }
    err = plan_read(complaints.arena, (const char *)bytes, size, &complaints, &plan);
    if (err == ERR_FORMAT && complaints.count == 0) {
        abort();
    }
    if (!err) {
        use(plan);
    }
    arena_close(complaints.arena);
    return 0;
}
