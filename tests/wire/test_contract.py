"""A client that knows only the outer contract: its own profile under a shipped name, its own fleet, plain bodies."""
import itertools
import subprocess
import time
from datetime import datetime, timezone

import pytest
from gateway import Gateway, now_ms
from rig import BUILD, ROOT, Rig, wait_for

PROFILE = """profile: swh-basic
version: 1
title: {en: Solar water heater, zh: 太阳能热水器}
points:
  - name: collector_temp
    unit: °C
    role: collector_temperature
    register: {table: input, address: 0, type: int16, scale: 0.1}
    invalid: [32767]
    range: [-40, 250]
    every: 10s
    deadband: 0.2
  - name: setpoint
    register: {table: holding, address: 10, type: uint16, scale: 0.5}
    write: {range: [38, 70], budget: 1000, rate: 10m}
  - name: pump_on
    register: {table: holding, address: 3, type: bits, mask: 0x0002, shift: 1}
  - name: flow
    register: {table: input, address: 1, type: uint16, scale: 0.1}
faults:
  - id: pump_no_flow
    title: {en: Pump runs without flow, zh: 循环泵运行无流量}
    when: "pump_on == 1 and flow < 0.5"
    for: 60s
    clear: "flow >= 0.5 or pump_on == 0"
    grade: 2
    ladder: [{after: 10m, grade: 1}]
    domain: hardware
    component: electrical
    causes: [{cause: pump_stopped, odds: 0.6, parts: [pump-15-60], skill: electrician}]
"""

PLANS = ["swh_standard", "tiered_abc", "generic_24_48", "generic_emergency_2h"]
DAY = datetime.fromtimestamp(time.time() - 60 * 86400, timezone.utc).date().isoformat()  # nothing has run out yet


def heater(name, site, agent, day):
    return f"""  - {{id: {name}, title: Roof heater, site: {site}, profile: swh-basic, agent: {agent}, serial: SN-{name}, sale_date: "{day}",
     invoice_date: "{day}", manufacture_date: "{day}", completion_date: "{day}", acceptance_date: "{day}",
     components: [{{class: tank, serial: T-{name}}}, {{class: collector}}, {{class: electrical}}]}}
"""


FLEET = f"""customers:
  - {{id: cust-1, name: Li Xiaoming, phone: "+86 21 5550 1234", email: li@example.cn}}
calendars:
  - {{id: cal-cn, time_zone: Asia/Shanghai, week: {{mon: ["08:30-12:00", "13:00-17:30"], tue: ["08:30-12:00", "13:00-17:30"]}}, holidays: ["2027-01-01"], workdays: ["2027-02-06"]}}
teams:
  - {{id: team-1, name: Pudong crew, sites: [{", ".join(PLANS)}], territories: [], skills: [electrician], calendar: cal-cn}}
technicians:
  - {{id: tech-1, name: Wang Jun, team: team-1, phone: "+86 139 0000 1111", certificates: [{{type: electrician, no: X1, valid_to: "2099-05-01"}}]}}
sites:
""" + "".join(f"""  - {{id: {p}, customer: cust-1, name: Home, address: "88 Zhangyang Road", time_zone: Asia/Shanghai, calendar: cal-cn, remote_area: false, lat: 31.2, lon: 121.5}}
""" for p in PLANS) + "equipment:\n" + "".join(heater(p, p, "gw-1", DAY) for p in PLANS) + heater("old", "swh_standard", "gw-1", "2020-03-06") + \
    heater("dark-1", "swh_standard", "gw-2", DAY) + heater("dark-2", "swh_standard", "gw-2", DAY) + "contracts:\n" + \
    "".join(f"""  - {{id: con-{p}, customer: cust-1, sites: [{p}], plan: {p}, service_level: A, start: "2020-03-06", end: "2099-03-05"}}
""" for p in PLANS) + """depots:
  - {id: depot-1, name: Pudong depot, lat: 31.2, lon: 121.6}
parts:
  - {id: pump-15-60, title: {en: Circulation pump, zh: 循环泵}, class: electrical, stock: [{depot: depot-1, count: 40}]}
"""
TICKET = ("number equipment kind fault grade state onset detected_at registered_at cleared_at closed_at classification clocks track"
          " warranty cause work_orders timeline parent").split()
ORDER = "number kind ticket equipment site team technician appointment checklist parts before after signature state".split()
ids = itertools.count()


def iso(after_s=0):
    return datetime.fromtimestamp(time.time() + after_s, timezone.utc).isoformat()


def act(rig, path, action, expect=200, **fields):
    body = {"action": action, "id": f"contract-{next(ids)}", "at": iso(), **fields}
    status, answer = rig.call("POST", f"/api/v1{path}/actions", body)
    assert status == expect, (path, body, status, answer)
    return answer


def open_fault(rig, gw, equipment, grade=2):
    since = now_ms() - 60000
    gw.event(since + 60000, kind="fault", equipment=equipment, fault="pump_no_flow", state="raised", grade=grade,
             onset=since, evidence={"pump_on": 1, "flow": 0.0, "collector_temp": 96.4})
    return wait_for(lambda: [t for t in rig.tickets("?state=open&kind=fault") if t["equipment"] == equipment])[0]["number"]


@pytest.fixture(scope="module")
def gateway(rig):
    gw = Gateway(rig, "gw-1")
    gw.birth(PLANS + ["old"], edge=True)
    return gw


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("contract"))
    (rig.folder / "profiles").mkdir()
    (rig.folder / "plans").mkdir()
    for path in (ROOT / "models/plans").glob("*.yaml"):
        rig.write(f"plans/{path.name}", path.read_text().replace("link_loss_delay: {value: 10m,", "link_loss_delay: {value: 1s,"))
    for folder in ("jobs", "notices"):
        (rig.folder / folder).symlink_to(ROOT / "models" / folder)
    rig.write("profiles/swh-basic.yaml", PROFILE)
    path = rig.folder / "server.yaml"
    path.write_text(path.read_text().replace("models/equipment", f"{rig.folder}/profiles").replace("models/plans", f"{rig.folder}/plans"))
    rig.broker()
    fleet = rig.write("own.yaml", FLEET)
    assert rig.command("import", fleet).returncode == 0 and "imported: 0 rows" in rig.command("import", fleet).stdout
    rig.server()
    yield rig
    rig.close()


def test_own_profile_under_a_shipped_name(rig):
    """The job plans beside the shipped plans know more points and faults than a profile of one's own has."""
    answer = rig.command("--check")
    assert answer.returncode == 0, answer.stderr
    named = rig.write("named.yaml", (rig.folder / "server.yaml").read_text() + "jobs: models/jobs\n")
    answer = subprocess.run([BUILD / "heliograph-server", "--config", named, "--check"], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 2 and "error: expected a point of profile swh-basic, found" in answer.stderr


def test_a_link_that_is_lost_just_after_the_start(rig):
    """The minute that a restarted server gives is for agents that have not come back yet."""
    gw = Gateway(rig, "gw-2", will=True)
    gw.birth(["dark-1", "dark-2"], edge=True)
    gw.wait_ack(gw.data("dark-1", {"pump_on": [[0, 1]]}))
    gw.vanish()
    wait_for(lambda: rig.get("/equipment/dark-1")["status"] == "offline")
    ticket = wait_for(lambda: rig.tickets("?state=open&kind=communication"))[0]
    assert ticket["equipment"] is None and ticket["grade"] == 3 and ticket["agent"] == "gw-2"
    assert sorted(ticket["children"]) == ["dark-1", "dark-2"]
    for action, fields in (("acknowledge", {}), ("respond", {}), ("pause", {"reason": "force_majeure"}), ("resume", {}),
                           ("regrade", {"grade": 2, "reason": "long"}), ("dispatch", {"team": "team-1"})):
        act(rig, "/tickets/" + ticket["number"], action, **fields)


@pytest.mark.parametrize("plan", PLANS)
def test_the_plain_sequence(rig, gateway, plan):
    """Every action with exactly the fields that the contract names, from the fault to the signature."""
    number = open_fault(rig, gateway, plan)
    listed, path = next(t for t in rig.tickets() if t["number"] == number), "/tickets/" + number
    shown = rig.get(path)
    assert not [k for k in TICKET if k not in listed or k not in shown] and shown["plan"] == plan
    assert {"response", "repair"} <= {c["kind"] for c in shown["clocks"]} and shown["warranty"]["verdict"] == "covered"
    assert shown["cause"][0]["cause"] == "pump_stopped" and len(shown["work_orders"]) == 1
    order = "/work-orders/" + shown["work_orders"][0]
    assert not [k for k in ORDER if k not in rig.get(order)] and rig.get(order)["state"] == "proposed"
    act(rig, path, "acknowledge")
    act(rig, path, "respond", note="called back")
    act(rig, path, "regrade", grade=1, reason="hospital")
    act(rig, path, "pause", reason="customer_absent")
    assert "paused" in {c["state"] for c in rig.get(path)["clocks"]}
    act(rig, path, "resume")
    act(rig, path, "quote", lines=[{"text": "pump", "amount": 120}])
    act(rig, path, "respond")
    act(rig, path, "consent", accepted=True)
    act(rig, path, "dispatch", team="team-1")
    act(rig, path, "assign", technician="tech-1", appointment={"from": iso(3600), "to": iso(7200)})
    for action in ("accept", "depart", "arrive", "start"):
        act(rig, order, action)
    act(rig, order, "check", step="power", value=True)
    act(rig, order, "check", step="a step of my own", value=12.5)
    act(rig, order, "use_part", part="pump-15-60", count=1)
    act(rig, order, "finish")
    done = act(rig, order, "sign", name="Li Xiaoming", image="iVBORw0KGgo=")
    assert done["state"] == "done" and done["signature"]["name"] == "Li Xiaoming" and done["technician"] == "tech-1"
    assert {c["kind"]: c["state"] for c in rig.get(path)["clocks"]}["response"] == "met"
    if plan == "tiered_abc":  # wants the equipment's word and an analysis first
        assert "Legal:" in act(rig, path, "close", 409, resolution="pump changed")["detail"]
        return
    assert act(rig, path, "close", resolution="pump changed")["state"] == "closed"
    assert "Legal:" in act(rig, path, "respond", 409)["detail"]
    assert act(rig, path, "reopen", reason="cold again")["state"] != "closed"
    assert act(rig, path, "close", resolution="vented")["closed_at"]


def test_refused_cancelled_and_chargeable(rig, gateway):
    """S0-59: what has to be paid for is not begun before the consent, and the answer says what opens it."""
    number = open_fault(rig, gateway, "old")
    order = "/work-orders/" + rig.get("/tickets/" + number)["work_orders"][0]
    for action in ("accept", "depart", "arrive"):
        act(rig, order, action)
    assert f"Legal: quote and consent of ticket {number}" in act(rig, order, "start", 409)["detail"]
    act(rig, "/tickets/" + number, "quote", lines=[{"text": "pump", "amount": 120}])
    act(rig, "/tickets/" + number, "consent", accepted=True)
    act(rig, order, "start")
    for action, ends in (("refuse", "refused"), ("cancel", "cancelled")):
        status, made = rig.call("POST", "/api/v1/work-orders", {"kind": "inspection", "equipment": "dark-1"})
        assert status == 201 and act(rig, "/work-orders/" + made["number"], action)["state"] == ends


@pytest.mark.parametrize("kind", "fault prediction inspection consultation complaint".split())
def test_intake_with_little(rig, kind):
    status, ticket = rig.call("POST", "/api/v1/tickets", {"kind": kind, "equipment": "dark-2"})
    path = "/tickets/" + ticket["number"]
    assert status in (200, 201) and ticket["kind"] == kind and not [k for k in TICKET if k not in ticket]
    for action, fields in (("acknowledge", {}), ("pause", {"reason": "parts_customer"}), ("respond", {}), ("resume", {}),
                           ("regrade", {"grade": 2, "reason": "so"}), ("quote", {"lines": [{"text": "x", "amount": 1}]}),
                           ("consent", {"accepted": False}), ("dispatch", {"team": "team-1"}), ("close", {"resolution": "ok"}),
                           ("reopen", {"reason": "again"}), ("close", {"resolution": "ok"})):
        act(rig, path, action, **fields)
    code = rig.get(path)["track"]["code"]
    assert rig.call("GET", f"/api/v1/track/{ticket['number']}?code={code}", token=False)[0] == 200
    wrong, none = (rig.call("GET", f"/api/v1/track/{n}?code=X", token=False) for n in (ticket["number"], "T-NONE"))
    assert wrong[0] == none[0] == 404 and wrong[1]["detail"] == none[1]["detail"]


def test_an_inspection_judges_by_the_faults(rig, gateway):
    """A profile without a section for inspections: a fault that holds now is not green."""
    for flow, light in ((0.2, "red"), (6.0, "green")):
        mine = f"mine-{light}"
        status, made = rig.call("POST", "/api/v1/equipment/old/inspections", {})
        assert status == 202
        rig.call("POST", "/api/v1/equipment/old/commands", {"name": mine})  # what work orders ask for came before
        wait_for(lambda: any(c["name"] == mine for _, c in gateway.commands))
        command = wait_for(lambda: [c for _, c in gateway.commands if c["name"] == "inspect" and c["equipment"] == "old"])[-1]
        values = [{"name": n, "value": v, "unit": "", "quality": "good", "time": iso()} for n, v in (("pump_on", 1), ("flow", flow))]
        gateway.send("reply", {**gateway.envelope(now_ms()), "command": command["id"], "state": "done", "result": {"points": values}})
        done = wait_for(lambda: (lambda i: i if i["state"] == "done" else None)(rig.get("/inspections/" + made["number"])),
                        words=lambda: f"{gateway.commands}, {rig.get('/inspections/' + made['number'])}")
        assert done["verdict"] == light and [(c["id"], c["light"]) for c in done["checks"]] == [("pump_no_flow", light)]
        assert set(done["checks"][0]) >= {"id", "title", "reading", "limit", "light"}
