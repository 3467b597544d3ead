/*
 * Figures of reports. A figure is a query that gives rows (group, ref, equipment, what, at, value,
 * weight); its number is the sum of the values, or their sum by the sum of the weights (a mean, a
 * share, a rate). One number a group. A report's figures stand together in one of the lists.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct figure {
    const char *report, *name, *unit, *formula;
    bool ratio; /* values by weights; else the sum of the values */
    const char *statement;
};

struct figures {
    const struct figure *list;
    size_t count;
};
extern const struct figures figures_service, figures_repair, figures_alarm, figures_dispatch,
    figures_field, figures_quality, figures_inspection, figures_stock, figures_cause, figures_relation, figures_training;

/* What every statement begins with. a, b: the span in ms, b not in it; c, d: its first and last day;
 * n: now; g: by what groups are told apart further (plan grade level team technician), or NULL. */
#define SPAN "WITH span (a, b, c, d, n, g) AS (SELECT ?1, ?2, ?3, ?4, ?5, ?6) "

/* Appended to a group: what ?by= asks for of a ticket t. */
#define BY                                                                                         \
    "CASE g WHEN 'plan' THEN ', ' || COALESCE(t.plan, 'no plan') WHEN 'grade' THEN ', grade ' ||"    \
    " t.grade WHEN 'level' THEN ', level ' || COALESCE(t.service_level, '-') WHEN 'team' THEN ', ' ||" \
    " COALESCE((SELECT x.name FROM work_order y JOIN team x ON x.id = y.team WHERE y.ticket = t.id"  \
    " ORDER BY y.id DESC LIMIT 1), 'no team') WHEN 'technician' THEN ', ' || COALESCE((SELECT x.name" \
    " FROM work_order y JOIN technician x ON x.id = y.technician WHERE y.ticket = t.id ORDER BY y.id" \
    " DESC LIMIT 1), 'nobody') ELSE '' END"
