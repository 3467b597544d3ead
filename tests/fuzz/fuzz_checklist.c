/* Checklists and certificates from anywhere: refused with complaints, or one whose lines judge any number. */
#include <stdint.h>
#include <stdlib.h>

#include "models/base/certificate.h"
#include "models/inspection/checklist.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void use(const struct checklist *checklist)
{
    for (size_t i = 0; i < checklist->line_count; i++) {
        const struct check_line *line = &checklist->lines[i];
        const struct check_value value = {true, line->least, line->samples};

        if (check_judge(line, &value) != CHECK_PASS || line->least > line->most || !line->title.en || line->look >= LOOKS) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct complaints complaints = {.path = "c"};
    const struct checklist *checklist;
    int64_t from_ms, until_ms;
    enum err err;

    (void)!certificate_span((const char *)bytes, size, &from_ms, &until_ms);
    if (arena_open(32 << 20, &complaints.arena)) {
        return 0;
    }
    err = checklist_read(complaints.arena, (const char *)bytes, size, &complaints, &checklist);
    if (err == ERR_FORMAT && complaints.count == 0) {
        abort();
    }
    if (!err) {
        use(checklist);
    }
    arena_close(complaints.arena);
    return 0;
}
