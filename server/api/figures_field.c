/* Work in the field, visits and spares. */
#include "server/api/figures.h"

static const struct figure list[] = {
    {"visits", "visits due", "visits", "count of visits with due_on in the span, by state", false,
     SPAN "SELECT v.state, w.number, e.name, v.reason, v.due_day * 86400000, 1, 1 FROM visit v JOIN"
          " equipment e ON e.id = v.equipment LEFT JOIN work_order w ON w.visit = v.id AND w.state <>"
          " 'cancelled', span WHERE v.due_day BETWEEN c AND d ORDER BY 1, 5, v.id"},
    {"visits", "visits done", "share", "visits done / visits with due_on in the span", true,
     SPAN "SELECT '', w.number, e.name, v.state, v.due_day * 86400000, CASE WHEN v.state ="
          " 'done' THEN 1 ELSE 0 END, 1 FROM visit v"
          " JOIN equipment e ON e.id = v.equipment LEFT JOIN work_order w ON w.visit = v.id AND w.state"
          " <> 'cancelled', span WHERE v.due_day BETWEEN c AND d ORDER BY 5, v.id"},
    {"visits", "visits made in their window", "share",
     "visits made between the first and the last day of their window / visits made, with due_on in the span (S0-61)", true,
     SPAN "SELECT '', w.number, e.name, CASE WHEN v.done_day < v.window_start_day THEN 'early' WHEN v.done_day >"
          " v.window_end_day THEN 'late' ELSE 'in window' END, v.done_ms, CASE WHEN v.done_day BETWEEN v.window_start_day AND"
          " v.window_end_day THEN 1 ELSE 0 END, 1 FROM visit v JOIN equipment e ON e.id = v.equipment LEFT JOIN work_order w"
          " ON w.visit = v.id AND w.state <> 'cancelled', span WHERE v.state = 'done' AND v.due_day BETWEEN c AND d ORDER BY"
          " 5, v.id"},
    {"visits", "early, in window, late, overdue", "visits",
     "count of visits with due_on in the span, by when they were made; overdue: not made, and their window has ended", false,
     SPAN "SELECT x.at, x.number, x.name, x.words, x.ms, 1, 1 FROM (SELECT CASE WHEN v.done_day < v.window_start_day THEN"
          " 'early' WHEN v.done_day > v.window_end_day THEN 'late' WHEN v.done_day IS NOT NULL THEN 'in window' ELSE 'overdue'"
          " END AS at, w.number AS number, e.name AS name, COALESCE(v.pull_why, v.reason, v.state) AS words, COALESCE(v.done_ms,"
          " v.window_end_day * 86400000) AS ms, v.id AS id FROM visit v JOIN equipment e ON e.id = v.equipment LEFT JOIN"
          " work_order w ON w.visit = v.id AND w.state <> 'cancelled', span WHERE v.due_day BETWEEN c AND d AND (v.state = 'done'"
          " OR (v.state IN ('planned', 'released', 'attached') AND v.window_end_day < n / 86400000))) x ORDER BY 1, 5, x.id"},
    {"visits", "visits skipped", "visits", "count of skipped visits with due_on in the span, by code", false,
     SPAN "SELECT COALESCE(v.code, 'other'), NULL, e.name, v.reason, v.due_day * 86400000, 1, 1 FROM visit v JOIN equipment e"
          " ON e.id = v.equipment, span WHERE v.state = 'skipped' AND v.due_day BETWEEN c AND d ORDER BY 1, 5, v.id"},
    {"visits", "days from the due day", "d", "sum of (day made - due_on) / visits made with due_on in the span", true,
     SPAN "SELECT '', w.number, e.name, v.state, v.done_ms, v.done_day - v.due_day, 1 FROM visit v JOIN equipment e ON e.id ="
          " v.equipment LEFT JOIN work_order w ON w.visit = v.id AND w.state <> 'cancelled', span WHERE v.state = 'done' AND"
          " v.due_day BETWEEN c AND d ORDER BY 5, v.id"},
    {"visits", "used of entitled", "share",
     "visits made in the contract year that holds the last day of the span / visits that it has (items.visits.per_year), by"
     " contract",
     true,
     SPAN "SELECT COALESCE(k.name, 'no contract'), NULL, e.name, CAST(SUM(CASE WHEN v.state = 'done' THEN 1 ELSE 0 END) AS"
          " TEXT) || ' of ' || CAST(MAX(v.entitled) AS TEXT), v.year_day * 86400000, SUM(CASE WHEN v.state = 'done' THEN 1 ELSE"
          " 0 END), MAX(v.entitled) FROM visit v JOIN equipment e ON e.id = v.equipment LEFT JOIN contract k ON k.id ="
          " v.contract, span WHERE v.year_day <= d AND v.year_day > d - 366 AND v.due_day >= d - 400 AND v.due_day < d + 400"
          " GROUP BY k.name, e.name, v.year_day, v.equipment ORDER BY 1, 3"},
    {"visits", "chargeable visits", "visits", "count of visits made with due_on in the span that were not free", false,
     SPAN "SELECT COALESCE(k.name, 'no contract'), w.number, e.name, v.charge_why, v.done_ms, 1, 1 FROM visit v JOIN equipment"
          " e ON e.id = v.equipment LEFT JOIN contract k ON k.id = v.contract LEFT JOIN work_order w ON w.visit = v.id AND"
          " w.state <> 'cancelled', span WHERE v.state = 'done' AND v.charge = 'chargeable' AND v.due_day BETWEEN c AND d ORDER"
          " BY 1, 5, v.id"},
    {"punctuality", "arrivals in the agreed time", "share",
     "arrivals between the beginning and the end of the appointment / arrivals with an appointment in the"
     " span, what rode along not counted again (S1-28)",
     true,
     SPAN "SELECT COALESCE(m.name, ''), w.number, e.name, w.kind, v.at_ms, CASE WHEN v.at_ms BETWEEN"
          " w.from_ms AND w.to_ms THEN 1 ELSE 0 END, 1 FROM work_event v JOIN work_order w ON w.id = v.work_order LEFT JOIN"
          " equipment e ON e.id = w.equipment LEFT JOIN team m ON m.id = w.team, span WHERE v.action ="
          " 'arrive' AND w.from_ms IS NOT NULL AND w.ride IS NULL AND v.at_ms >= a AND v.at_ms < b ORDER BY 1, 5"},
    {"consent", "repairs begun with consent", "share",
     "orders begun after the customer's consent / orders begun whose ticket had a quotation, in the span"
     " (S0-59; anything but 1 is a mistake)",
     true,
     SPAN "SELECT '', w.number, e.name, t.number, v.at_ms, CASE WHEN EXISTS (SELECT 1 FROM ticket_event c"
          " WHERE c.ticket = t.id AND c.action = 'consent' AND c.stored_ms <= v.stored_ms) THEN 1 ELSE 0"
          " END, 1 FROM work_event v JOIN work_order w ON w.id = v.work_order JOIN ticket t ON t.id ="
          " w.ticket LEFT JOIN equipment e ON e.id = t.equipment, span WHERE v.action = 'start' AND t.quote"
          " IS NOT NULL AND v.at_ms >= a AND v.at_ms < b ORDER BY 5"},
    {"spares", "parts used", "pieces", "sum of parts taken from stock in the span, by part", false,
     SPAN "SELECT p.name, w.number, e.name, d.name, m.at_ms, -m.count, 1 FROM stock_move m JOIN rack h ON"
          " h.id = m.rack JOIN part p ON p.id = h.part JOIN depot d ON d.id = h.depot LEFT JOIN work_order w ON w.id = m.work_order"
          " LEFT JOIN equipment e ON e.id = w.equipment, span WHERE m.kind IN ('issue', 'use', 'return') AND m.count <> 0 AND m.at_ms >= a AND"
          " m.at_ms < b ORDER BY 1, 5"},
    {"spares", "parts in stock", "pieces", "sum of what lies in the depots now, by part", false,
     SPAN "SELECT p.name, d.name, NULL, p.title_en, n, s.count, 1 FROM stock s JOIN part p ON p.id ="
          " s.part JOIN depot d ON d.id = s.depot, span ORDER BY 1, 2"},
};

const struct figures figures_field = {list, sizeof(list) / sizeof(list[0])};
