/* Job plans from anywhere: refused with complaints, or one whose steps can be answered with anything. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "models/service/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void use(struct arena *arena, const struct job *job)
{
    static const char *const answers[] = {"null", "true", "-1.5", "\"yes\"", "{\"a\":[]}"};

    for (size_t i = 0; i < job->step_count; i++) {
        for (size_t k = 0; k < sizeof(answers) / sizeof(answers[0]); k++) {
            enum job_light light = JOB_OPEN;
            const struct cJSON *value;
            TEXT(why, 200);

            if (!json_parse(arena, answers[k], strlen(answers[k]), &value, NULL) &&
                job_judge(&job->steps[i], value, &light, &why) && why.length == 0) {
                abort();
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct complaints complaints = {.path = "p"};
    const struct job *job;
    enum err err;

    if (arena_open(32 << 20, &complaints.arena)) {
        return 0;
    }
    err = job_read(complaints.arena, (const char *)bytes, size, NULL, &complaints, &job);
    if (err == ERR_FORMAT && complaints.count == 0) {
        abort();
    }
    if (!err) {
        use(complaints.arena, job);
    }
    arena_close(complaints.arena);
    return 0;
}
