/* Lines of an inspection. */
#include "models/profile/inspection.h"

void inspection_put(const struct inspection_line *line, struct expr_value value,
                    struct json_out *out)
{
    const char *light = "amber";

    if (value.known) {
        bool green = line->has_green && value.number >= line->green_least &&
                     value.number <= line->green_most;
        bool amber = line->has_amber && value.number >= line->amber_least &&
                     value.number <= line->amber_most;

        light = green ? "green" : amber ? "amber" : "red";
    }
    json_open_object(out);
    json_text(out, "id", line->id);
    json_key(out, "title");
    json_open_object(out);
    json_text(out, "en", line->title.en);
    json_text(out, "zh", line->title.zh);
    json_close_object(out);
    json_key(out, "reading");
    if (value.known) {
        json_put_number(out, value.number);
    } else {
        json_put_null(out);
    }
    json_key(out, "limit");
    json_open_list(out);
    json_put_number(out, line->green_least);
    json_put_number(out, line->green_most);
    json_close_list(out);
    json_text(out, "light", light);
    json_close_object(out);
}
