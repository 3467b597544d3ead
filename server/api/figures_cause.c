/* Why equipment fails: the technical department's summary of causes (S0-130). */
#include "server/api/figures.h"

#define FAULTS " FROM ticket t LEFT JOIN equipment e ON e.id = t.equipment, span WHERE t.kind = 'fault' AND "
/* '{"cause":"bearing",…' of the diagnosis: the word between the tenth sign and the next quotation mark */
#define CAUSE "CASE WHEN t.diagnosis IS NULL THEN 'not found' ELSE SUBSTR(t.diagnosis, 11, instr(t.diagnosis, '\",') - 11) END"

static const struct figure list[] = {
    {"causes", "faults", "faults", "count of fault tickets registered in the span, by fault", false,
     SPAN "SELECT COALESCE(t.fault, 'not said') || " BY ", t.number, e.name, t.title_en, t.registered_ms, 1, 1" FAULTS
          "t.registered_ms >= a AND t.registered_ms < b ORDER BY 1, 5"},
    {"causes", "faults in the span before", "faults",
     "count of fault tickets registered in a span of the same length that ends where this one begins, by fault", false,
     SPAN "SELECT COALESCE(t.fault, 'not said') || " BY ", t.number, e.name, t.title_en, t.registered_ms, 1, 1" FAULTS
          "t.registered_ms >= a - (b - a) AND t.registered_ms < a ORDER BY 1, 5"},
    {"causes", "causes found", "faults",
     "count of fault tickets registered in the span, by fault and the cause that people found", false,
     SPAN "SELECT COALESCE(t.fault, 'not said') || ': ' || " CAUSE " || " BY ", t.number, e.name, t.title_en, t.registered_ms,"
          " 1, 1" FAULTS "t.registered_ms >= a AND t.registered_ms < b ORDER BY 1, 5"},
    {"causes", "parts built in", "pieces", "pieces built in for faults in the span, by part and lot", false,
     SPAN "SELECT p.name || ', lot ' || l.name, t.number, e.name, t.fault, m.at_ms, -m.count, 1 FROM stock_move m JOIN rack s ON"
          " s.id = m.rack JOIN part p ON p.id = s.part JOIN lot l ON l.id = s.lot JOIN work_order w ON w.id = m.work_order JOIN"
          " ticket t ON t.id = w.ticket LEFT JOIN equipment e ON e.id = t.equipment, span WHERE m.kind = 'use' AND t.kind ="
          " 'fault' AND m.at_ms >= a AND m.at_ms < b ORDER BY 1, 5"},
};

const struct figures figures_cause = {list, sizeof(list) / sizeof(list[0])};
