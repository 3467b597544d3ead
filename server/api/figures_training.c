/* Trainings, certificates and tools. */
#include "server/api/figures.h"

static const struct figure list[] = {
    {"training", "trained in time after acceptance", "share",
     "acceptances whose training was due in the span and held by then / acceptances whose training was due or held in the span"
     " (S0-69; one that the customer moved counts by the day that was agreed)",
     true,
     SPAN "SELECT '', e.name, e.name, CASE WHEN k.met_ms IS NULL THEN 'not held' ELSE 'held' END, COALESCE(k.met_ms,"
          " k.breached_ms), CASE WHEN k.met_ms IS NOT NULL AND k.breached_ms IS NULL THEN 1 ELSE 0 END, 1 FROM clock k JOIN"
          " equipment e ON e.id = k.subject_id, span WHERE k.subject = 'equipment' AND k.kind = 'training' AND k.cancelled_ms IS"
          " NULL AND COALESCE(k.met_ms, k.breached_ms) >= a AND COALESCE(k.met_ms, k.breached_ms) < b ORDER BY 5, k.id"},
    {"training", "training hours", "h", "hours of those who were there, of trainings held in the span, by kind of course (S1-57, S1-58)",
     false,
     SPAN "SELECT t.kind, t.number, NULL, x.name, t.held_ms, CAST(COALESCE(x.minutes, 0) AS DOUBLE PRECISION) / 60, 1 FROM training"
          " t JOIN trainee x ON x.training = t.id, span WHERE x.present = 1 AND t.held_ms >= a AND t.held_ms < b ORDER BY 1, 5,"
          " x.id"},
    {"training", "sites with somebody trained", "share",
     "sites with equipment where somebody has a valid certificate of a course / sites with equipment (S0-27)", true,
     SPAN "SELECT '', s.name, NULL, CASE WHEN x.site IS NULL THEN 'nobody' ELSE 'trained' END, n, CASE WHEN x.site IS NULL THEN 0"
          " ELSE 1 END, 1 FROM site s LEFT JOIN (SELECT DISTINCT k.site FROM course_taken k, span WHERE k.revoked_ms IS NULL AND"
          " (k.valid_day IS NULL OR k.valid_day >= d)) x ON x.site = s.id, span WHERE EXISTS (SELECT 1 FROM equipment e WHERE"
          " e.site = s.id) ORDER BY s.name"},
    {"training", "technicians examined", "share",
     "technicians who passed a course in the span, or whose last one is still valid / technicians of a team (S1-36)", true,
     SPAN "SELECT '', h.name, NULL, CASE WHEN x.technician IS NULL THEN 'none' ELSE 'passed' END, n, CASE WHEN x.technician IS NULL"
          " THEN 0 ELSE 1 END, 1 FROM technician h LEFT JOIN (SELECT DISTINCT k.technician FROM course_taken k, span WHERE"
          " k.revoked_ms IS NULL AND k.technician IS NOT NULL AND (k.valid_day >= d OR (k.day >= c AND k.day <= d))) x ON"
          " x.technician = h.id, span WHERE h.team IS NOT NULL ORDER BY h.name"},
    {"training", "pass rate", "share", "exams passed / exams taken, of the span, by course", true,
     SPAN "SELECT t.course, t.number, NULL, x.name, x.examined_ms, CASE x.result WHEN 'passed' THEN 1 ELSE 0 END, 1 FROM trainee x"
          " JOIN training t ON t.id = x.training, span WHERE x.examined_ms >= a AND x.examined_ms < b ORDER BY 1, 5, x.id"},
    {"training", "invitations accepted", "share", "invitations accepted / invitations sent in the span, by kind of course (S0-18)", true,
     SPAN "SELECT t.kind, t.number, NULL, x.name, x.invited_ms, CASE WHEN x.answer = 'accepted' THEN 1 ELSE 0 END, 1 FROM trainee x"
          " JOIN training t ON t.id = x.training, span WHERE x.invited_ms >= a AND x.invited_ms < b ORDER BY 1, 5, x.id"},
    {"training", "lapsed certificates", "certificates",
     "certificates of courses that ended in the span and that nobody has renewed by now, by type", false,
     SPAN "SELECT COALESCE(k.type, k.course), k.name, NULL, k.holder, k.valid_day * 86400000, 1, 1 FROM course_taken k, span WHERE"
          " k.revoked_ms IS NULL AND k.valid_day >= c AND k.valid_day <= d AND k.valid_day < n / 86400000 AND NOT EXISTS (SELECT 1"
          " FROM course_taken o WHERE o.course = k.course AND o.holder = k.holder AND o.revoked_ms IS NULL AND (o.valid_day IS NULL"
          " OR o.valid_day > k.valid_day)) ORDER BY 1, 5, k.id"},
    {"training", "tools overdue", "tools", "tools in use whose calibration or service is overdue now (S1-38)", false,
     SPAN "SELECT t.class, t.name, NULL, CASE WHEN t.valid_day < n / 86400000 THEN 'calibration' ELSE 'service' END, CASE WHEN"
          " t.valid_day < n / 86400000 THEN t.valid_day ELSE t.service_day END * 86400000, 1, 1 FROM tool t, span WHERE t.state IN"
          " ('ready', 'repair', 'suspect') AND (t.valid_day < n / 86400000 OR t.service_day < n / 86400000) ORDER BY 1, t.name"},
    {"training", "operator faults", "tickets",
     "tickets registered in the span whose responsible party is the customer, by site: what training shall lower (S0-72, S0-82)",
     false,
     SPAN "SELECT COALESCE(s.name, 'no site'), t.number, e.name, t.fault, t.registered_ms, 1, 1 FROM ticket t LEFT JOIN site s ON"
          " s.id = t.site LEFT JOIN equipment e ON e.id = t.equipment, span WHERE t.registered_ms >= a AND t.registered_ms < b AND"
          " (SELECT x.value FROM ticket_class x WHERE x.ticket = t.id AND x.field = 'responsible_party' ORDER BY x.id DESC LIMIT 1) ="
          " 'customer' ORDER BY 1, 5, t.id"},
};

const struct figures figures_training = {list, sizeof(list) / sizeof(list[0])};
