"""Agent, plant and server together: what a roof says arrives, and what is asked is done."""
import time

import pytest
from rig import Rig, wait_for


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("agent"))
    rig.broker()
    rig.fleet()
    rig.server()
    rig.the_plant = rig.plant(3)
    rig.the_agent = rig.agent(units=((1, "swh-0001"), (2, "swh-0002"), (9, "swh-0009")))
    yield rig
    rig.close()


def point(rig, equipment, name):
    return next((p for p in rig.get("/equipment/" + equipment)["points"] if p["name"] == name), None)


def tell(rig, line):
    rig.the_plant.process.stdin.write(line + "\n")
    rig.the_plant.process.stdin.flush()


def test_values_arrive_in_their_units(rig):
    wait_for(lambda: point(rig, "swh-0001", "setpoint") and point(rig, "swh-0001", "collector_temp"), words="the first values")
    assert point(rig, "swh-0001", "setpoint")["value"] == 55
    assert 10 < point(rig, "swh-0001", "collector_temp")["value"] < 120
    assert point(rig, "swh-0001", "collector_temp")["quality"] == "good"


def test_a_silent_slave_says_timeout_and_slows_nobody(rig):
    wait_for(lambda: (point(rig, "swh-0009", "level") or {}).get("quality") == "timeout", 30)
    assert point(rig, "swh-0009", "level")["value"] is None
    before = point(rig, "swh-0001", "collector_temp")["time"]
    wait_for(lambda: point(rig, "swh-0001", "collector_temp")["time"] > before, 25)
    wait_for(lambda: [t for t in rig.tickets("?equipment=swh-0009") if t["fault"] == "device_silent"], 40)


def test_a_fault_is_graded_within_a_poll(rig):
    tell(rig, "fault 2 leak_current")
    ticket = wait_for(lambda: rig.tickets("?equipment=swh-0002&fault=leak_current_trip"), 25)[0]
    assert ticket["grade"] == 1 and ticket["evidence"] == {"leak_current": 1}


def test_commands_are_done_once_and_answered(rig):
    give = lambda body: rig.call("POST", "/api/v1/equipment/swh-0001/commands", body)
    outcome = lambda key: wait_for(lambda: (lambda c: c if c["state"] not in ("waiting", "sent") else None)(rig.get("/commands/" + key)), 20)
    status, answer = give({"name": "write", "args": {"point": "setpoint", "value": 57.5}})
    assert status == 202
    done = outcome(answer["id"])
    assert done["state"] == "done" and done["result"] == {"point": "setpoint", "value": 57.5}
    again = outcome(give({"name": "write", "args": {"point": "setpoint", "value": 58}})[1]["id"])
    assert again["state"] == "refused" and "ago" in again["reason"]
    assert give({"name": "write", "args": {"point": "setpoint", "value": 99}})[0] == 422
    assert give({"name": "write", "args": {"point": "level", "value": 1}})[0] == 422
    assert outcome(give({"name": "dance"})[1]["id"])["state"] == "unknown"
    read = outcome(give({"name": "read", "args": {"points": ["setpoint", "level"]}})[1]["id"])
    assert [p["name"] for p in read["result"]["points"]] == ["level", "setpoint"]


def test_an_inspection_reads_everything_now(rig):
    status, answer = rig.call("POST", "/api/v1/equipment/swh-0001/inspections")
    assert status == 202
    report = wait_for(lambda: (lambda i: i if i["state"] == "done" else None)(rig.get("/inspections/" + answer["number"])), 20)
    assert report["verdict"] in ("green", "amber", "red")
    assert len(report["points"]) == 17 and {c["light"] for c in report["checks"]} <= {"green", "amber", "red"}
    status, page = rig.call("GET", f"/api/v1/inspections/{answer['number']}?format=html")
    assert status == 200 and "巡检报告" in page


def test_nothing_is_lost_while_the_broker_is_away(rig):
    stored = rig.metric("readings_total")
    broker = rig.programs[0]
    broker.kill()
    time.sleep(12)  # an outage has to last; nothing is waited for here
    rig.programs[0] = rig.broker()
    wait_for(lambda: rig.metric("readings_total") > stored, 40)
    wait_for(lambda: "pending=0" in rig.command("audit").stdout, 40, 0.3, "the backlog is in")
    rig.the_agent.stop()
    assert rig.the_agent.process.returncode == 0
    wait_for(lambda: rig.get("/equipment/swh-0001")["status"] == "offline")
