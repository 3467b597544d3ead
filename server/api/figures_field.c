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
    {"punctuality", "arrivals in the agreed time", "share",
     "arrivals between the beginning and the end of the appointment / arrivals with an appointment in the"
     " span (S1-28)",
     true,
     SPAN "SELECT COALESCE(m.name, ''), w.number, e.name, w.kind, v.at_ms, CASE WHEN v.at_ms <= w.to_ms"
          " THEN 1 ELSE 0 END, 1 FROM work_event v JOIN work_order w ON w.id = v.work_order LEFT JOIN"
          " equipment e ON e.id = w.equipment LEFT JOIN team m ON m.id = w.team, span WHERE v.action ="
          " 'arrive' AND w.from_ms IS NOT NULL AND v.at_ms >= a AND v.at_ms < b ORDER BY 1, 5"},
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
