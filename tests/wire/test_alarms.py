"""Alarms by the API and by a gateway that does not grade: who is told of what, what hides an alarm, what stays in the record."""
import json
import time

import pytest
from gateway import Gateway, now_ms
from rig import ROOT, Rig, wait_for

HEATERS = [f"h-{n:03}" for n in range(200)]
HOUR = 3_600_000


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("alarms"))
    (rig.folder / "plans").mkdir()
    plan = (ROOT / "models/plans/swh_standard.yaml").read_text()
    for old, new in (("link_loss_delay: {value: 10m,", "link_loss_delay: {value: 1s,"), ("settle: {value: 60s,", "settle: {value: 3s,")):
        assert old in plan
        plan = plan.replace(old, new)
    (rig.folder / "plans/swh_standard.yaml").write_text(plan)
    config = (rig.folder / "server.yaml").read_text()
    rig.write("server.yaml", "come_back: 1s\n" + config.replace("models/plans", f"{rig.folder}/plans"))
    rig.broker()
    rig.fleet(HEATERS, agent="gw-200")
    rig.fleet(["w-1", "w-2"], agent="gw-w")
    rig.process = rig.server()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    yield rig
    assert rig.process.stop() == 0, rig.process.text()
    rig.close()


def told(rig):
    """Keys of what went out, without what is owed beside alarms."""
    return [key for key, in rig.rows("SELECT key FROM outbox WHERE key NOT LIKE 'duty:%' ORDER BY id")]


def no_flow(gateway, equipment, t0, on=True):
    return gateway.data(equipment, {"pump_on": [[0, 1], [60_000, 1], [90_000, 1]],
                                    "flow": [[0, 0.0 if on else 5.0], [60_000, 0.0 if on else 5.0], [90_000, 0.0 if on else 5.0]]}, t0=t0)


def alarms(rig, query=""):
    return rig.get("/alarms" + query)["items"]


def test_a_gateway_with_200_heaters_drops_and_comes_back_with_its_past(rig):
    """Pains 2, 14, 17, 19: one notice for the outage, none for the past, the true history, what stands still once."""
    gateway = Gateway(rig, "gw-200", will=True)
    gateway.birth(HEATERS)
    message = gateway.envelope(now_ms() - 7 * HOUR)
    gateway.send("data", {**message, "equipment": {h: {"pump_on": [[0, 0]], "flow": [[0, 0.0]]} for h in HEATERS}})
    gateway.wait_ack(message["seq"])
    gateway.vanish()
    wait_for(lambda: rig.rows("SELECT COUNT(*) FROM equipment WHERE status = 'offline'")[0][0] == 200)
    ticket, = wait_for(lambda: [t for t in rig.tickets() if t["kind"] == "communication"])
    assert len(ticket["children"]) == 200
    assert told(rig) == [f"ticket:{ticket['number']}:opened:log:-"]
    assert alarms(rig) == [] and rig.get("/equipment/h-000")["suppressed"][0]["kind"] == "link"

    back = Gateway(rig, "gw-200", epoch=gateway.epoch)
    back.seq = gateway.seq
    back.birth(HEATERS)
    last = 0
    for n, heater in enumerate(HEATERS[:12]):  # twelve faults of the last hours, all but two are over
        t0 = now_ms() - 6 * HOUR + n * 10 * 60_000
        no_flow(back, heater, t0)
        last = no_flow(back, heater, t0 + 20 * 60_000, on=False) if n < 10 else back.seq
        if n < 10:
            last = no_flow(back, heater, t0 + 40 * 60_000, on=False)
    back.wait_ack(last)
    wait_for(lambda: len(alarms(rig)) == 12)
    assert [a["active"] for a in alarms(rig)].count(True) == 2 and all(a["late"] for a in alarms(rig))
    wait_for(lambda: len([k for k in told(rig) if ":opened:" in k]) == 3)
    standing = {a["ticket"] for a in alarms(rig, "?active=true")}
    assert {k.split(":")[1] for k in told(rig)} == {ticket["number"], *standing}
    assert {(a["outcome"], a["reason"]) for a in alarms(rig, "?active=false")} == {("held", "late")}
    assert all(a["onset"] < a["cleared_at"] < a["registered_at"] for a in map(utc, alarms(rig, "?active=false")))
    back.close()


def utc(alarm):
    from datetime import datetime
    return {k: datetime.fromisoformat(v) if k in ("onset", "cleared_at", "registered_at") and v else v for k, v in alarm.items()}


def test_an_alarm_is_seen_put_aside_and_never_cleared_by_hand(rig):
    """Pains 21, 22: a shelf comes down by itself; an active alarm is not cleared by hand."""
    gateway = Gateway(rig, "gw-w")
    gateway.birth(["w-1", "w-2"])
    gateway.wait_ack(no_flow(gateway, "w-1", now_ms() - 100_000))
    alarm, = wait_for(lambda: alarms(rig, "?equipment=w-1&state=UNACK"))
    act = f"/api/v1/alarms/{alarm['id']}/actions"
    status, said = rig.call("POST", act, {"action": "clear"})
    assert status == 409 and "clears when telemetry is normal" in said["detail"] and "Legal: acknowledge" in said["detail"]
    assert rig.call("POST", act, {"action": "acknowledge", "id": "a-1"})[1]["state"] == "ACKED"
    assert rig.call("POST", act, {"action": "acknowledge", "id": "a-1"})[0] == 200  # the same action
    assert rig.call("POST", act, {"action": "acknowledge", "id": "a-2"})[0] == 409
    for wrong, field in (({"reason": "nuisance"}, "until"), ({"for": "1h"}, "reason"), ({"reason": "mood", "for": "1h"}, "reason"),
                         ({"reason": "testing", "for": "9000h"}, "until"), ({"reason": "testing", "until": "2001-01-01T00:00:00Z"}, "until")):
        status, said = rig.call("POST", act, {"action": "shelve", **wrong})
        assert status == 422 and said["detail"].startswith(field), said
    assert rig.call("POST", act, {"action": "shelve", "reason": "testing", "for": "2s"})[1]["state"] == "SHLVD"
    assert [a["id"] for a in alarms(rig, "?state=SHLVD")] == [alarm["id"]]
    wait_for(lambda: alarms(rig, "?state=ACKED&equipment=w-1"))
    shown = rig.get(f"/alarms/{alarm['id']}")
    assert [e["kind"] for e in shown["events"]] == ["raise", "announced", "acknowledge", "shelve", "unshelve"]
    assert rig.call("GET", "/api/v1/alarms/999999")[0] == 404 and rig.call("GET", "/api/v1/alarms/x")[0] == 404
    gateway.close()


def test_a_window_holds_alarms_until_it_ends(rig):
    """Pain 5: evaluated at the window's edge; S0-119: a planned change is no fault."""
    stamp = lambda s: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + s))
    window = {"id": "win-1", "kind": "maintenance", "from": stamp(-60), "to": stamp(3600), "equipment": "w-2", "reason": "new pump"}
    assert rig.call("POST", "/api/v1/windows", window)[0] == 201
    assert rig.call("POST", "/api/v1/windows", window)[0] == 200
    status, said = rig.call("POST", "/api/v1/windows", {**window, "id": "win-2"})
    assert status == 409 and "win-1" in said["detail"]
    status, said = rig.call("POST", "/api/v1/windows", {**window, "id": "win-3", "to": stamp(-120)})
    assert status == 422 and said["detail"].startswith("to")
    wait_for(lambda: rig.get("/equipment/w-2")["status"] == "maintenance")
    gateway = Gateway(rig, "gw-w")
    gateway.birth(["w-1", "w-2"])
    gateway.wait_ack(no_flow(gateway, "w-2", now_ms() - 100_000))
    alarm, = wait_for(lambda: alarms(rig, "?equipment=w-2&state=DSUPR"))
    assert (alarm["outcome"], alarm["reason"], alarm["ticket"]) == ("held", "window", None)
    assert rig.tickets("?equipment=w-2") == []
    status, said = rig.call("POST", "/api/v1/windows/win-1/actions", {"action": "end", "id": "e-1"})
    assert status == 200 and said["state"] == "over"
    ticket, = wait_for(lambda: rig.tickets("?equipment=w-2"))
    assert ticket["onset"] == rig.get(f"/alarms/{alarm['id']}")["onset"]
    wait_for(lambda: f"ticket:{ticket['number']}:opened:log:-" in told(rig))
    assert rig.call("POST", "/api/v1/windows/win-1/actions", {"action": "extend", "to": stamp(7200)})[0] == 409
    topics = {json.loads(b).get("event", "window") for t, b in rig.rows("SELECT topic, body FROM change") if t in ("alarm", "window")}
    assert {"raise", "held", "announced", "window"} <= topics
    gateway.close()
