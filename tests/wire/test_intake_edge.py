"""What agents say about faults, clocks and commands, and what becomes of it."""
import json
import time
from datetime import datetime

import pytest
from gateway import Gateway, now_ms
from rig import ROOT, Rig, wait_for


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("edge"))
    rig.broker()
    rig.fleet([f"swh-{k:04d}" for k in range(1, 9)])
    server = rig.server()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    yield rig
    assert server.stop() == 0, server.text()  # 99: a sanitizer had something to say
    rig.close()


@pytest.fixture
def gw(rig):
    gateway = Gateway(rig, "gw-1")
    gateway.birth([f"swh-{k:04d}" for k in range(1, 9)], edge=True)
    yield gateway
    gateway.close()


def stamp(words):
    return round(datetime.fromisoformat(words.replace("Z", "+00:00")).timestamp() * 1000)


def iso(ms):
    return datetime.utcfromtimestamp(ms / 1000).isoformat(timespec="milliseconds") + "Z"


def tickets(rig, equipment):
    return [t for t in rig.tickets("?limit=500") if t["equipment"] == equipment]


def alarms(rig, equipment):
    return rig.rows("SELECT fault, grade, onset_ms, cleared_ms FROM alarm WHERE equipment = (SELECT id FROM equipment"
                   " WHERE name = ?) ORDER BY id", equipment)


def test_a_fault_of_the_edge(rig, gw):
    t = now_ms()
    fault = dict(kind="fault", equipment="swh-0001", fault="pump_no_flow")
    gw.event(t, state="raised", grade=2, onset=t - 60_000, evidence={"pump_on": 1}, **fault)
    ticket, = wait_for(lambda: tickets(rig, "swh-0001"))
    assert (ticket["grade"], ticket["fault"], ticket["late"]) == (2, "pump_no_flow", False)
    assert (stamp(ticket["onset"]), stamp(ticket["detected_at"])) == (t - 60_000, t)
    # the agent starts anew and says it again: the same alarm, the same ticket
    gw.epoch, gw.seq = "00000000000000ab", 0
    gw.birth(["swh-0001"], edge=True)
    gw.event(t + 1000, state="raised", grade=2, onset=t - 60_000, **fault)
    gw.event(t + 2000, state="regraded", grade=1, onset=t - 60_000, **fault)
    gw.wait_have([[1, 2]])
    ticket, = tickets(rig, "swh-0001")
    assert ticket["grade"] == 1
    gw.event(t + 3000, state="regraded", grade=3, onset=t - 60_000, **fault)
    gw.wait_have([[1, 3]])
    assert alarms(rig, "swh-0001")[0][1] == 3
    assert len(alarms(rig, "swh-0001")) == 1
    gw.event(t + 5000, state="cleared", **fault)
    gw.event(t + 5000, state="cleared", **fault)
    gw.wait_have([[1, 5]])
    ticket, = tickets(rig, "swh-0001")
    assert stamp(ticket["cleared_at"]) == t + 5000
    assert [a[3] for a in alarms(rig, "swh-0001")] == [t + 5000]


def test_events_that_make_no_sense(rig, gw):
    t = now_ms()
    gw.event(t, kind="fault", equipment="swh-0002", fault="pump_no_flow", state="cleared")          # never raised
    gw.event(t, kind="fault", equipment="swh-0002", fault="pump_no_flow", state="regraded", grade=1)  # never raised, but there
    gw.event(t, kind="fault", equipment="swh-0003", fault="never_heard_of", state="raised", grade=3)
    gw.event(t, kind="fault", equipment="brand-new", fault="odd", state="raised", grade=2)
    gw.wait_have([[1, 4]])
    assert len(tickets(rig, "swh-0002")) <= 1
    unknown, = tickets(rig, "swh-0003")
    assert (unknown["fault"], unknown["grade"]) == ("never_heard_of", 3)
    assert rig.get("/equipment/brand-new")["status"] == "unclaimed"
    before = rig.metric("quarantined_total")
    for wrong in (dict(state="raised", grade=0), dict(state="raised", grade=4), dict(state="raised", grade="1"), dict(state="raised", grade=1.5),
                  dict(state="odd", grade=1), dict(grade=1), dict(state="raised")):
        gw.event(t, kind="fault", equipment="swh-0004", fault="pump_no_flow", **wrong)
    gw.event(t, kind="fault", fault="pump_no_flow", state="raised", grade=1)
    gw.event(t, equipment="swh-0004")
    gw.send("event", gw.envelope(t))
    gw.wait_have([[1, gw.seq]])
    assert rig.metric("quarantined_total") == before + 10
    assert tickets(rig, "swh-0004") == [] and alarms(rig, "swh-0004") == []
    gw.event(t, kind="something new", x=[1, 2], equipment="swh-0004")  # a kind of a later version is kept
    gw.event(t, kind="config", state="applied", hash="0")
    gw.wait_have([[1, gw.seq]])
    assert rig.metric("quarantined_total") == before + 10


def test_an_old_raise_and_clear_is_history(rig, gw):
    t = now_ms() - 5 * 3600_000
    fault = dict(kind="fault", equipment="swh-0005", fault="pump_no_flow")
    gw.event(t + 60_000, state="raised", grade=2, onset=t, **fault)
    gw.event(t + 900_000, state="cleared", cleared=t + 800_000, **fault)
    gw.wait_have([[1, 2]])
    ticket, = tickets(rig, "swh-0005")
    assert ticket["late"] is True and stamp(ticket["onset"]) == t and stamp(ticket["registered_at"]) > t + 4 * 3600_000
    assert ticket["cleared_at"]
    assert rig.rows("SELECT COUNT(*) FROM outbox WHERE ticket = (SELECT id FROM ticket WHERE number = ?)", ticket["number"]) == [(0,)]
    clocks = {c["kind"]: c for c in ticket["clocks"]}
    assert all(stamp(c["started_at"]) >= stamp(ticket["registered_at"]) - 5 for c in clocks.values())


def test_a_clock_that_is_put_right(rig):
    gw = Gateway(rig, "gw-clock")
    gw.birth(["clock-1"])
    wrong, real = 1_500_000_000_000, now_ms() // 1000 * 1000 - 600_000
    gw.data("clock-1", {"collector_temp": [[0, 20.5], [1000, 21.5]]}, wrong, clock="unsynced")
    gw.wait_have([[1, 1]])
    gw.event(wrong + 2000, kind="clockfix", offset=real - wrong)
    gw.data("clock-1", {"collector_temp": [[2000, 22.5]]}, wrong, clock="unsynced")
    # the whole fault lies in unsynced messages; when they come their real time is known
    for k in range(8):
        gw.data("clock-1", {"pump_on": [[0, 1]], "flow": [[0, 0.0]]}, wrong + 10_000 + k * 10_000, clock="unsynced")
    gw.wait_have([[1, gw.seq]])
    series = rig.get(f"/equipment/clock-1/series?point=collector_temp&from={iso(real)}&to={iso(real + 5000)}&buckets=5")
    assert series["count"] == [1, 1, 1] and series["max"] == [20.5, 21.5, 22.5]
    points = {p["name"]: p for p in rig.get("/equipment/clock-1")["points"]}
    assert stamp(points["collector_temp"]["time"]) == real + 2000
    ticket, = wait_for(lambda: tickets(rig, "clock-1"))
    assert stamp(ticket["onset"]) == real + 10_000 and ticket["late"] is True
    gw.close()


def test_what_was_stored_before_the_clock_was_put_right(rig):
    gw = Gateway(rig, "gw-clock2")
    gw.birth(["clock-2"])
    wrong, real = 1_500_000_000_000, now_ms() // 1000 * 1000 - 600_000
    for k in range(8):
        gw.data("clock-2", {"pump_on": [[0, 1]], "flow": [[0, 0.0]]}, wrong + k * 10_000, clock="unsynced")
    gw.wait_have([[1, 8]])
    assert tickets(rig, "clock-2") == []
    gw.event(wrong + 100_000, kind="clockfix", offset=real - wrong)
    gw.wait_have([[1, 9]])
    points = {p["name"]: p for p in rig.get("/equipment/clock-2")["points"]}
    assert stamp(points["flow"]["time"]) == real + 70_000
    ticket, = wait_for(lambda: tickets(rig, "clock-2"))
    assert stamp(ticket["onset"]) == real
    gw.close()


def test_late_and_future_readings_of_a_third_party(rig):
    gw = Gateway(rig, "gw-late")
    gw.birth(["late-1"])
    t = now_ms() - 600_000
    gw.data("late-1", {"pump_on": [[0, 1]], "flow": [[0, 6.0]]}, t)
    late = rig.metric("readings_late_total")
    for k in range(12):  # older than what was judged: kept, marked, no ticket
        gw.data("late-1", {"pump_on": [[0, 1]], "flow": [[0, 0.0]]}, t - 200_000 + k * 10_000)
    gw.data("late-1", {"pump_on": [[0, 1]], "flow": [[0, 0.0]]}, now_ms() + 86400_000)
    gw.data("late-1", {"pump_on": [[0, 1]], "flow": [[0, 6.0]]}, t + 10_000)
    gw.wait_have([[1, gw.seq]])
    assert tickets(rig, "late-1") == [] and rig.metric("readings_late_total") == late + 24
    series = rig.get(f"/equipment/late-1/series?point=flow&from={iso(t - 300_000)}&to={iso(t + 100_000)}&buckets=1")
    assert series["count"] == [14]
    points = {p["name"]: p for p in rig.get("/equipment/late-1")["points"]}
    assert (points["flow"]["value"], stamp(points["flow"]["time"])) == (6.0, t + 10_000)
    gw.close()


def test_commands(rig, gw):
    ask = lambda **body: rig.call("POST", "/api/v1/equipment/swh-0006/commands", body)
    state = lambda c: rig.get("/commands/" + c["id"])
    # a name that the server does not know is passed on
    status, command = ask(name="polish", args={"deep": [1, None, "ü"]})
    assert status == 202 and command["id"]
    sent = wait_for(lambda: gw.commands)[0][1]
    assert (sent["id"], sent["name"], sent["equipment"], sent["args"]) == (command["id"], "polish", "swh-0006", {"deep": [1, None, "ü"]})
    assert abs(sent["expires"] - now_ms() - 60_000) < 5000 and sent["v"] == 1
    wait_for(lambda: state(command)["state"] == "sent")
    gw.send("reply", {**gw.envelope(now_ms()), "command": command["id"], "state": "unknown", "reason": "what?"})
    wait_for(lambda: state(command)["state"] == "unknown")
    assert state(command)["reason"] == "what?"
    # a second answer changes nothing
    gw.send("reply", {**gw.envelope(now_ms()), "command": command["id"], "state": "done", "result": {}})
    gw.wait_have([[1, 2]])
    assert state(command)["state"] == "unknown"
    # every state
    for said in ("done", "refused", "failed", "expired"):
        gw.commands.clear()
        _, command = ask(name="read", args={"points": ["flow"]})
        wait_for(lambda: [c for _, c in gw.commands if c["id"] == command["id"]])
        gw.send("reply", {**gw.envelope(now_ms()), "command": command["id"], "state": said, "reason": "r", "result": {"points": [{"name": "flow", "value": "é" * 3000}]}})
        wait_for(lambda: state(command)["state"] == said)
        assert state(command)["result"]["points"][0]["name"] == "flow"
    # an answer of somebody else, to nothing, in no state
    _, command = ask(name="read", args={})
    thief = Gateway(rig, "gw-thief")
    thief.send("reply", {**thief.envelope(now_ms()), "command": command["id"], "state": "done", "result": {}})
    thief.send("reply", {**thief.envelope(now_ms()), "command": "nothing", "state": "done"})
    thief.send("reply", {**thief.envelope(now_ms()), "command": command["id"], "state": "splendid"})
    thief.wait_have([[1, 3]])
    assert state(command)["state"] in ("waiting", "sent")
    thief.close()
    # it expires by itself; an answer that comes later still tells the truth
    _, command = ask(name="read", args={}, expires=iso(now_ms() + 1500))
    wait_for(lambda: state(command)["state"] == "expired", 15)
    gw.send("reply", {**gw.envelope(now_ms()), "command": command["id"], "state": "done", "result": {"points": []}})
    wait_for(lambda: state(command)["state"] == "done")
    # refused at once
    for wrong in ({}, {"name": ""}, {"name": "x" * 65}, {"name": "read", "expires": "yesterday"}, {"name": "read", "expires": iso(now_ms() - 1000)},
                  {"name": "write", "args": {"point": "flow", "value": 1}}, {"name": "write", "args": {"point": "setpoint", "value": 1000}},
                  {"name": "write", "args": {"point": "nonsense", "value": 1}}, {"name": "write", "args": {}}):
        assert rig.call("POST", "/api/v1/equipment/swh-0006/commands", wrong)[0] == 422, wrong
    assert rig.call("POST", "/api/v1/equipment/none/commands", {"name": "read"})[0] == 404
    assert rig.call("GET", "/api/v1/commands/none")[0] == 404
    # the agent is away: it waits, and is sent when the agent is back
    gw.send("status", {"v": 1, "online": False, "epoch": gw.epoch}, True)
    wait_for(lambda: rig.get("/equipment/swh-0006")["status"] == "offline")
    gw.commands.clear()
    _, command = ask(name="read", args={})
    time.sleep(1.5)
    assert state(command)["state"] == "waiting" and not gw.commands
    gw.birth([f"swh-{k:04d}" for k in range(1, 9)], edge=True)
    wait_for(lambda: [c for _, c in gw.commands if c["id"] == command["id"]])
    assert len([c for _, c in gw.commands if c["id"] == command["id"]]) == 1


def test_an_inspection(rig, gw):
    status, asked = rig.call("POST", "/api/v1/equipment/swh-0007/inspections", {})
    assert status == 202 and asked["number"]
    sent = wait_for(lambda: [c for _, c in gw.commands if c["name"] == "inspect"])[0]
    gw.send("reply", {**gw.envelope(now_ms()), "command": sent["id"], "state": "done", "result": {
        "points": [{"name": "flow", "value": 1.5, "unit": "L/min", "quality": "good", "time": iso(now_ms())}], "health": {"bus": {}}}})
    done = wait_for(lambda: (lambda i: i if i["state"] == "done" else None)(rig.get("/inspections/" + asked["number"])))
    assert done["verdict"] in ("green", "amber", "red") and done["points"][0]["name"] == "flow"
    for check in done["checks"]:
        assert set(check) >= {"id", "title", "reading", "limit", "light"}
