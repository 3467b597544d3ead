/* Parts: suppliers, counting, what the stock is worth. */
#include "server/api/figures.h"

static const struct figure list[] = {
    {"stock", "lots passed", "share",
     "lots that passed their incoming inspection / lots inspected in the span, by supplier (S1-46, S1-50)", true,
     SPAN "SELECT COALESCE(l.supplier, ''), l.name, NULL, p.name, c.at_ms, CASE WHEN c.result = 'passed' THEN 1 ELSE 0 END, 1"
          " FROM lot_check c JOIN lot l ON l.id = c.lot JOIN part p ON p.id = l.part, span WHERE c.kind = 'incoming' AND c.at_ms"
          " >= a AND c.at_ms < b ORDER BY 1, 5"},
    {"stock", "purchases in time", "share",
     "purchases that were whole within the supplier's lead time / those that were due in the span (S1-46)", true,
     SPAN "SELECT '', v.number, NULL, v.state, k.until_ms, CASE WHEN k.met_ms <= k.until_ms THEN 1 ELSE 0 END, 1 FROM clock k"
          " JOIN voucher v ON v.id = k.subject_id, span WHERE k.ticket IS NULL AND k.subject = 'voucher' AND k.kind ="
          " 'purchase' AND k.cancelled_ms IS NULL AND k.until_ms >= a AND k.until_ms < b ORDER BY 5"},
    {"stock", "old parts returned in time", "share",
     "old parts returned within their window / those that were due in the span (S0-150)", true,
     SPAN "SELECT '', v.number, e.name, v.state, k.until_ms, CASE WHEN k.met_ms <= k.until_ms THEN 1 ELSE 0 END, 1 FROM clock k"
          " JOIN voucher v ON v.id = k.subject_id LEFT JOIN equipment e ON e.id = v.equipment, span WHERE k.ticket IS NULL AND"
          " k.subject = 'voucher' AND k.kind = 'old_part' AND k.cancelled_ms IS NULL AND k.until_ms >= a AND k.until_ms < b"
          " ORDER BY 5"},
    {"stock", "differences found by counting", "pieces", "sum of adjusted pieces in the span, by depot (S1-45)", false,
     SPAN "SELECT d.name, v.number, NULL, p.name, m.at_ms, m.count, 1 FROM stock_move m JOIN rack s ON s.id = m.rack JOIN part p"
          " ON p.id = s.part JOIN depot d ON d.id = s.depot LEFT JOIN voucher v ON v.id = m.voucher, span WHERE m.kind ="
          " 'adjust' AND m.voucher IS NOT NULL AND m.at_ms >= a AND m.at_ms < b ORDER BY 1, 5"},
    {"stock", "at jobs that are over", "pieces",
     "pieces that were sent to a job, were neither used nor brought back, and whose order is done or cancelled, now, by team",
     false,
     SPAN "SELECT COALESCE(m.name, ''), o.number, e.name, w.part, w.at_ms, w.count, 1 FROM work_order o JOIN work_part w ON"
          " w.work_order = o.id AND w.state = 'issued' LEFT JOIN team m ON m.id = o.team LEFT JOIN equipment e ON e.id ="
          " o.equipment, span WHERE o.state IN ('done', 'verified', 'closed', 'cancelled') ORDER BY 1, 5"},
    {"stock", "value in stock", "hundredths", "sum of pieces times their cost, now, by depot", false,
     SPAN "SELECT d.name, l.name, NULL, p.name, span.n, h.there * l.unit_cost, 1 FROM rack_now h JOIN part p ON p.id = h.part JOIN"
          " depot d ON d.id = h.depot JOIN lot l ON l.id = h.lot, span WHERE h.there > 0 ORDER BY 1, 4, 2"},
};

const struct figures figures_stock = {list, sizeof(list) / sizeof(list[0])};
