"""Silence: offline at once, one communication ticket for all that hangs on the link, and the truth when it is back."""
import time
from datetime import datetime

import paho.mqtt.client as mqtt
import pytest
from gateway import Gateway, now_ms
from rig import ROOT, Rig, wait_for


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("outage"))
    (rig.folder / "plans").mkdir()
    (rig.folder / "profiles").mkdir()
    plan = (ROOT / "models/plans/swh_standard.yaml").read_text()
    plan = plan.replace("link_loss_delay: {value: 10m,", "link_loss_delay: {value: 2s,").replace("link_loss_limit: {value: 4h,", "link_loss_limit: {value: 5s,")
    (rig.folder / "plans/swh_standard.yaml").write_text(plan)
    profile = (ROOT / "models/equipment/swh-basic.yaml").read_text()
    (rig.folder / "profiles/swh-basic.yaml").write_text(profile)
    (rig.folder / "profiles/quick.yaml").write_text("""
profile: quick
title: {en: Quick}
defaults: {heartbeat: 500ms}
points:
  - {name: a, every: 100ms, register: {table: input, address: 0, type: uint16}}
  - {name: b, every: 100ms, heartbeat: 1s, register: {table: input, address: 1, type: uint16}}
faults:
  - {id: high, when: "a > 5", for: 2s, grade: 2, component: electrical}
""")
    config = (rig.folder / "server.yaml").read_text()
    rig.write("server.yaml", "come_back: 3s\n" + config.replace("models/equipment", f"{rig.folder}/profiles").replace("models/plans", f"{rig.folder}/plans"))
    rig.broker()
    rig.fleet(["swh-0001", "swh-0002"])
    rig.fleet(["q-1"], agent="gw-q", profile="quick")
    rig.process = rig.server()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    yield rig
    assert rig.process.stop() == 0, rig.process.text()  # 99: a sanitizer had something to say
    rig.close()


def stamp(words):
    return datetime.fromisoformat(words.replace("Z", "+00:00")).timestamp()


def status(rig, equipment):
    return rig.get("/equipment/" + equipment)["status"]


def links(rig, agent):
    return [t for t in rig.tickets() if t["kind"] == "communication" and t["agent"] == agent]


def notices(rig):
    return rig.rows("SELECT subject, key FROM outbox ORDER BY id")


def test_a_will_makes_all_offline_and_one_ticket(rig):
    gw = Gateway(rig, "gw-1", will=True)
    gw.birth(["swh-0001", "swh-0002"], edge=True)
    gw.event(kind="fault", equipment="swh-0001", fault="pump_no_flow", state="raised", grade=2, onset=now_ms() - 60_000)
    gw.wait_have([[1, 1]])
    fault, = [t for t in rig.tickets() if t["kind"] == "fault"]
    wait_for(lambda: status(rig, "swh-0001") == "fault")
    before = rig.get("/tickets/" + fault["number"])
    told = len(notices(rig))
    gw.vanish()
    wait_for(lambda: status(rig, "swh-0001") == "offline" and status(rig, "swh-0002") == "offline", 5)
    ticket, = wait_for(lambda: links(rig, "gw-1"), 10)
    assert (ticket["equipment"], ticket["grade"], ticket["kind"]) == (None, 3, "communication")
    assert ticket["children"] == ["swh-0001", "swh-0002"]
    assert 0 <= stamp(ticket["detected_at"]) - stamp(ticket["onset"]) - 2 < 0.01
    wait_for(lambda: links(rig, "gw-1")[0]["grade"] == 2)
    after = rig.get("/tickets/" + fault["number"])
    assert [after[k] for k in ("state", "grade", "cleared_at")] == [before[k] for k in ("state", "grade", "cleared_at")]
    assert len([t for t in rig.tickets()]) == 2
    # back again: what was kept comes first, then all is as it is
    gw2 = Gateway(rig, "gw-1", mqtt.MQTTv5, epoch=gw.epoch, will=True)
    gw2.seq = gw.seq
    gw2.birth(["swh-0001", "swh-0002"], edge=True)
    wait_for(lambda: status(rig, "swh-0001") == "fault" and status(rig, "swh-0002") == "ok")
    assert links(rig, "gw-1")[0]["cleared_at"]
    # a second loss before it was closed is the same ticket
    gw2.vanish()
    wait_for(lambda: status(rig, "swh-0002") == "offline", 5)
    wait_for(lambda: not links(rig, "gw-1")[0]["cleared_at"], 10)
    assert len(links(rig, "gw-1")) == 1
    print(notices(rig)[told:])
    gw.close()


def test_silence_of_three_heartbeats(rig):
    gw = Gateway(rig, "gw-q")
    gw.birth(["q-1"], profile="quick")
    t0 = now_ms()
    gw.data("q-1", {"a": [[0, 9]], "b": [[0, 1]]}, t0)
    for _ in range(4):  # heard: not offline
        time.sleep(1)
        gw.data("q-1", {"b": [[0, 1]]})
        assert status(rig, "q-1") != "offline"
    began = time.monotonic()
    wait_for(lambda: status(rig, "q-1") == "offline", 10)
    assert 2 < time.monotonic() - began < 6
    ticket, = wait_for(lambda: links(rig, "gw-q"), 10)
    assert ticket["grade"] == 3 and ticket["children"] == ["q-1"]
    # nothing was judged in the silence, whatever was pending
    gw.data("q-1", {"a": [[0, 1]]})
    wait_for(lambda: status(rig, "q-1") != "offline")
    gw.close()


def test_unknown_agents_and_no_equipment(rig):
    gw = Gateway(rig, "gw-empty", will=True)
    gw.birth([])
    gw.vanish()
    time.sleep(4)
    assert links(rig, "gw-empty") == []


def test_downtime_is_silence_and_agents_may_come_back_first(rig):
    gw = Gateway(rig, "gw-q", will=True)
    gw.birth(["q-1"], profile="quick")
    gw.data("q-1", {"b": [[0, 1]]})
    wait_for(lambda: status(rig, "q-1") == "ok")
    for t in links(rig, "gw-q"):
        rig.call("POST", f"/api/v1/tickets/{t['number']}/actions", {"action": "close", "id": "c-" + t["number"], "resolution": "seen"})
    wait_for(lambda: all(t["state"] == "closed" for t in links(rig, "gw-q")))
    open_ = lambda: [t for t in links(rig, "gw-q") if t["state"] != "closed"]
    for comes_back in (True, False):
        rig.process.kill()
        gw.vanish()  # the broker keeps the will; nobody hears it now
        time.sleep(3)
        began = time.monotonic()
        rig.process = rig.server()
        if comes_back:
            gw = Gateway(rig, "gw-q", will=True)
            gw.birth(["q-1"], profile="quick")
        while time.monotonic() - began < 2.5:
            assert open_() == [] and status(rig, "q-1") == "ok", time.monotonic() - began
            gw.data("q-1", {"b": [[0, 1]]}) if comes_back else None
            time.sleep(0.2)
        if comes_back:
            for _ in range(20):
                gw.data("q-1", {"b": [[0, 1]]})
                assert open_() == []
                time.sleep(0.2)
    ticket, = wait_for(open_, 15)
    assert status(rig, "q-1") == "offline" and ticket["onset"] < ticket["registered_at"]


def test_a_link_that_was_lost_before_the_kill_waits_as_well(rig):
    gw = Gateway(rig, "gw-1", will=True)
    gw.birth(["swh-0001", "swh-0002"], edge=True)
    wait_for(lambda: status(rig, "swh-0002") == "ok")
    for t in links(rig, "gw-1"):
        rig.call("POST", f"/api/v1/tickets/{t['number']}/actions", {"action": "close", "id": "c-" + t["number"], "resolution": "seen"})
    wait_for(lambda: all(t["state"] == "closed" for t in links(rig, "gw-1")))
    gw.vanish()
    wait_for(lambda: status(rig, "swh-0002") == "offline")
    rig.process.kill()
    time.sleep(2.5)
    rig.process = rig.server()
    began = time.monotonic()
    while time.monotonic() - began < 2.5:
        assert [t for t in links(rig, "gw-1") if t["state"] != "closed"] == []
        time.sleep(0.2)
    wait_for(lambda: [t for t in links(rig, "gw-1") if t["state"] != "closed"], 10)
