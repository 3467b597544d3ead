"""The server alone on the wire: a third-party gateway that grades nothing, and the API."""
import json
import time

import paho.mqtt.client as mqtt
import pytest
from rig import Rig, wait_for

EPOCH = "6f1c0a9e5b7d2c44"


class Gateway:
    """An agent made by somebody else."""

    def __init__(self, rig, name="gw-1"):
        self.name, self.acks = name, []
        self.client = mqtt.Client(name, protocol=mqtt.MQTTv311)
        self.client.on_message = lambda c, u, m: self.acks.append(json.loads(m.payload))
        self.client.connect("127.0.0.1", rig.mqtt_port)
        self.client.loop_start()
        self.client.subscribe(f"heliograph/1/{name}/ack", 1)

    def publish(self, channel, body, retain=False):
        payload = body if isinstance(body, (str, bytes)) else json.dumps(body)
        self.client.publish(f"heliograph/1/{self.name}/{channel}", payload, 1, retain).wait_for_publish()

    def birth(self, equipment="swh-0001", profile="swh-basic", edge=False):
        self.publish("status", {"v": 1, "online": True, "epoch": EPOCH, "version": "x", "t": int(time.time() * 1000), "edge": edge,
                                "equipment": {equipment: {"profile": profile, "hash": "x"}}}, True)

    def data(self, seq, t0, readings, equipment="swh-0001", epoch=EPOCH):
        self.publish("data", {"v": 1, "epoch": epoch, "seq": seq, "t0": t0, "equipment": {equipment: readings}})

    def has(self, seq):
        return wait_for(lambda: any(a <= seq <= b for k in self.acks for a, b in k["have"] if k["epoch"] == EPOCH), words=f"ack of {seq}")


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("server"))
    rig.broker()
    assert "0 rows" not in rig.fleet()
    assert "0 rows" in rig.fleet()
    rig.server()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def gateway(rig):
    gateway = Gateway(rig)
    gateway.birth()
    return gateway


def test_a_fault_becomes_a_ticket_with_all_that_follows(rig, gateway):
    t = int(time.time() * 1000) - 120_000
    gateway.data(1, t, {"pump_on": [[0, 1], [30000, 1]], "flow": [[0, 0.0], [30000, 0.1]]})
    gateway.has(1)
    assert rig.tickets() == []
    gateway.data(2, t, {"pump_on": [[60000, 1]], "flow": [[60000, 0.0]]})
    gateway.has(2)
    ticket, = wait_for(rig.tickets)
    assert (ticket["equipment"], ticket["fault"], ticket["grade"], ticket["kind"]) == ("swh-0001", "pump_no_flow", 2, "fault")
    from datetime import datetime
    at = lambda s: datetime.fromisoformat(s).timestamp()
    assert abs(at(ticket["onset"]) - t / 1000) < 0.002
    assert abs(at(ticket["detected_at"]) - t / 1000 - 60) < 0.002
    assert {c["kind"] for c in ticket["clocks"]} >= {"response", "onsite_l1", "onsite_crew", "repair"}
    assert ticket["warranty"]["verdict"] == "expired" and ticket["warranty"]["until"] == "2026-03-05"
    assert ticket["cause"][0]["cause"] == "pump_stopped"
    order = rig.get("/work-orders/" + ticket["work_orders"][0])
    assert (order["state"], order["team"], order["ticket"]) == ("proposed", "team-1", ticket["number"])
    assert rig.get("/equipment/swh-0001")["status"] == "fault"
    status, track = rig.call("GET", f"/api/v1/track/{ticket['number']}?code={ticket['track']['code']}", token=False)
    assert status == 200 and track["state"] == "registered"
    assert rig.call("GET", f"/api/v1/track/{ticket['number']}?code=wrong", token=False)[0] == 404
    assert rig.call("GET", "/api/v1/track/T-0?code=x", token=False)[0] == 404


def test_actions_move_the_ticket_once(rig, gateway):
    number = rig.tickets()[0]["number"]
    act = lambda **k: rig.call("POST", f"/api/v1/tickets/{number}/actions", k)
    assert act(action="acknowledge", id="a1")[1]["state"] == "acknowledged"
    assert act(action="acknowledge", id="a1")[0] == 200
    assert act(action="acknowledge", id="a2")[0] == 409
    assert act(action="respond", id="a3")[0] == 200
    assert act(action="dispatch", id="a4", team="team-1")[1]["state"] == "dispatched"
    status, ticket = act(action="assign", id="a5", technician="tech-1",
                         appointment={"from": "2027-01-05T09:00:00+08:00", "to": "2027-01-05T11:00:00+08:00"})
    assert status == 200 and ticket["state"] == "assigned"
    clocks = {c["kind"]: c for c in ticket["clocks"]}
    assert clocks["response"]["state"] == "met" and clocks["assign"]["state"] == "met"
    assert act(action="pause", id="a6", reason="nonsense")[0] == 422
    assert act(action="pause", id="a7", reason="customer_absent")[0] == 200
    assert {c["state"] for c in rig.get("/tickets/" + number)["clocks"]} >= {"paused"}
    assert act(action="resume", id="a8")[0] == 200
    order = ticket["work_orders"][0]
    work = lambda **k: rig.call("POST", f"/api/v1/work-orders/{order}/actions", k)
    assert work(action="accept", id="w1")[1]["state"] == "accepted"
    assert work(action="arrive", id="w2")[1]["state"] == "on_site"
    assert work(action="depart", id="w3")[0] == 409
    assert {c["kind"]: c for c in rig.get("/tickets/" + number)["clocks"]}["onsite_l1"]["state"] == "met"
    assert work(action="check", id="w4", step="cause", value="pump seized")[0] == 200
    stale = rig.call("POST", f"/api/v1/tickets/{number}/actions", {"action": "note", "id": "a9"}, {"If-Match": '"1"'})
    assert stale[0] == 412
    lines = [e["action"] for e in rig.get("/tickets/" + number)["timeline"]]
    assert lines.count("acknowledge") == 1


def test_bad_messages_are_counted_and_stop_nothing(rig, gateway):
    before = rig.metric("quarantined_total")
    gateway.publish("data", f'{{"v":1,"epoch":"{EPOCH}","seq":3,"t0":')
    gateway.has(3)
    gateway.publish("data", "\xff\xfe not json")
    gateway.publish("data", b"x" * 70000)
    gateway.data(5, int(time.time() * 1000) + 10 * 86400_000, {"ambient_temp": [[0, 20.0]]})
    gateway.data(4, int(time.time() * 1000), {"level": [[0, 80]]})
    gateway.has(5), gateway.has(4)
    wait_for(lambda: rig.metric("quarantined_total") == before + 3)
    assert rig.metric("oversized_total") == 1 and rig.metric("readings_future_total") == 1
    stored = rig.metric("messages_stored_total")
    gateway.data(5, int(time.time() * 1000), {"level": [[0, 1]]})
    wait_for(lambda: rig.metric("conflicts_total") == 1)
    assert rig.metric("messages_stored_total") == stored


def test_strangers_are_kept_and_shown(rig):
    stranger = Gateway(rig, "unknown-1")
    stranger.data(1, int(time.time() * 1000), {"x": [[0, 5]]}, equipment="never-seen")
    stranger.has(1)
    assert rig.get("/equipment/never-seen")["status"] == "unclaimed"


def test_two_visits_a_year_stand_in_the_calendar(rig):
    from datetime import date, timedelta
    start = date.today()
    for shift in (0, 45, 80):
        a, b = start + timedelta(shift), start + timedelta(shift + 364)
        items = [v for v in rig.get(f"/visits?from={a}&to={b}")["items"] if v["equipment"] == "swh-0001"]
        assert len(items) == 2, items
    feed = rig.call("POST", "/api/v1/feeds", {"kind": "site", "name": "site-1"})[1]
    status, text = rig.call("GET", feed["url"], token=False)
    assert status == 200 and text.count("BEGIN:VEVENT") >= 4 and "UID:visit-swh-0001-" in text


def test_history_is_read_as_one(rig, gateway):
    t = (int(time.time() * 1000) // 3600_000 - 30) * 3600_000
    for k in range(10):
        gateway.data(100 + k, t, {"irradiance": [[k * 600_000 + i * 60_000, k * 10 + i] for i in range(10)]}, equipment="swh-0002")
    gateway.has(109)
    from datetime import datetime, timezone
    iso = lambda ms: datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    ask = f"/equipment/swh-0002/series?point=irradiance&from={iso(t)}&to={iso(t + 6000_000)}&buckets=10"
    packed = rig.metric("packed_readings_total")
    wait_for(lambda: rig.metric("packed_readings_total") >= packed, 5)
    wait_for(lambda: rig.metric("journal_messages") >= 0)
    series = rig.get(ask)
    assert series["count"] == [10] * 10 and series["min"] == [k * 10 for k in range(10)]
    assert series["mean"][3] == pytest.approx(34.5)


def test_the_api_refuses_in_words(rig):
    assert rig.call("GET", "/api/v1/tickets", token=False)[0] == 401
    status, problem = rig.call("GET", "/api/v1/tickets/T-NONE")
    assert status == 404 and problem["status"] == 404
    viewer = rig.command("token", "add", "v", "--role", "viewer").stdout.split()[-1]
    assert rig.call("POST", "/api/v1/tickets", {"kind": "fault"}, {"Authorization": f"Bearer {viewer}"}, token=False)[0] == 403
    assert rig.call("GET", "/api/v1/openapi.json", token=False)[1]["openapi"].startswith("3.1")
    assert rig.call("GET", "/metrics", token=False)[1].endswith("# EOF\n")
    key = {"Idempotency-Key": "k1"}
    first = rig.call("POST", "/api/v1/tickets", {"kind": "complaint", "site": "site-1", "note": "cold"}, key)
    again = rig.call("POST", "/api/v1/tickets", {"kind": "complaint", "site": "site-1", "note": "cold"}, key)
    assert first[0] == again[0] == 201 and first[1]["number"] == again[1]["number"]


def test_wrong_files_say_where(rig, tmp_path):
    bad = tmp_path / "fleet.yaml"
    bad.write_text("sites:\n  - {id: s 1}\n  - {id: s2, customer: nobody}\nplanes: []\n")
    result = rig.command("import", bad)
    assert result.returncode == 2
    assert f"{bad}:2:10: error: " in result.stderr and f"{bad}:3:24: error: " in result.stderr and f"{bad}:4:1: error: " in result.stderr
    rig.write("bad.yaml", "broker: {url: http://x}\ndatabase: oracle\nprofiles: models/equipment\nplans: models/plans\ntime_zone: Mars\n")
    import subprocess
    from rig import BUILD, ROOT
    check = subprocess.run([BUILD / "heliograph-server", "--config", rig.folder / "bad.yaml", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert check.returncode == 2 and check.stderr.count("error: expected") == 3


def test_a_second_server_is_refused(rig):
    result = rig.command()
    assert result.returncode == 2 and "held by another process" in result.stderr


def test_silence_is_one_state_and_audit_adds_up(rig, gateway):
    gateway.publish("status", {"v": 1, "online": False, "epoch": EPOCH}, True)
    wait_for(lambda: rig.get("/equipment/swh-0001")["status"] == "offline")
    gateway.data(6, int(time.time() * 1000), {"level": [[0, 80]]})
    wait_for(lambda: rig.get("/equipment/swh-0001")["status"] != "offline")
    for seq in range(7, 100):
        gateway.data(seq, int(time.time() * 1000), {"level": [[0, 80]]})
    gateway.has(99)
    audit = rig.command("audit")
    assert audit.returncode == 0, audit.stdout
    assert "agent=gw-1 accepted=109 stored=109 tombstoned=0 pending=0" in audit.stdout
