"""Tickets as people use them: what is legal, who may, what must come first, who belongs together."""
import os
import sqlite3
import threading
import time
from datetime import datetime, timezone

import pytest
from desk_rig import DeskRig, Gateway
from docs_tools import DOCS
from rig import wait_for


def iso(seconds=0):
    return datetime.fromtimestamp(time.time() + seconds, timezone.utc).isoformat(timespec="seconds")


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = DeskRig(tmp_path_factory.mktemp("tickets"))
    rig.open(heaters=12)
    gateway = Gateway(rig, heaters=12)
    rig.gateway = gateway
    yield rig
    gateway.client.loop_stop()
    rig.close()


def raised(rig, equipment, grade=2, fault="pump_no_flow"):
    rig.gateway.fault(equipment=equipment, fault=fault, grade=grade)
    return wait_for(lambda: [t for t in rig.tickets(f"?equipment={equipment}&state=open") if t["fault"] == fault])[0]


def test_the_page_has_the_table_of_moves(rig):
    """docs/tickets.md shows the program's own table."""
    page = DOCS / "tickets.md"
    text = page.read_text()
    parts = text.split("<!-- moves -->\n")
    assert len(parts) == 3
    lines = ["| action | from | to | roles | fields | needs |", "|---|---|---|---|---|---|"]
    for a in rig.get("/permissions")["ticket_actions"]:
        every = len(a["from"]) == 12
        lines.append(f"| `{a['action']}` | {'every open state' if every else ' '.join(a['from'])} | {a['to'] or ''} | "
                     f"{' '.join(a['roles'])} | {' '.join(a['fields'])} | {'; '.join(a['needs'])} |")
    wanted = "<!-- moves -->\n".join([parts[0], "\n".join(lines) + "\n", parts[2]])
    if os.environ.get("HELIOGRAPH_WRITE"):
        page.write_text(wanted)
    assert text == wanted


def test_openapi_names_the_same_actions(rig):
    told = rig.get("/openapi.json")["components"]["schemas"]["ticket_action"]["properties"]
    actions = [a for a in rig.get("/permissions")["ticket_actions"] if a["roles"]]
    assert set(told["action"]["enum"]) == {a["action"] for a in actions}
    assert {f.rstrip("?") for a in actions for f in a["fields"]} <= set(told)


# action, what is wrong, status, a word of the answer
WRONG = [
    ("classify", {}, 422, "field"),
    ("classify", {"field": "severity", "value": "1", "reason": "x"}, 422, "regrade"),
    ("classify", {"field": "urgency", "value": "soon", "reason": "x"}, 422, "emergency normal"),
    ("classify", {"field": "urgency", "value": "normal"}, 422, "reason"),
    ("remote_attempt", {}, 422, "result"),
    ("remote_attempt", {"result": "perhaps"}, 422, "not_fixed"),
    ("plan_solution", {"plan": "x"}, 409, "diagnose"),
    ("diagnose", {}, 422, "cause"),
    ("diagnose", {"cause": "x", "domain": "magic"}, 422, "domain"),
    ("diagnose", {"cause": "x", "responsible_party": "me"}, 422, "responsible_party"),
    ("park", {}, 422, "question"),
    ("answer", {"answer": "x"}, 409, "no question waits"),
    ("important", {"grade": 3}, 422, "grade"),
    ("agree", {}, 422, "name"),
    ("verify", {}, 422, "finding"),
    ("amend", {}, 422, "owner_name"),
    ("attach", {}, 422, "parent"),
    ("attach", {"parent": "T-000000000"}, 422, "parent"),
    ("detach", {}, 409, "no other ticket"),
    ("request_part", {"part": "moon"}, 422, "part"),
    ("request_part", {"part": "pump-15-60", "count": 0}, 422, "count"),
    ("reopen", {"reason": "x"}, 409, "Legal:"),
    ("resume", {}, 409, "not paused"),
    ("consent", {"accepted": True}, 409, "quotation"),
    ("regrade", {"grade": 1}, 422, "reason"),
    ("close", {}, 422, "resolution"),
    ("start", {}, 422, "Legal now: acknowledge respond"),
]


def test_wrong_actions_say_what_is_right(rig):
    """S0-127: 409 with what is legal and why, 422 with the field; nothing is done."""
    ticket = raised(rig, "swh-0001")
    before = rig.ticket(ticket["number"])
    for action, body, status, word in WRONG:
        answer = rig.act(ticket["number"], (status,), action=action, id=f"wrong-{action}", **body)
        assert word in answer["detail"], (action, body, answer["detail"])
    after = rig.ticket(ticket["number"])
    assert (after["version"], after["timeline"]) == (before["version"], before["timeline"])
    legal = set(after["legal"])
    assert {"acknowledge", "assign", "classify", "close", "diagnose"} <= legal
    assert not legal & {"reopen", "resume", "answer", "detach", "plan_solution", "consent", "start", "clear"}


def test_seven_classifications_and_who_said_them(rig):
    """C-13 S1-24 S0-31 S0-114 S0-127"""
    number = raised(rig, "swh-0002")["number"]
    said = {c["field"]: c for c in rig.ticket(number)["classified"]}
    assert set(said) == {"severity", "urgency", "complexity", "competence", "domain", "responsible_party", "service_level"}
    assert all(c["by"] == "machine" and c["reason"] and c["at"] for c in said.values())
    ticket = rig.act(number, action="classify", id="c1", field="complexity", value="complex", reason="two faults in one")
    assert ticket["classification"]["complexity"] == "complex"
    assert "solution" in {c["kind"] for c in ticket["clocks"]}, "a plan is owed for a complex fault"
    one = next(c for c in ticket["classified"] if c["field"] == "complexity")
    assert one["by"] == "person" and one["reason"] == "two faults in one"
    ticket = rig.act(number, action="diagnose", id="d1", cause="wrong set point", domain="software", responsible_party="customer", component="electrical")
    assert ticket["classification"]["domain"] == "software" and ticket["classification"]["responsible_party"] == "customer"
    assert ticket["diagnosis"]["path"] == "adjust" and ticket["warranty"]["component"] == "electrical"
    ticket = rig.act(number, action="plan_solution", id="s1", plan="set it to 55", promised=iso(86400))
    clocks = {c["kind"]: c for c in ticket["clocks"]}
    assert clocks["solution"]["state"] == "met" and clocks["promised"]["state"] == "running"
    ticket = rig.act(number, action="regrade", id="g1", grade=1, reason="no water at all")
    assert ticket["classification"]["urgency"] == "emergency" and ticket["classification"]["severity"] == 1
    assert ticket["classification"]["complexity"] == "complex", "a person's word stands"
    gates = {g["gate"]: g["at"] for g in ticket["gates"]}
    assert gates["detected"] and gates["triaged"] and gates["diagnosed"] and not gates["on_site"] and not gates["closed"]


def test_a_customers_word_raises(rig):
    """S0-113: important raises and opens the way; telemetry does not make it milder."""
    number = raised(rig, "swh-0003", grade=3)["number"]
    ticket = rig.act(number, action="important", id="i1", grade=2, reason="a hospital")
    assert ticket["important"] and ticket["grade"] == 2
    rig.gateway.fault(equipment="swh-0003", state="regraded", grade=2)
    rig.gateway.fault(equipment="swh-0003", state="regraded", grade=3)
    rig.gateway.fault(equipment="swh-0004", grade=3)
    wait_for(lambda: rig.tickets("?equipment=swh-0004"))
    ticket = rig.ticket(number)
    assert ticket["grade"] == 2 and ticket["grade_falls_at"] is None


def test_a_question_is_parked_and_answered(rig):
    """S0-111: the callback ends with the answer, the response with it."""
    ticket = rig.post("/tickets", {"kind": "consultation", "site": "site-1", "note": "how warm?", "phone": "5550 1234", "wishes": "a call"})
    number = ticket["number"]
    assert ticket["work_orders"] == [] and ticket["missing"] == []
    ticket = rig.act(number, action="park", id="p", question="which model?")
    assert ticket["parked_at"]
    rig.act(number, (409,), action="park", id="p2", question="again?")
    ticket = rig.act(number, action="answer", id="a", answer="60 degrees")
    assert ticket["parked_at"] is None
    assert {c["kind"]: c["state"] for c in ticket["clocks"]}["response"] == "met"


def test_parts_hold_the_work_up(rig):
    """S0-116 G-16: a part that no depot has makes the fault complex."""
    ticket = raised(rig, "swh-0005", grade=1)
    number, order = ticket["number"], ticket["work_orders"][0]
    rig.act(order, action="accept", id="1"), rig.act(order, action="depart", id="2"), rig.act(order, action="arrive", id="3")
    assert rig.act(number, action="diagnose", id="d", cause="pump seized")["state"] == "diagnosed"
    ticket = rig.act(number, action="request_part", id="r", part="pump-15-60", count=9)
    assert ticket["state"] == "awaiting_parts" and ticket["classification"]["complexity"] == "complex"
    assert "spare_delivery" in {c["kind"] for c in ticket["clocks"]}
    ticket = rig.act(number, action="deliver_part", id="v")
    assert ticket["state"] == "on_site"
    assert {c["kind"]: c["state"] for c in ticket["clocks"]}["spare_delivery"] == "met"


def test_callers_are_joined(rig):
    """S1-22 S0-29: with the equipment's own ticket, by phone number, by site, in either order; twice in a moment is once."""
    ticket = raised(rig, "swh-0012", grade=3)  # the only one at site-2
    status, _, _ = rig.ask("POST", "/api/v1/tickets", {"site": "site-2", "note": "no warm water", "channel": "phone"})
    assert status == 200
    assert rig.ticket(ticket["number"])["timeline"][-1]["action"] == "report"
    # a caller who is first: the alarm goes on in his ticket
    first = rig.report("swh-0007", note="cold", channel="e-mail")
    assert first["missing"] == ["wishes"] and first["channel"] == "e-mail"
    assert rig.act(first["number"], action="amend", id="w", wishes="before noon")["missing"] == []
    assert [t["number"] for t in rig.tickets("?missing=true")] == []
    rig.gateway.fault(equipment="swh-0007", grade=2)
    wait_for(lambda: rig.ticket(first["number"])["fault"] == "pump_no_flow")
    assert len(rig.tickets("?equipment=swh-0007&state=open")) == 1
    # nobody we know, twice
    one = rig.post("/tickets", {"kind": "complaint", "note": "rude", "phone": "+49 30 999 8877"}, (201,))
    two = rig.post("/tickets", {"kind": "complaint", "note": "still rude", "phone": "030 9998877"}, (200,))
    assert one["number"] == two["number"] and one["number"] in {t["number"] for t in rig.tickets("?missing=true")}
    assert rig.post("/tickets", {"kind": "commercial", "note": "a price?", "phone": "030 9998877"}, (201,))["number"] != one["number"]


def test_parent_and_children(rig):
    parent, a, b = (rig.post("/tickets", {"kind": "inspection", "note": n})["number"] for n in "pab")
    for child in (a, b):
        assert rig.act(child, action="attach", id="x", parent=parent)["parent"] == parent
    assert set(rig.ticket(parent)["tickets"]) == {a, b}
    rig.act(parent, (409,), action="attach", id="y", parent=a), rig.act(a, (409,), action="attach", id="z", parent=b)
    assert "2 tickets" in rig.act(parent, (409,), action="close", id="c", resolution="done")["detail"]
    assert rig.act(b, action="detach", id="d")["parent"] is None
    rig.act(parent, (422,), action="close", id="c", resolution="done", children="sell")
    assert rig.act(parent, action="close", id="c", resolution="done", children="close")["state"] == "closed"
    assert rig.ticket(a)["state"] == "closed" and rig.ticket(b)["state"] == "registered"
    rig.act(b, (409,), action="attach", id="e", parent=parent)  # it is closed
    third = rig.post("/tickets", {"kind": "inspection", "note": "q"})["number"]
    rig.act(b, action="attach", id="f", parent=third)
    rig.act(third, action="close", id="c", resolution="so be it", children="keep")
    told = rig.ticket(b)
    assert told["parent"] is None and told["timeline"][-1]["action"] == "parent" and third in told["timeline"][-1]["note"]


def test_kinds_of_reports(rig):
    """S0-17 S0-24 S0-102 S0-103 S2-30"""
    assert rig.post("/tickets", {"kind": "riddle"}, (422,))["detail"].count("consultation") == 1
    emergency = rig.post("/tickets", {"kind": "emergency", "equipment": "swh-0008", "note": "steam"})
    assert emergency["grade"] == 1 and emergency["classification"]["urgency"] == "emergency" and emergency["work_orders"]
    for kind in ("consultation", "complaint", "commercial", "diagnosis", "special_request"):
        ticket = rig.post("/tickets", {"kind": kind, "equipment": "swh-0008", "note": kind})
        assert ticket["kind"] == kind and not ticket["work_orders"] and "response" in {c["kind"] for c in ticket["clocks"]}, kind
        assert not {"onsite_l1", "repair"} & {c["kind"] for c in ticket["clocks"]}


def test_who_needs_somebody_next(rig):
    """S3-17: open tickets by grade, urgency, level and age, page by page."""
    for grade in (3, 1, 2, 3, 2, 1):
        rig.post("/tickets", {"kind": "inspection", "note": "order", "grade": grade})
    ranked, cursor = [], ""
    while cursor is not None:
        page = rig.get(f"/tickets?order=priority&limit=4{cursor}")
        ranked += page["items"]
        cursor = page["next"] and f"&cursor={page['next']}"
    assert {t["number"] for t in ranked} == {t["number"] for t in rig.tickets("?state=open&limit=1000")}
    grades = [t["grade"] for t in ranked]
    assert grades == sorted(grades) and 1 in grades and 3 in grades
    assert [t["grade"] for t in rig.tickets("?order=priority&grade=2")] == [g for g in grades if g == 2]
    assert rig.ask("GET", "/api/v1/tickets?order=priority&state=closed")[0] == 422


def test_numbers_as_people_say_them(rig):
    """S1-23"""
    ticket = rig.post("/tickets", {"kind": "inspection", "note": "numbers"})
    number = ticket["number"]
    assert rig.get("/tickets/" + number.lower().replace("-", ""))["number"] == number
    wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
    status, _, text = rig.ask("GET", f"/api/v1/tickets/{wrong}")
    assert status == 404 and "check character" in text
    answers = {rig.ask("GET", f"/api/v1/track/{n}?code={c}", token="")[2].replace(n, "") for n, c in
               ((wrong, ticket["track"]["code"]), (number, "WRONG"), ("T-000000000", ticket["track"]["code"]))}
    assert len(answers) == 1


def test_many_hands_leave_one_history(rig):
    """What many clients do at once happens one after the other; each id once."""
    number = raised(rig, "swh-0009")["number"]
    outcomes, threads = [], []

    def client(n):
        for k in range(6):
            for action, body in (("acknowledge", {}), ("pause", {"reason": "force_majeure"}), ("resume", {}), ("note", {"note": f"{n}"}),
                                 ("park", {"question": "?"}), ("answer", {"answer": "!"})):
                status, _, _ = rig.ask("POST", f"/api/v1/tickets/{number}/actions", {"action": action, "id": f"{n % 2}-{k}-{action}", **body})
                outcomes.append((status, f"{n % 2}-{k}-{action}"))

    for n in range(4):
        threads.append(threading.Thread(target=client, args=(n,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert {s for s, _ in outcomes} <= {200, 409}
    ticket = rig.ticket(number)
    ids = [e["id"] for e in ticket["timeline"] if e["id"]]
    assert len(ids) == len(set(ids)), "an id is done once"
    assert set(ids) == {i for s, i in outcomes if s == 200}
    for one, other in (("pause", "resume"), ("park", "answer")):
        order = [e["action"] for e in ticket["timeline"] if e["action"] in (one, other)]
        assert order == [one, other] * (len(order) // 2) + [one] * (len(order) % 2), "the two take turns"
    assert [e["action"] for e in ticket["timeline"]].count("acknowledge") == 1


def test_the_way_on_site_is_the_plans(rig):
    """C-12 S0-101 S0-113 S0-20"""
    text = rig.fleet_text.replace("plan: swh_standard", "plan: tiered_abc")
    assert rig.import_text(text).returncode == 0
    try:
        number = raised(rig, "swh-0010")["number"]
        assert rig.ticket(number)["onsite_gate"] == {"rule": "phone_failed_or_important", "passed": False, "by": None}
        assert "override" in rig.act(number, (409,), action="assign", id="a", technician="tech-1")["detail"]
        rig.act(number, (422,), action="assign", id="a", technician="tech-1", override={})
        assert rig.act(number, action="dispatch", id="t", team="team-1")["state"] == "dispatched"
        ticket = rig.act(number, action="remote_attempt", id="r", result="not_fixed")
        assert ticket["onsite_gate"]["by"] == "remote_failed" and "assign" in ticket["legal"]
        assert rig.act(number, action="assign", id="a", technician="tech-1")["state"] == "assigned"
        number = raised(rig, "swh-0011")["number"]
        ticket = rig.act(number, action="assign", id="a", technician="tech-1", override={"reason": "the technician is next door"})
        assert ticket["onsite_gate"]["by"] == "override"
        assert next(e for e in ticket["timeline"] if e["action"] == "assign")["data"]["override"]["reason"]
    finally:
        assert rig.import_text(rig.fleet_text).returncode == 0


@pytest.mark.skipif(os.environ.get("HELIOGRAPH_DATABASE") == "postgresql", reason="the window is written into the SQLite file")
def test_a_guard_period_freezes_writes(tmp_path):
    """S0-119: read and look, but change nothing from afar."""
    rig = DeskRig(tmp_path)
    try:
        rig.open(heaters=2)
        one = {"name": "write", "args": {"point": "setpoint", "value": 50}}
        rig.post("/equipment/swh-0001/commands", one, (202,))
        rig.programs[-1].stop()
        now = int(time.time() * 1000)
        with sqlite3.connect(rig.folder / "server.db") as database:
            database.execute("INSERT INTO service_window (name, kind, from_ms, to_ms, equipment, reason, who, created_ms) SELECT 'w', 'guard', ?, ?,"
                             " id, 'games', 'ann', ? FROM equipment WHERE name = 'swh-0001'", (now - 1000, now + 3_600_000, now))
        database.close()
        rig.server()
        assert "guard" in rig.post("/equipment/swh-0001/commands", one, (409,))["detail"]
        rig.post("/equipment/swh-0001/commands", {"name": "read", "args": {"points": ["setpoint"]}}, (202,))
        rig.post("/equipment/swh-0002/commands", one, (202,))
    finally:
        rig.close()


def test_a_fixed_one_needs_nobody(rig):
    """S0-20 S0-109: fixed from afar."""
    number = rig.report("swh-0010", fault="too_hot", note="by phone")["number"]
    assert rig.act(number, action="remote_attempt", id="f", result="fixed")["state"] == "testing"
