/* Clocks and tickets. */
#include "server/api/figures.h"

#define TICKET_CLOCKS                                                                              \
    " FROM clock k JOIN ticket t ON t.id = k.ticket LEFT JOIN equipment e ON e.id = t.equipment, "  \
    "span "

/* When a clock that was missed was over. */
#define OVER_AT "COALESCE(k.met_ms, t.closed_ms, n)"

static const struct figure list[] = {
    {"service-levels", "attainment", "share",
     "clocks met in time / clocks met or missed in the span, by kind; given-up ones do not count", true,
     SPAN "SELECT k.kind || " BY ", t.number, e.name, k.limit_text, COALESCE(k.breached_ms, k.met_ms),"
          " CASE WHEN k.breached_ms IS NULL THEN 1 ELSE 0 END, 1" TICKET_CLOCKS
          "WHERE k.cancelled_ms IS NULL AND COALESCE(k.breached_ms, k.met_ms) >= a AND"
          " COALESCE(k.breached_ms, k.met_ms) < b ORDER BY 1, 5"},
    {"service-levels", "mean time until met", "min",
     "sum of (met - started) / clocks met in the span, by kind; pauses included", true,
     SPAN "SELECT k.kind || " BY ", t.number, e.name, k.limit_text, k.met_ms, (k.met_ms - k.started_ms) /"
          " 60000.0, 1" TICKET_CLOCKS "WHERE k.met_ms >= a AND k.met_ms < b ORDER BY 1, 5"},
    {"service-levels", "told by the equipment first", "share",
     "fault tickets that the equipment opened / fault tickets registered in the span; the others were"
     " reported by somebody before",
     true,
     SPAN "SELECT SUBSTR(" BY ", 3), t.number, e.name, t.fault, t.registered_ms, CASE WHEN (SELECT"
          " v.who FROM ticket_event v WHERE v.ticket = t.id ORDER BY v.id LIMIT 1) = 'heliograph' THEN 1"
          " ELSE 0 END, 1 FROM"
          " ticket t LEFT JOIN equipment e ON e.id = t.equipment, span WHERE t.kind = 'fault' AND"
          " t.registered_ms >= a AND t.registered_ms < b ORDER BY 1, 5"},
    {"tickets", "tickets registered", "tickets", "count of tickets registered in the span, by kind", false,
     SPAN "SELECT t.kind, t.number, e.name, t.fault, t.registered_ms, 1, 1 FROM ticket t LEFT JOIN"
          " equipment e ON e.id = t.equipment, span WHERE t.registered_ms >= a AND t.registered_ms < b"
          " ORDER BY 1, 5"},
    {"tickets", "tickets closed", "tickets", "count of tickets closed in the span, by kind", false,
     SPAN "SELECT t.kind, t.number, e.name, t.fault, t.closed_ms, 1, 1 FROM ticket t LEFT JOIN"
          " equipment e ON e.id = t.equipment, span WHERE t.closed_ms >= a AND t.closed_ms < b ORDER BY"
          " 1, 5"},
    {"tickets", "clocks breached", "clocks", "count of clocks whose due time passed in the span, by kind",
     false,
     SPAN "SELECT k.kind, t.number, e.name, k.limit_text, k.breached_ms, 1, 1" TICKET_CLOCKS
          "WHERE k.breached_ms >= a AND k.breached_ms < b ORDER BY 1, 5"},
    /* S1-61 S2-43: the breach register */
    {"breaches", "time over the promise", "h",
     "sum of (met, closed or now - due) / clocks whose due time passed in the span, by kind", true,
     SPAN "SELECT k.kind || " BY ", t.number, e.name, k.limit_text, k.breached_ms, (" OVER_AT " - k.breached_ms) /"
          " 3600000.0, 1" TICKET_CLOCKS "WHERE k.breached_ms >= a AND k.breached_ms < b ORDER BY 1, 5"},
    {"breaches", "exempt time", "h",
     "sum of the time that the ticket was paused while the clock ran, over clocks whose due time passed in the span, by"
     " reason",
     false,
     SPAN "SELECT p.reason || " BY ", t.number, e.name, k.kind, k.breached_ms, MAX(0, MIN(COALESCE(p.to_ms, n), " OVER_AT
          ") - MAX(p.from_ms, k.started_ms)) / 3600000.0, 1 FROM clock k JOIN ticket t ON t.id = k.ticket JOIN pause p ON"
          " p.ticket = t.id LEFT JOIN equipment e ON e.id = t.equipment, span WHERE k.breached_ms >= a AND k.breached_ms <"
          " b AND p.from_ms < " OVER_AT " ORDER BY 1, 5"},
    {"breaches", "complaints over the promise", "h",
     "sum of (met, closed or now - due) / clocks of complaints and feedback whose due time passed in the span, by kind", true,
     SPAN "SELECT k.kind, c.number, e.name, k.limit_text, k.breached_ms, (COALESCE(k.met_ms, c.closed_ms, n) - k.breached_ms) /"
          " 3600000.0, 1 FROM clock k CROSS JOIN complaint c LEFT JOIN equipment e ON e.id = c.equipment, span WHERE c.id ="
          " k.subject_id AND k.subject = 'complaint' AND k.breached_ms >= a AND k.breached_ms < b ORDER BY 1, 5"},
};

const struct figures figures_service = {list, sizeof(list) / sizeof(list[0])};
