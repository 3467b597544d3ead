"""Figures: each from a history whose numbers are known beforehand."""
import json
import sqlite3
import time

import pytest
from race import last_one_goes_once
from rig import Rig, wait_for
from test_server import Gateway, EPOCH

MINUTE = 60_000


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path)
    rig.broker()
    rig.server()
    rig.fleet()
    yield rig
    rig.close()


def figure(rig, report, name, query=""):
    return {l["group"]: l for l in rig.get(f"/reports/{report}{query}")["lines"] if l["name"] == name}


class Edge:
    """A gateway that grades for itself: tells faults as they are wanted."""

    def __init__(self, rig):
        self.gateway, self.seq, self.rig = Gateway(rig), 0, rig
        self.gateway.birth(edge=True)

    def fault(self, state, fault="pump_no_flow", grade=2, at=0, equipment="swh-0001", **more):
        self.seq += 1
        self.gateway.publish("event", {"v": 1, "epoch": EPOCH, "seq": self.seq, "t0": at, "event": {
            "kind": "fault", "equipment": equipment, "fault": fault, "state": state, "grade": grade, "onset": at, **more}})
        wait_for(lambda: self.gateway.has(self.seq))


def act(rig, number, action, **more):
    status, body = rig.call("POST", f"/api/v1/tickets/{number}/actions", {"action": action, "id": f"{action}-{time.monotonic_ns()}", **more})
    assert status == 200, body
    return body


def work(rig, order, action, **more):
    status, body = rig.call("POST", f"/api/v1/work-orders/{order}/actions", {"action": action, "id": f"{action}-{time.monotonic_ns()}", **more})
    assert status == 200, body
    return body


def test_who_told_first_and_who_was_in_time(rig):
    """S0-79: the share of faults that the equipment told of before anybody called."""
    edge = Edge(rig)
    now = int(time.time() * 1000)
    edge.fault("raised", at=now - MINUTE)
    edge.fault("raised", "tank_empty", 1, at=now - MINUTE)
    assert rig.call("POST", "/api/v1/tickets", {"equipment": "swh-0002", "note": "cold water"})[0] < 300
    edge.fault("raised", at=now - MINUTE, equipment="swh-0002")
    first = figure(rig, "service-levels", "told by the equipment first")[None]
    assert (first["count"], first["value"]) == (3, pytest.approx(2 / 3))
    by = figure(rig, "service-levels", "told by the equipment first", "?by=grade")
    assert {g: l["count"] for g, l in by.items()} == {"grade 1": 1, "grade 2": 2}
    number = next(t["number"] for t in rig.tickets() if t["fault"] == "tank_empty")
    act(rig, number, "respond", note="a pump is on its way")
    met = figure(rig, "service-levels", "attainment", "?by=plan")
    assert met["response, swh_standard"]["value"] == 1 and met["response, swh_standard"]["rows"][0]["ref"] == number
    spread = figure(rig, "service-levels", "mean time until met")["response"]
    assert spread["median"] == spread["p90"] == spread["value"] >= 0
    assert rig.call("GET", "/api/v1/reports/service-levels?by=moon")[0] == 422


def test_availability_counts_overlaps_once(rig):
    """S0-98: hours without a fault of grade 1 by hours watched."""
    edge = Edge(rig)
    now = int(time.time() * 1000)
    line = figure(rig, "availability", "availability")
    assert line["swh-0001"]["value"] == 1 == line["swh-0002"]["value"]
    wait_for(lambda: figure(rig, "availability", "availability")["swh-0001"]["rows"][0]["weight"] > 3 / 3600)
    edge.fault("raised", "tank_empty", 1, at=now)
    edge.fault("raised", "leak_current_trip", 1, at=now)
    wait_for(lambda: figure(rig, "availability", "availability")["swh-0001"]["value"] < 0.9)
    line = figure(rig, "availability", "availability")
    assert 0 <= line["swh-0001"]["value"] < 0.9 and line["swh-0002"]["value"] == 1, "two at once are not more than all of the time"


def test_punctual_arrivals_and_consent(rig):
    """S1-28 and S0-59: arrived in the agreed time; begun only with consent."""
    edge = Edge(rig)
    now = int(time.time() * 1000)
    rfc = lambda ms: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))
    for equipment, to in (("swh-0001", now + 60 * MINUTE), ("swh-0002", now - MINUTE)):
        edge.fault("raised", at=now - 5 * MINUTE, equipment=equipment)
        ticket = next(t for t in rig.tickets() if t["equipment"] == equipment)
        body = act(rig, ticket["number"], "assign", technician="tech-1",
                   appointment={"from": rfc(now - 60 * MINUTE), "to": rfc(to)})
        order = body["work_orders"][0]["number"] if isinstance(body["work_orders"][0], dict) else body["work_orders"][0]
        act(rig, ticket["number"], "quote", lines=[{"what": "pump", "amount": 80}])
        act(rig, ticket["number"], "consent", accepted=True)
        work(rig, order, "accept")
        work(rig, order, "arrive")
        work(rig, order, "start")
    late = figure(rig, "punctuality", "arrivals in the agreed time")["team-1"]
    assert (late["count"], late["value"]) == (2, 0.5)
    consent = figure(rig, "consent", "repairs begun with consent")[None]
    assert (consent["count"], consent["value"]) == (2, 1)
    inspected = figure(rig, "inspections", "equipment inspected remotely")[None]
    assert (inspected["count"], inspected["value"]) == (2, 0)


def test_the_last_pieces_go_once(rig):
    """Two connections, many rounds; the same on PostgreSQL in test_postgres."""
    last_one_goes_once(rig, 25, ("swh-0001", "swh-0002"))


def test_visits_and_arrivals_by_rows_made_by_hand(tmp_path):
    """S0-61 S1-28: each figure from rows whose answer is known beforehand."""
    rig = Rig(tmp_path, database=f"sqlite:{tmp_path}/hand.db")
    rig.fleet()
    rig.broker()
    rig.server()
    visits = wait_for(lambda: [v["id"] for v in rig.get("/visits?from=2020-01-01&to=2099-01-01")["items"]][:6])
    rig.programs[-1].stop()
    today = int(time.time() // 86400)
    due = today - 20  # the window: ten days on either side
    rows = [("done", -13), ("done", -5), ("done", 2), ("done", 14), ("skipped", None), ("skipped", None)]
    file = sqlite3.connect(tmp_path / "hand.db")
    file.execute("UPDATE visit SET due_day = due_day + 3000")
    for id_, (state, off) in zip(visits, rows):
        day = None if off is None else due + off
        file.execute("UPDATE visit SET state = ?, code = ?, window_start_day = ?, due_day = ?, window_end_day = ?, done_day = ?, done_ms = ?,"
                     " charge = ? WHERE id = ?", (state, None if day else "weather", due - 10, due, due + 10, day, day and day * 86400000,
                                                  "chargeable" if off == 14 else day and "free", id_))
    team, place = file.execute("SELECT id FROM team").fetchone()[0], file.execute("SELECT id FROM equipment").fetchone()[0]
    for n, (came, ends) in enumerate([(0, 60), (30, 60), (60, 60), (61, 60), (-1, 60)]):  # minutes from the beginning of the appointment
        begin = (today - 2) * 86400000
        file.execute("INSERT INTO work_order (id, number, kind, equipment, team, from_ms, to_ms, state, created_ms) VALUES (?, ?, 'assistance', ?,"
                     " ?, ?, ?, 'done', ?)", (9000 + n, f"W-HAND{n}", place, team, begin, begin + ends * MINUTE, begin))
        file.execute("INSERT INTO work_event (work_order, at_ms, stored_ms, who, action) VALUES (?, ?, ?, 'x', 'arrive')",
                     (9000 + n, begin + came * MINUTE, begin + came * MINUTE))
    file.commit(), file.close()
    rig.server()
    span = "?from=" + time.strftime("%Y-%m-%d", time.gmtime((due - 5) * 86400)) + "&to=" + time.strftime("%Y-%m-%d", time.gmtime((today + 1) * 86400))
    value = lambda report, name: {g: l["value"] for g, l in figure(rig, report, name, span).items()}
    assert value("visits", "visits due") == {"done": 4, "skipped": 2}
    assert value("visits", "visits done")[None] == pytest.approx(4 / 6)
    assert value("visits", "visits made in their window")[None] == pytest.approx(2 / 4)
    assert value("visits", "early, in window, late, overdue") == {"early": 1, "in window": 2, "late": 1}
    assert value("visits", "visits skipped") == {"weather": 2}
    assert value("visits", "days from the due day")[None] == pytest.approx((-13 - 5 + 2 + 14) / 4)
    assert sum(value("visits", "chargeable visits").values()) == 1
    came = figure(rig, "punctuality", "arrivals in the agreed time", span)["team-1"]
    assert (came["count"], came["value"]) == (5, pytest.approx(3 / 5)), "before it begins is not in the agreed time, either"
    rig.close()


def test_what_helped_and_what_did_not(rig):
    """S0-21: was the likeliest cause the one that was found? S1-41: how often does a fault come again? S0-113: who pushed it on?"""
    edge = Edge(rig)
    now = int(time.time() * 1000)
    edge.fault("raised", at=now - 5 * MINUTE)
    edge.fault("raised", "tank_empty", 1, at=now - 5 * MINUTE, equipment="swh-0002")
    tickets = {t["equipment"]: t for t in rig.tickets()}
    likeliest = rig.get("/tickets/" + tickets["swh-0001"]["number"])["cause"][0]["cause"]
    act(rig, tickets["swh-0001"]["number"], "remote_attempt", result="fixed")
    act(rig, tickets["swh-0001"]["number"], "diagnose", cause=likeliest)
    hits = figure(rig, "quality", "diagnosis hits")[None]
    assert (hits["count"], hits["value"]) == (1, 1)
    act(rig, tickets["swh-0001"]["number"], "diagnose", cause="a bird")
    assert figure(rig, "quality", "diagnosis hits")[None]["value"] == 0
    act(rig, tickets["swh-0002"]["number"], "diagnose", cause="no_current_fault")
    edge.fault("cleared", "tank_empty", 1, at=now - MINUTE, equipment="swh-0002", cleared=now - MINUTE)
    act(rig, tickets["swh-0002"]["number"], "close", resolution="nothing was wrong")
    false = figure(rig, "quality", "false alarms")[None]
    assert (false["count"], false["value"]) == (1, 1) and false["rows"][0]["ref"] == tickets["swh-0002"]["number"]
    repeated = figure(rig, "quality", "repeated faults", "?by=grade")
    assert sum(l["count"] for l in repeated.values()) == 2 and all(l["value"] == 0 for l in repeated.values())
    assert rig.call("POST", "/api/v1/tickets", {"kind": "complaint", "site": "site-1", "note": "too slow"})[0] < 300
    assert sum(l["value"] for l in figure(rig, "complaints", "tickets of kind complaint").values()) == 1


def test_alarm_load_of_a_position(rig):
    """ISA-18.2: what a dispatcher's position was told, how often, of which grade, and what was kept from it."""
    edge = Edge(rig)
    now = int(time.time() * 1000)
    edge.fault("raised", at=now - MINUTE)
    edge.fault("raised", "tank_empty", 1, at=now - MINUTE)
    edge.fault("raised", "level_low", 3, at=now - MINUTE, equipment="swh-0002")
    wait_for(lambda: sum(r["value"] for l in figure(rig, "alarm-load", "told in 10 minutes").values() for r in l["rows"]) >= 3, 60,
             words="all three are told")
    told = wait_for(lambda: [a for a in rig.get("/alarms")["items"] if a["outcome"] == "announced"][2:], words="three alarms are told")
    hour = figure(rig, "alarm-load", "told an hour")
    assert told and len(hour) == 1 and list(hour.values())[0]["rows"][0]["value"] >= 3, "the grade 1 may have gone up as well"
    split = figure(rig, "alarm-load", "split by grade")
    assert sum(split[f"grade {g}"]["value"] for g in (1, 2, 3)) == pytest.approx(1) and all(split[f"grade {g}"]["value"] > 0 for g in (1, 2, 3))
    assert list(figure(rig, "alarm-load", "put aside without right").values())[0]["value"] == 0
    alarm = next(a for a in rig.get("/alarms")["items"] if a["fault"] == "level_low")
    status, body = rig.call("POST", f"/api/v1/alarms/{alarm['id']}/actions", {
        "action": "shelve", "id": "s-1", "reason": "known_fault", "until": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now / 1000 + 3600))})
    assert status == 200, body
    assert figure(rig, "alarm-load", "put aside")["shelved, admin"]["value"] == 1
