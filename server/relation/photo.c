/* A customer's picture of the trouble. */
#include "server/relation/photo.h"

#include "server/field/attachment.h"

enum err customer_photo(struct office *office, struct sql *sql, int64_t id, const char *title, const void *bytes, size_t size,
                        int64_t now_ms, char ret_id[65], struct text *why)
{
    struct attachment_new what = {.title = title, .who = "customer", .ticket = id, .at_ms = now_ms, .now_ms = now_ms};
    struct ticket ticket;
    TEXT(step, 120);
    enum err err = ticket_load(office, sql, id, &ticket);

    if (err) {
        return err;
    }
    if (ticket.closed_ms) {
        return text_say(why, ERR_STATE, "the ticket is closed. Legal: object, or a new report");
    }
    if (sql_find_int(sql, 0, "SELECT COUNT(*) FROM attachment WHERE ticket = ?1 AND who = 'customer'", "i", id) >=
        office->options.photos) {
        return text_say(why, ERR_STATE, "there are %lld files of the customer already. Legal: none more",
                        (long long)office->options.photos);
    }
    err = attachment_whole(office, sql, &what, bytes, size, ret_id, why);
    if (!err) {
        err = ticket_line(sql, id, now_ms, now_ms, "customer", "photo", ret_id, title, NULL);
    }
    if (!err) {
        text_addf(&step, "action.photo.%s", ret_id);
        err = ticket_tell(office, sql, &ticket, step.at, "the customer sent a picture", now_ms);
    }
    return err ? err : ticket_changed(sql, id, now_ms);
}
