"""The four service plans that are shipped: their values and origins against the table of the service terms (written out here once
more), and the clocks that the server's API shows on a ticket of every plan, level and grade."""
import pytest
import yaml
from rig import ROOT, Rig

PLANS = ("swh_standard", "tiered_abc", "generic_24_48", "generic_emergency_2h")
S, A = "S", "A"

# plan, path, value, origin, one of the row ids
ROWS = [
    ("swh_standard", "staff.tiers", 3, S, "S0-48"), ("swh_standard", "staff.hotline.hours", "24x7", S, "S0-51"),
    ("swh_standard", "clocks.calendar.hours", "24x7", A, None), ("swh_standard", "clocks.calendar.tz", "Asia/Shanghai", A, None),
    ("swh_standard", "clocks.grade.g1_outage", "10m", A, None), ("swh_standard", "clocks.grade.link_loss_limit", "4h", A, None),
    ("swh_standard", "clocks.targets.response.all", "30m", A, None), ("swh_standard", "clocks.targets.dispatch.all", "2h", A, None),
    ("swh_standard", "clocks.targets.dispatch.target", "30m", A, None), ("swh_standard", "clocks.targets.assign.target", "1h", A, None),
    ("swh_standard", "clocks.targets.assign.all", "2h", A, None), ("swh_standard", "clocks.targets.supervision.all", "2h", A, None),
    ("swh_standard", "clocks.targets.onsite_l1.all", "4h", S, "S0-49"), ("swh_standard", "clocks.targets.onsite_crew.all", "12h", S, "S0-50"),
    ("swh_standard", "clocks.targets.onsite_l1.emergency", "4h", A, None), ("swh_standard", "clocks.targets.repair.all", "3wd", A, None),
    ("swh_standard", "clocks.targets.solution.all", "7wd", A, None), ("swh_standard", "clocks.targets.spare_delivery.g1", "4h", A, None),
    ("swh_standard", "clocks.targets.spare_delivery.g3", "24h", A, None), ("swh_standard", "items.onsite_gate", "immediate", S, "S0-49"),
    ("swh_standard", "items.inspection.remote_interval", "1mo", A, None), ("swh_standard", "items.inspection.report", "3wd", A, None),
    ("swh_standard", "items.visits.per_year", 2, S, "S0-61"), ("swh_standard", "items.visits.spacing", "6mo", A, None),
    ("swh_standard", "items.visits.tolerance", "30d", A, None), ("swh_standard", "period.warranty.classes.tank", "3y", S, "S0-54"),
    ("swh_standard", "period.warranty.classes.evacuated_tube", "3y", S, "S0-54"), ("swh_standard", "period.warranty.classes.collector", "3y", S, "S0-54"),
    ("swh_standard", "period.warranty.classes.bracket", "3y", S, "S0-54"), ("swh_standard", "period.warranty.classes.pipe_fittings", "1y", S, "S0-55"),
    ("swh_standard", "period.warranty.classes.electrical", "1y", S, "S0-55"), ("swh_standard", "period.warranty.after", "lifetime_service", S, "S0-56"),
    ("swh_standard", "period.warranty.start_order", ["acceptance_date", "completion_report_signed", "completion_date", "invoice_date", "factory_date"], A, None),
    ("swh_standard", "period.warranty.free_causes", ["product_quality", "installation"], S, "S0-63"), ("swh_standard", "items.charge.chargeable", "parts_and_labour", S, "S0-58"),
    ("swh_standard", "items.charge.price_rule", "market_or_company_list", S, "S0-68"), ("swh_standard", "items.charge.consent_before_repair", "required", S, "S0-59"),
    ("swh_standard", "items.charge.document", "invoice_or_receipt", S, "S0-60"), ("swh_standard", "items.charge.remote_support", "free", A, None),
    ("swh_standard", "items.training.due", "2d", S, "S0-69"), ("swh_standard", "staff.warranty_card", "one_per_household", S, "S0-47"),
    ("swh_standard", "items.survey.target", 0.9, A, None), ("swh_standard", "items.rca.required", [1, 2], A, None), ("swh_standard", "items.rca.due", "3wd", A, None),
    ("tiered_abc", "staff.hotline.hours", "24x7", S, "S0-110"), ("tiered_abc", "clocks.grade.g1_outage", "10m", S, "S0-105"), ("tiered_abc", "clocks.grade.link_loss_limit", "4h", A, None),
    ("tiered_abc", "clocks.targets.callback.all.A", "10m", S, "S0-111"), ("tiered_abc", "clocks.targets.callback.all.B", "10m", S, "S0-111"), ("tiered_abc", "clocks.targets.callback.all.C", "30m", S, "S0-112"),
    *[("tiered_abc", f"clocks.targets.response.g{g + 1}.{l}", v, A, None) for g, row in enumerate((("10m", "10m", "30m"), ("10m", "30m", "2h"), ("30m", "2h", "24h"))) for l, v in zip("ABC", row)],
    *[("tiered_abc", f"clocks.targets.onsite.g{g + 1}.{l}", v, A, None) for g, row in enumerate((("2h", "4h", "12h"), ("4h", "12h", "24h"), ("12h", "24h", "48h"))) for l, v in zip("ABC", row)],
    ("tiered_abc", "clocks.targets.repair.g1", "24h", A, None), ("tiered_abc", "clocks.targets.repair.g2", "3wd", A, None), ("tiered_abc", "clocks.targets.solution.g3", "7wd", A, None),
    ("tiered_abc", "clocks.targets.dispatch.cap_onsite", 0.25, A, None), ("tiered_abc", "clocks.targets.assign.cap_onsite", 0.25, A, None), ("tiered_abc", "clocks.targets.supervision.cap_onsite", 0.5, A, None),
    ("tiered_abc", "clocks.targets.supervision.all", "4h", A, None), ("tiered_abc", "clocks.targets.spare_delivery.all", "4h", S, "S0-116"), ("tiered_abc", "items.swap.after", "depot_repair", S, "S0-117"),
    ("tiered_abc", "items.onsite_gate", "phone_failed_or_important", S, "S0-113"), ("tiered_abc", "items.inspection.onsite_interval", "6mo", A, None), ("tiered_abc", "items.inspection.remote_interval", "1mo", A, None),
    ("tiered_abc", "items.inspection.report", "3wd", S, "S0-121"), ("tiered_abc", "items.rca.required", [1, 2, 3], S, "S0-115"), ("tiered_abc", "items.rca.due", "3wd", A, None),
    ("tiered_abc", "items.training.interval", "6mo", A, None), ("tiered_abc", "items.flow", "7_steps", S, "S0-127"), ("tiered_abc", "items.guard_period", "on_request", S, "S0-119"),
    ("tiered_abc", "items.survey.target", 0.9, A, None), ("tiered_abc", "period.warranty.classes.tank", "3y", A, None),
    ("generic_24_48", "clocks.targets.response.all", "24h", S, "S1-05"), ("generic_24_48", "clocks.targets.onsite.all", "48h", S, "S1-06"), ("generic_24_48", "clocks.targets.onsite.remote_area", "96h", A, None),
    ("generic_24_48", "clocks.targets.onsite.emergency", "48h", A, None), ("generic_24_48", "clocks.targets.repair.all", "3wd", S, "S1-07"), ("generic_24_48", "clocks.targets.solution.all", "7wd", S, "S1-08"),
    ("generic_24_48", "period.warranty.start_order", ["invoice_date", "factory_date"], S, "S1-13"), ("generic_24_48", "items.acceptance_form", "required", S, "S1-33"), ("generic_24_48", "items.survey.target", 0.9, S, "S1-04"),
    ("generic_24_48", "items.survey.followup", "90d", A, None), ("generic_24_48", "items.visits.per_year", 2, A, None), ("generic_24_48", "items.charge.consent_before_repair", "required", A, None),
    ("generic_emergency_2h", "period.agreement_term", "1y", S, "S3-01"), ("generic_emergency_2h", "clocks.targets.response.all", "24h", S, "S3-05"), ("generic_emergency_2h", "clocks.targets.onsite.all", "24h", A, None),
    ("generic_emergency_2h", "clocks.targets.onsite.emergency", "2h", S, "S3-06"), ("generic_emergency_2h", "clocks.targets.visit_arranged.all", "24h", S, "S3-19"), ("generic_emergency_2h", "clocks.targets.repair.all", "3wd", A, None),
    ("generic_emergency_2h", "clocks.targets.solution.all", "7wd", A, None), ("generic_emergency_2h", "items.kpi.mean_response", "2h", S, "S3-13"), ("generic_emergency_2h", "items.kpi.onsite_repair", "24h", S, "S3-13"),
    ("generic_emergency_2h", "clocks.targets.ship_after_qc.all", "24h", A, None), ("generic_emergency_2h", "period.warranty.classes.tank", "1y", S, "S3-03"), ("generic_emergency_2h", "period.warranty.start_order", ["sale_date"], S, "S3-03"),
    ("generic_emergency_2h", "items.file.analysis_interval", "3mo", A, None), ("generic_emergency_2h", "items.survey.target", 0.9, A, None),
    *[(plan, f"clocks.targets.{kind}.{key}", value, A, None) for plan in PLANS[2:] for kind, normal, urgent in (("dispatch", "2h", "10m"), ("assign", "2h", "20m"), ("supervision", "4h", "1h"))
      for key, value in (("all", normal), ("emergency", urgent))],
    *[(plan, "clocks.grade.g1_outage_services", ["circulation", "backup_heating", "refill"], A, None) for plan in PLANS],
]


@pytest.mark.parametrize("plan", PLANS)
def test_the_values_are_those_of_the_service_terms(plan):
    tree = yaml.load((ROOT / f"models/plans/{plan}.yaml").read_text(), Loader=yaml.BaseLoader)
    wanted = [row for row in ROWS if row[0] == plan]
    assert len(wanted) > 15
    for _, path, value, origin, row in wanted:
        leaf = tree
        for key in path.split("."):
            assert key in leaf, f"{plan}: {path}"
            leaf = leaf[key]
        as_text = lambda v: [str(x) for x in v] if isinstance(v, list) else str(v)
        assert leaf["value"] == as_text(value) and leaf["origin"] == origin, (path, leaf)
        assert row is None or row in leaf["ids"], (path, leaf)


# what a ticket's clocks must show: [plan][kind] = a limit for all, or one for each grade, or a row of levels for each grade; in hours,
# wd: working days; None: no such clock (a solution is owed for complex faults alone, and tickets begin as general).
# Caps and emergencies (grade 1) are worked out here by hand.
H = lambda *rows: rows
CLOCKS = {
    "swh_standard": {"response": 0.5, "dispatch": 2, "onsite_l1": 4, "onsite_crew": 12, "repair": "3wd", "solution": None, "assign": 2, "supervision": 2},
    "tiered_abc": {"response": H((1 / 6, 1 / 6, .5), (1 / 6, .5, 2), (.5, 2, 24)), "onsite": H((2, 4, 12), (4, 12, 24), (12, 24, 48)), "dispatch": H((.5, 1, 2), (1, 2, 2), (2, 2, 2)),
                   "assign": H((.5, 1, 2), (1, 2, 2), (2, 2, 2)), "supervision": H((1, 2, 4), (2, 4, 4), (4, 4, 4)), "repair": H(24, "3wd", "3wd"), "solution": None},
    "generic_24_48": {"response": 24, "onsite": 48, "repair": "3wd", "solution": None, "dispatch": H(1 / 6, 2, 2), "assign": H(1 / 3, 2, 2), "supervision": H(1, 4, 4)},
    "generic_emergency_2h": {"response": 24, "onsite": H(2, 24, 24), "repair": "3wd", "solution": None, "visit_arranged": 24, "dispatch": H(1 / 6, 2, 2), "assign": H(1 / 3, 2, 2),
                             "supervision": H(1, 4, 4)},
}


def in_hours(words):
    if words.endswith("wd"):
        return words
    for unit, hours in (("ms", 1 / 3600000), ("s", 1 / 3600), ("m", 1 / 60), ("h", 1), ("d", 24)):
        if words.endswith(unit) and words[:-len(unit)].isdigit():
            return int(words[:-len(unit)]) * hours
    raise AssertionError(words)


def wanted(plan, kind, grade, level):
    value = CLOCKS[plan][kind]
    value = value[grade - 1] if isinstance(value, tuple) else value
    return value["ABC".index(level)] if isinstance(value, tuple) else value


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("plans"))
    rig.broker()
    places = [(plan, level) for plan in PLANS for level in "ABC"]
    hours = "[" + ", ".join(f'"{h}"' for h in ("08:30-12:00", "13:00-17:30")) + "]"
    text = "customers: [{id: c, name: C}]\n"
    text += "calendars: [{id: cal, time_zone: Asia/Shanghai, week: {" + ", ".join(f"{d}: {hours}" for d in ("mon", "tue", "wed", "thu", "fri")) + "}}]\n"
    text += "sites:\n" + "".join(f"  - {{id: {p}-{l}, customer: c, name: {p} {l}, time_zone: Asia/Shanghai, calendar: cal}}\n" for p, l in places)
    text += "teams: [{id: crew, name: Crew, sites: [" + ", ".join(f"{p}-{l}" for p, l in places) + "], calendar: cal}]\n"
    text += "equipment:\n" + "".join(f"  - {{id: {p}-{l}-{g}, title: x, site: {p}-{l}, profile: swh-basic, agent: gw, acceptance_date: \"2026-01-01\"}}\n" for p, l in places for g in (1, 2, 3))
    text += "contracts:\n" + "".join(f"  - {{id: con-{p}-{l}, customer: c, sites: [{p}-{l}], plan: {p}, service_level: {l}, start: \"2026-01-01\", end: \"2036-01-01\"}}\n" for p, l in places)
    result = rig.command("import", rig.write("fleet.yaml", text))
    assert result.returncode == 0, result.stderr
    rig.server()
    yield rig
    rig.close()


@pytest.mark.parametrize("plan", PLANS)
def test_a_tickets_clocks_show_the_plans_limits(rig, plan):
    for level in "ABC":
        for grade in (1, 2, 3):
            status, ticket = rig.call("POST", "/api/v1/tickets", {"kind": "fault", "equipment": f"{plan}-{level}-{grade}", "grade": grade, "note": "by phone"})
            assert status == 201, ticket
            number = ticket["number"]
            for action, more in (("acknowledge", {}), ("dispatch", {"team": "crew"})):
                status, answer = rig.call("POST", f"/api/v1/tickets/{number}/actions", {"action": action, "id": f"{number}-{action}", **more})
                assert status == 200, answer
            clocks = {c["kind"]: c for c in rig.get(f"/tickets/{number}")["clocks"]}
            for kind in CLOCKS[plan]:
                hours = wanted(plan, kind, grade, level)
                if hours is None:
                    assert kind not in clocks
                    continue
                assert kind in clocks, (plan, level, grade, kind, sorted(clocks))
                shown = in_hours(clocks[kind]["limit"])
                assert shown == pytest.approx(hours) if isinstance(hours, (int, float)) else shown == hours, (plan, level, grade, kind, clocks[kind])
                assert clocks[kind]["origin"]["flag"] in "SA"
