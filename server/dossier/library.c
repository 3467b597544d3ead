/* Papers of the equipment. */
#include "server/dossier/library.h"

#include <string.h>

#define HOLDER_MOST 200

/* Paper b holds for equipment e on the day ?2. */
#define HOLDS                                                                                                          \
    "(b.equipment IS NULL OR b.equipment = e.id) AND (b.site IS NULL OR b.site = e.site) AND (b.profile IS NULL OR b.profile" \
    " = e.profile) AND (b.from_day IS NULL OR b.from_day <= ?2) AND (b.to_day IS NULL OR b.to_day >= ?2)"
#define LAST "(SELECT MAX(x.id) FROM library_edition x WHERE x.library = b.id)"

/* ------------------------------------------------------------------ what there is */

static bool tells_of(struct arena *arena, const char *doc, const char *fault)
{
    const struct cJSON *row = NULL;

    if (!fault || json_parse(arena, doc, strlen(doc), &row, NULL)) {
        return false;
    }
    for (const struct cJSON *item = json_first(json_field(row, "faults")); item; item = json_next(item)) {
        if (text_same(json_as_text(item), fault)) {
            return true;
        }
    }
    return false;
}

static void put_instant(struct json_out *out, const struct zone *zone, const struct sql_rows *rows, int column)
{
    TEXT(words, 48);

    if (!sql_null(rows, column)) {
        zone_write(zone, sql_int(rows, column), &words);
    }
    json_text(out, "received_at", words.length ? words.at : NULL);
}

static void put_one(const struct sql_rows *rows, const struct zone *zone, bool is_public, bool fits, struct json_out *out)
{
    json_open_object(out);
    json_text(out, "document", sql_text(rows, 0));
    json_text(out, "kind", sql_text(rows, 1));
    json_key(out, "title");
    json_open_object(out);
    json_text(out, "en", sql_null(rows, 2) ? sql_text(rows, 0) : sql_text(rows, 2));
    json_text(out, "zh", sql_null(rows, 3) ? sql_text(rows, 0) : sql_text(rows, 3));
    json_close_object(out);
    json_text(out, "version", sql_text(rows, 4));
    json_text(out, "language", sql_text(rows, 5));
    json_text(out, "link", sql_text(rows, 6));
    json_bool(out, "file", sql_int(rows, 7) != 0);
    json_bool(out, "fits", fits);
    if (!is_public) {
        json_text(out, "audience", sql_text(rows, 8));
        json_text(out, "hash", sql_text(rows, 9));
        json_text(out, "holder", sql_text(rows, 10));
        json_text(out, "way", sql_text(rows, 11));
        put_instant(out, zone, rows, 12);
        json_text(out, "has", sql_text(rows, 13));
    }
    json_close_object(out);
}

enum err library_list(struct arena *arena, struct sql *sql, const struct zone *zone, int64_t equipment, int32_t day,
                      bool is_public, const char *fault, struct json_out *out)
{
    enum err err = ERR_OK;

    json_open_list(out);
    for (int pass = 0; !err && pass < (fault ? 2 : 1); pass++) { /* what tells of the fault comes first */
        struct sql_rows rows;

        sql_find(sql, &rows,
                 "SELECT b.name, b.kind, b.title_en, b.title_zh, b.version, b.language, b.link, CASE WHEN a.id IS NULL THEN 0"
                 " ELSE 1 END, b.audience, a.hash, r.holder, r.way, r.at_ms, (SELECT y.version FROM library_receipt q JOIN"
                 " library_edition y ON y.id = q.edition WHERE q.equipment = e.id AND y.library = b.id ORDER BY y.number DESC"
                 " LIMIT 1), b.doc FROM equipment e JOIN library b ON " HOLDS " LEFT JOIN attachment a ON a.name = b.file AND"
                 " a.state = 'whole' LEFT JOIN library_receipt r ON r.id = (SELECT MAX(q.id) FROM library_receipt q WHERE"
                 " q.edition = " LAST " AND q.equipment = e.id) WHERE e.id = ?1 AND (?3 = 0 OR b.audience <> 'technician')"
                 " ORDER BY b.kind, b.name LIMIT 500",
                 "iii", equipment, (int64_t)day, (int64_t)is_public);
        while (sql_next(&rows)) {
            bool fits = tells_of(arena, sql_text(&rows, 14), fault);

            if (!fault || fits == (pass == 0)) {
                put_one(&rows, zone, is_public, fits, out);
            }
        }
        err = sql_end(&rows);
    }
    json_close_list(out);
    return err ? err : out->err;
}

enum err library_view(struct sql *sql, const struct zone *zone, int64_t id, struct json_out *out)
{
    struct sql_rows rows;
    enum err err;

    json_open_object(out);
    sql_find(sql, &rows,
             "SELECT b.name, b.kind, b.title_en, b.title_zh, b.version, b.language, b.audience, b.profile, s.name, e.name,"
             " b.from_day, b.to_day, b.link, b.file, CASE WHEN a.id IS NULL THEN 0 ELSE 1 END, a.hash FROM library b LEFT JOIN"
             " site s ON s.id = b.site LEFT JOIN equipment e ON e.id = b.equipment LEFT JOIN attachment a ON a.name = b.file"
             " AND a.state = 'whole' WHERE b.id = ?1",
             "i", id);
    err = show_row(out, zone, &rows,
                   "tdocument tkind 2title tversion tlanguage taudience tprofile tsite tequipment dfrom dto tlink tfile"
                   " bavailable thash");
    if (!err) {
        sql_find(sql, &rows,
                 "SELECT y.version, y.at_ms, y.link, y.file, (SELECT COUNT(*) FROM library_receipt r WHERE r.edition = y.id)"
                 " FROM library_edition y WHERE y.library = ?1 ORDER BY y.number DESC LIMIT 100",
                 "i", id);
        err = show_list(out, "editions", zone, &rows, "tversion mat tlink tfile ireceipts");
    }
    json_close_object(out);
    return err;
}

bool library_file(struct sql *sql, int64_t equipment, const char *name, int32_t day, char ret_name[65])
{
    struct sql_rows rows;
    bool found;

    sql_find(sql, &rows,
             "SELECT b.file FROM equipment e JOIN library b ON " HOLDS " JOIN attachment a ON a.name = b.file AND a.state ="
             " 'whole' WHERE e.id = ?1 AND b.name = ?3 AND b.audience <> 'technician'",
             "iit", equipment, (int64_t)day, name);
    found = sql_next(&rows) && !text_copy(ret_name, 65, sql_text(&rows, 0));
    return !sql_end(&rows) && found;
}

/* ------------------------------------------------------------------ what is missing */

/* NULL: it has the last version of a paper of that kind. */
static const char *why_missing(struct sql *sql, int64_t equipment, int32_t day, const char *kind)
{
    if (sql_find_int(sql, 0,
                     "SELECT 1 FROM equipment e JOIN library b ON " HOLDS " JOIN library_receipt r ON r.edition = " LAST
                     " AND r.equipment = e.id WHERE e.id = ?1 AND b.kind = ?3 LIMIT 1",
                     "iit", equipment, (int64_t)day, kind)) {
        return NULL;
    }
    if (sql_find_int(sql, 0,
                     "SELECT 1 FROM equipment e JOIN library b ON " HOLDS " JOIN library_edition y ON y.library = b.id JOIN"
                     " library_receipt r ON r.edition = y.id AND r.equipment = e.id WHERE e.id = ?1 AND b.kind = ?3 LIMIT 1",
                     "iit", equipment, (int64_t)day, kind)) {
        return "superseded";
    }
    return sql_find_int(sql, 0, "SELECT 1 FROM equipment e JOIN library b ON " HOLDS " WHERE e.id = ?1 AND b.kind = ?3 LIMIT 1",
                        "iit", equipment, (int64_t)day, kind)
               ? "not_handed_over"
               : "none";
}

enum err library_missing(struct sql *sql, const struct plan *plan, int64_t equipment, int32_t day, struct json_out *out,
                         int *ret_count, struct text *to)
{
    int count = 0;

    if (out) {
        json_open_list(out);
    }
    for (const char *const *kind = plan ? plan->files.documents : NULL; kind && *kind; kind++) {
        const char *why = why_missing(sql, equipment, day, *kind);

        if (!why) {
            continue;
        }
        if (to) {
            text_addf(to, "%s%s (%s)", count ? ", " : "", *kind, why);
        }
        if (out) {
            json_open_object(out);
            json_text(out, "kind", *kind);
            json_text(out, "why", why);
            json_close_object(out);
        }
        count++;
    }
    if (out) {
        json_close_list(out);
    }
    if (ret_count) {
        *ret_count = count;
    }
    return out ? out->err : ERR_OK;
}

/* ------------------------------------------------------------------ handed over */

enum err library_receipt(struct sql *sql, int64_t equipment, const struct action *action, int64_t now_ms, struct text *why)
{
    static const char *const ways[] = {"paper", "mail", "page", "link", "training", NULL};
    const char *document = json_text_or(action->body, "document", ""), *version = json_text_or(action->body, "version", NULL);
    const char *holder = json_text_or(action->body, "holder", ""), *way = json_text_or(action->body, "way", "");
    int64_t edition;
    int i = 0;

    while (ways[i] && !text_same(ways[i], way)) {
        i++;
    }
    if (!ways[i]) {
        return text_say(why, ERR_FORMAT, "way: expected paper, mail, page, link or training, found '%.40s'", way);
    }
    if (!holder[0] || strlen(holder) > HOLDER_MOST) {
        return text_say(why, ERR_FORMAT, "holder: expected who has received it, at most %d bytes", HOLDER_MOST);
    }
    edition = sql_find_int(sql, 0,
                           "SELECT y.id FROM library b JOIN library_edition y ON y.library = b.id WHERE b.name = ?1 AND"
                           " y.version = COALESCE(?2, b.version) ORDER BY y.number DESC LIMIT 1",
                           "tt", document, version);
    if (!edition) {
        return text_say(why, ERR_FORMAT, "document: expected one of the register%s, found '%.64s'",
                        version ? " in that version" : "", document);
    }
    if (!sql_find_int(sql, 0,
                      "SELECT 1 FROM equipment e JOIN library b ON (b.equipment IS NULL OR b.equipment = e.id) AND (b.site IS"
                      " NULL OR b.site = e.site) AND (b.profile IS NULL OR b.profile = e.profile) WHERE e.id = ?1 AND b.name ="
                      " ?2",
                      "it", equipment, document)) {
        return text_say(why, ERR_FORMAT, "document: '%.64s' does not belong to this equipment", document);
    }
    return sql_run(sql,
                   "INSERT INTO library_receipt (edition, equipment, holder, way, at_ms, who, action_id) VALUES (?1, ?2, ?3, ?4,"
                   " ?5, ?6, ?7) ON CONFLICT DO NOTHING",
                   "iittitt", edition, equipment, holder, way, action->at_ms ? action->at_ms : now_ms, action->who,
                   action->action_id);
}
