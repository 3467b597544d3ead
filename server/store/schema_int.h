/* The migrations that stand in files of their own, a subject each. */
#pragma once

extern const char schema_dispatch[];
extern const char schema_paper[]; /* issued papers */
extern const char schema_work[]; /* work orders, steps, tests, parts, attachments */
extern const char schema_stock[]; /* parts, lots, racks, moves */
extern const char schema_ticket[];
extern const char schema_people[];
extern const char schema_alarm[];
extern const char schema_visit[]; /* visits: series, time line, meters, riders */
extern const char schema_inspection[];
extern const char schema_money[]; /* warranty decisions, quotations, books, claims, settlements */
extern const char schema_relation[]; /* customers */
extern const char schema_rounds[]; /* orders by themselves, approvals, registrations */
extern const char schema_complaint[]; /* complaints, questionnaires, the register, improvements */
extern const char schema_dossier[]; /* files of customers, papers of equipment */
extern const char schema_training[]; /* trainings, courses taken, tools */
extern const char schema_care[]; /* agreements, leaving, exports, removals, access */
