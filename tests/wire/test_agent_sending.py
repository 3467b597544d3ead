"""What the agent sends and when: reporting, acks, sending again, status, will, clean stops, kill -9."""
import json
import random
import time

import pytest
from desk import Desk
from rig import wait_for
from roof import Roof

SIX = [f"{{name: r{a}, every: 200ms, register: {{table: holding, address: {a}, type: uint16}}}}" for a in range(6)]


@pytest.fixture
def roof(tmp_path, request):
    roof = Roof(tmp_path, acking=getattr(request, "param", True))
    roof.field.put(1, "holding", 0, *range(10))
    roof.slave, roof.bus = roof.tcp()
    yield roof
    assert roof.desk is None or (not roof.desk.wrong and not roof.desk.doubles)
    roof.close()


def churn(roof, stop=lambda: False):
    roof.field.put(1, "holding", 0, *[random.randrange(60000) for _ in range(6)])


def test_reported_by_deadband_quality_and_heartbeat(roof):
    roof.profile(["{name: any, every: 200ms, heartbeat: 2s, register: {table: holding, address: 0, type: int16}}",
                  "{name: dead, every: 200ms, deadband: 0.5, register: {table: holding, address: 1, type: int16, scale: 0.1}}",
                  "{name: beat, every: 300ms, heartbeat: 700ms, register: {table: holding, address: 2, type: int16}}",
                  "{name: calm, every: 200ms, register: {table: holding, address: 2, type: int16}}"])
    roof.field.put(1, "holding", 0, 10, 200, 7)
    roof.config([roof.bus], [("swh-0001", 0, 1, "p")])
    roof.start()
    roof.last("dead", 20)
    for raw in (201, 203, 204):         # below a deadband of 0.5: not told
        roof.field.put(1, "holding", 1, raw)
        roof.field.put(1, "holding", 0, raw)
        roof.last("any", raw)
    roof.field.put(1, "holding", 1, 205)
    roof.last("dead", 20.5)
    assert [v for _, v, _ in roof.desk.readings("dead")] == [20, 20.5]
    wait_for(lambda: len(roof.desk.readings("beat")) > 8)
    beats = [t for t, _, _ in roof.desk.readings("beat")]
    assert all(b - a <= 770 for a, b in zip(beats, beats[1:])), beats
    assert len(roof.desk.readings("calm")) == 1, "the usual heartbeat is ten minutes"


def test_in_the_spool_within_a_second_and_sent_within_two(roof):
    roof.profile(SIX)
    roof.config([roof.bus], [("swh-0001", 0, 1, "p")])
    roof.start()
    roof.last("r0", 0)
    for value in range(1000, 1010):
        roof.field.put(1, "holding", 0, value)
        wait_for(lambda: roof.desk.last("r0") == (value, "good"))
        assert time.time() * 1000 - roof.desk.readings("r0")[-1][0] < 3000


@pytest.mark.parametrize("roof", [False], indirect=True)
def test_unacked_goes_again_after_30_s_and_after_each_connect(roof):
    roof.profile(SIX)
    roof.config([roof.bus], [("swh-0001", 0, 1, "p")])
    roof.start()
    roof.last("r0", 0)
    first = roof.desk.of("data")[0]["seq"]
    times = lambda: [at for c, m, at, _ in roof.desk.messages if c == "data" and m["seq"] == first]
    wait_for(lambda: len(times()) == 2, 40, words="sent again")
    assert 28 <= times()[1] - times()[0] <= 34
    roof.desk.acking = True
    roof.desk.ack_all()
    churn(roof)
    time.sleep(1)       # the ack is taken within that
    count = len(times())
    roof.rig.programs[0].kill()
    roof.rig.programs[0] = roof.rig.broker()
    back = wait_for(lambda: [s for s in roof.desk.statuses if s[0]["online"]][1:], 30)
    churn(roof)
    wait_for(lambda: roof.desk.last("r5")[0] == roof.field.get(1, "holding", 5))
    assert len(times()) == count and back


@pytest.mark.parametrize("roof", [False], indirect=True)
def test_events_first_then_data_by_number_after_a_connect(roof):
    roof.profile(SIX, more='faults: [{id: odd, title: {en: Odd, zh: 奇}, when: "r5 == 1", grade: 1, component: pump}]\n')
    roof.config([roof.bus], [("swh-0001", 0, 1, "p")])
    roof.start()
    roof.last("r0", 0)
    for i in range(4):
        roof.field.put(1, "holding", 0, 100 + i)
        roof.field.put(1, "holding", 5, i % 2)
        roof.last("r0", 100 + i)
    roof.rig.programs[0].kill()
    for i in range(3):
        roof.field.put(1, "holding", 0, 200 + i)
        roof.field.put(1, "holding", 5, i % 2)
        count = len(roof.field.requests)
        wait_for(lambda: len(roof.field.requests) > count + 8)
    seen = len(roof.desk.messages)
    roof.rig.programs[0] = roof.rig.broker()
    roof.last("r0", 202, seconds=60)
    wait_for(lambda: len(roof.desk.events("fault", state="raised")) >= 3)
    order = [(c, m["seq"]) for c, m, _, _ in roof.desk.messages[seen:]]
    lead = [c for c, _ in order]
    events = sum(c != "data" for c in lead)
    assert set(lead[:events]) == {"event"}, order
    numbers = [n for c, n in order if c == "data"]
    assert numbers == sorted(numbers)
    down, up = [s for s in roof.desk.statuses][0], roof.desk.statuses[-1]
    assert down[0]["online"] and up[0]["online"]


def test_status_birth_will_and_good_bye(roof):
    roof.profile(SIX)
    roof.config([roof.bus], [("swh-0001", 0, 1, "p"), ("swh-0002", 0, 2, "p")])
    agent = roof.start()
    birth = wait_for(lambda: roof.desk.statuses)[0][0]
    assert birth["v"] == 1 and birth["online"] is True and birth["edge"] is True and birth["version"]
    assert abs(birth["t"] - time.time() * 1000) < 60000 and set(birth["spool"]) >= {"messages", "bytes"}
    assert set(birth["equipment"]) == {"swh-0001", "swh-0002"} and birth["equipment"]["swh-0001"]["profile"] == "p"
    assert len(birth["equipment"]["swh-0001"]["hash"]) == 16
    roof.last("r0", 0)
    agent.kill()
    will = wait_for(lambda: [s for s in roof.desk.statuses if not s[0]["online"]])[0][0]
    assert will == {"v": 1, "online": False, "epoch": birth["epoch"]}
    agent = roof.start()
    again = wait_for(lambda: [s for s in roof.desk.statuses if s[0]["online"]][1:])[-1][0]
    assert again["epoch"] != birth["epoch"]
    began = time.monotonic()
    assert agent.stop() == 0 and time.monotonic() - began < 10
    bye = wait_for(lambda: [s for s in roof.desk.statuses if not s[0]["online"]][1:])[-1][0]
    assert bye["epoch"] == again["epoch"] and "version" in bye, "said by itself, not by the will"
    late = roof.keep(Desk(roof.rig.mqtt_port))
    assert wait_for(lambda: late.statuses)[0][0:2] == (bye, True), "retained"


def test_kill_9_loses_nothing_that_was_accepted(roof):
    """Each kill at a random moment; the broker is away for some. Numbers of every epoch come whole; none has two
    contents; a value that stood for a second before the kill arrives."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    roof.profile(SIX)
    roof.config([roof.bus], [("swh-0001", 0, 1, "p")])
    expected = []
    for turn in range(8):
        away = turn % 3 == 2
        if away:
            roof.rig.programs[0].kill()
        agent = roof.start()
        value = 1000 + turn
        roof.field.put(1, "holding", 3, value)
        count = len(roof.field.requests)
        wait_for(lambda: len(roof.field.requests) > count + 2)
        time.sleep(1.2 + chance.random())   # how long it runs is the test's input
        agent.kill()
        expected.append(value)
        if away:
            roof.rig.programs[0] = roof.rig.broker()
    roof.start()
    for value in expected:
        wait_for(lambda: value in [v for _, v, _ in roof.desk.readings("r3")], 30, words=f"{value}")
    wait_for(lambda: all(not roof.desk.missing(e) for e in roof.desk.stored), 60, words="whole epochs")


def test_a_slave_and_a_broker_that_hang_do_not_hold_up_the_end(roof):
    roof.profile(SIX, defaults="{timeout: 4s}")
    roof.config([roof.bus], [("swh-0001", 0, 1, "p"), ("swh-0002", 0, 2, "p")])
    agent = roof.start()
    roof.last("r0", 0)
    roof.slave.frozen = True
    roof.rig.programs[0].process.send_signal(19)    # SIGSTOP: it keeps the connection and says nothing
    count = len(roof.field.requests)
    time.sleep(1)
    began = time.monotonic()
    assert agent.stop() == 0, agent.text()
    assert time.monotonic() - began < 10
    roof.rig.programs[0].process.send_signal(18)
