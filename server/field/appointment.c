/* Reading an appointment. */
#include "server/field/appointment.h"

#include "models/base/civil.h"

enum err appointment_read(const struct cJSON *body, struct appointment *ret_appointment, struct text *why)
{
    const struct cJSON *said = json_field(body, "appointment");
    struct appointment made = {.agreed_by = json_text_or(body, "agreed_by", NULL)};

    if (said) {
        if (civil_read_instant(json_text_or(said, "from", ""), &made.from_ms) ||
            civil_read_instant(json_text_or(said, "to", ""), &made.to_ms) || made.to_ms < made.from_ms) {
            return text_say(why, ERR_FORMAT, "appointment needs from and to as RFC 3339 times, from before to");
        }
        made.agreed_by = json_text_or(said, "agreed_by", made.agreed_by);
    }
    *ret_appointment = made;
    return ERR_OK;
}
