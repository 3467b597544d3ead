"""Silence, lateness, faults at the edge, and what stands after a restart."""
import time

import pytest
from rig import wait_for
from roof import Roof
from field import Pty

HOT = """faults:
  - {id: hot, title: {en: Hot, zh: 热}, when: "r0 > 90", for: 600ms, clear: "r0 < 80", clear_for: 500ms, grade: 2, component: tank,
     ladder: [{after: 2s, grade: 1}]}
  - {id: open, title: {en: Open, zh: 开}, when: "r1 == 1", grade: 3, component: electrical}
"""


def words(n, every="200ms", unit=None):
    return [f"{{name: r{a}, every: {every}, register: {{table: holding, address: {a}, type: uint16}}}}" for a in range(n)]


@pytest.fixture
def roof(tmp_path):
    roof = Roof(tmp_path)
    yield roof
    assert not roof.desk.wrong and not roof.desk.doubles
    roof.close()


def test_a_fault_lives_at_the_edge_and_across_a_restart(roof):
    roof.field.put(1, "holding", 0, 20, 0)
    roof.profile(words(2), more=HOT)
    slave, bus = roof.tcp()
    roof.config([bus], [("swh-0001", 0, 1, "p")])
    agent = roof.start()
    roof.last("r0", 20)
    roof.field.put(1, "holding", 0, 95)
    raised = wait_for(lambda: roof.desk.events("fault", fault="hot", state="raised"))[0]
    event = raised["event"]
    onset = wait_for(lambda: [t for t, v, _ in roof.desk.readings("r0") if v == 95])[0]  # the event may overtake it
    assert event["onset"] == onset and event["equipment"] == "swh-0001" and event["grade"] == 2
    assert event["evidence"] == {"r0": 95}
    assert 600 <= raised["t0"] - onset <= 900
    roof.field.put(1, "holding", 1, 1)
    at_once = wait_for(lambda: roof.desk.events("fault", fault="open", state="raised"), 3)[0]
    assert at_once["event"]["onset"] == at_once["t0"]
    agent.kill()
    count = len(roof.field.requests)
    roof.start()
    wait_for(lambda: roof.desk.events("fault", fault="hot", state="regraded"), 10)
    regraded = roof.desk.events("fault", fault="hot", state="regraded")[0]["event"]
    assert regraded["grade"] == 1 and regraded["onset"] == onset
    wait_for(lambda: len(roof.field.requests) > count + 12)
    roof.field.put(1, "holding", 0, 70, 0)
    cleared = wait_for(lambda: roof.desk.events("fault", fault="hot", state="cleared"))[0]["event"]
    assert cleared["onset"] == onset
    wait_for(lambda: roof.desk.events("fault", fault="open", state="cleared"))
    assert len(roof.desk.events("fault", fault="hot")) == 3 and len(roof.desk.events("fault", fault="open")) == 2
    agent = roof.rig.programs[-1]
    agent.stop()
    count = len(roof.field.requests)
    roof.start()
    wait_for(lambda: len(roof.field.requests) > count + 10)
    assert len(roof.desk.events("fault")) == 5, "what was cleared stays so"


def test_the_event_is_there_before_waiting_data(roof):
    """A server that acks nothing and a flood of values: the fault overtakes what waits."""
    roof.desk.acking = False
    roof.field.put(1, "holding", 0, 20, 0)
    roof.profile(words(2), more=HOT)
    slave, bus = roof.tcp()
    roof.config([bus], [("swh-0001", 0, 1, "p")])
    roof.start()
    roof.last("r0", 20)
    roof.rig.programs[0].kill()
    for i in range(30):
        roof.field.put(1, "holding", 0, 30 + i)
        count = len(roof.field.requests)
        wait_for(lambda: len(roof.field.requests) > count)
    roof.field.put(1, "holding", 1, 1)
    count = len(roof.field.requests)
    wait_for(lambda: len(roof.field.requests) > count + 1)
    roof.rig.programs[0] = roof.rig.broker()
    seen = len(roof.desk.messages)
    wait_for(lambda: roof.desk.events("fault", fault="open"), 60)  # tries are up to 30 s apart
    first = roof.desk.messages[seen]
    assert first[0] == "event" and first[1]["event"]["fault"] == "open"


def test_a_silent_slave_slows_nobody_and_is_told_once(roof):
    for unit in (1, 2, 3, 4):
        roof.field.put(unit, "holding", 0, unit)
    roof.profile(words(1, "500ms"), defaults="{timeout: 200ms}")
    slave, bus = roof.tcp()
    units = (1, 2, 3, 4, 8, 9)          # 8 and 9 are not there
    roof.config([bus], [(f"swh-{u}", 0, u, "p") for u in units])
    agent = roof.start()
    wait_for(lambda: len(roof.desk.events("bus", state="lost")) == 2, 20)
    lost = roof.desk.events("bus", state="lost", unit_id=8)[0]["event"]
    assert lost["bus"] == "bus-0" and lost["equipment"] == ["swh-8"] and set(lost["diagnosis"]) == {"en", "zh"}
    assert lost["counters"]["timeouts"] >= 3
    roof.last("r0", None, "timeout", equipment="swh-8")
    began = len(roof.field.requests)
    wait_for(lambda: len(roof.field.requests) > began + 80, 40)
    for unit in (1, 2, 3, 4):
        at = [r[0] for r in roof.field.requests[began:] if r[1] == unit]
        gaps = sorted(b - a for a, b in zip(at, at[1:]))
        assert gaps[len(gaps) // 2] < 0.6 and gaps[-1] < 1.2, gaps
    roof.field.put(8, "holding", 0, 8)
    roof.last("r0", 8, equipment="swh-8", seconds=40)
    wait_for(lambda: roof.desk.events("bus", state="back", unit_id=8))
    assert len(roof.desk.readings("r0", "swh-8")) == 2, "null once per change"
    agent.kill()
    roof.start()
    count = len([r for r in roof.field.requests if r[1] == 9])
    wait_for(lambda: len([r for r in roof.field.requests if r[1] == 9]) > count + 2, 30)
    roof.field.put(9, "holding", 0, 9)
    wait_for(lambda: roof.desk.events("bus", state="back", unit_id=9), 40)
    assert len(roof.desk.events("bus")) == 4, [m["event"] for m in roof.desk.events("bus")]


@pytest.mark.parametrize("wire,late", [("tcp", 0.45), ("pty", 0.75), ("rtu_over_tcp", 1.3)])
def test_late_answers_never_become_values(roof, wire, late):
    """Six registers in six reads of one length; answers that come late must not be taken for the next one's."""
    roof.field.put(1, "holding", 0, *[7] * 60)
    at = [0, 10, 20, 30, 40, 50]
    for a in at:
        roof.field.put(1, "holding", a, 1000 + a)
    roof.profile([f"{{name: r{a}, every: 250ms, register: {{table: holding, address: {a}, type: uint16}}}}" for a in at],
                 defaults="{timeout: 300ms, gap: 0}")
    if wire == "pty":
        roof.keep(Pty(roof.field, roof.folder / "tty"))
        bus = f"serial: {{device: {roof.folder}/tty, baud: 115200}}"
    else:
        bus = roof.tcp(rtu=wire != "tcp")[1]
    roof.config([bus], [("swh-0001", 0, 1, "p")])
    roof.start()
    for a in at:
        roof.last(f"r{a}", 1000 + a)
    for _ in range(2):
        roof.field.once[1] = late
        wait_for(lambda: 1 not in roof.field.once)
        wait_for(lambda: all(roof.desk.last(f"r{a}") == (1000 + a, "good") for a in at), 20)
        count = len(roof.field.requests)
        wait_for(lambda: len(roof.field.requests) > count + 12)
    roof.field.delay[1] = late          # and a slave that always is
    count = len(roof.field.requests)
    wait_for(lambda: len(roof.field.requests) > count + 4, 30)
    roof.field.delay.clear()
    wait_for(lambda: all(roof.desk.last(f"r{a}") == (1000 + a, "good") for a in at), 40)
    for a in at:
        assert {v for _, v, _ in roof.desk.readings(f"r{a}")} <= {None, 1000 + a}


def test_a_converter_is_pulled_and_comes_back(roof):
    roof.field.put(1, "holding", 0, 5)
    roof.field.put(2, "holding", 0, 6)
    roof.profile(words(1))
    pty = roof.keep(Pty(roof.field, roof.folder / "tty"))
    slave, lan = roof.tcp()
    roof.config([f"serial: {{device: {roof.folder}/tty, baud: 9600}}", lan], [("swh-0001", 0, 1, "p"), ("swh-0002", 1, 2, "p")])
    agent = roof.start()
    roof.last("r0", 5)
    pty.pull()
    roof.last("r0", None, "timeout")
    wait_for(lambda: roof.desk.events("bus", state="lost"), 20)
    roof.last("r0", 6, equipment="swh-0002")
    pty.open()
    roof.last("r0", 5, seconds=30)
    wait_for(lambda: roof.desk.events("bus", state="back"))
    pty.pull()
    assert agent.stop() == 0


def test_a_peer_that_hangs_up_refuses_or_freezes(roof):
    roof.field.put(1, "holding", 0, 5)
    roof.profile(words(1))
    slave, bus = roof.tcp()
    roof.config([bus], [("swh-0001", 0, 1, "p")])
    agent = roof.start()
    roof.last("r0", 5)
    slave.drop()
    count = len(roof.field.requests)
    wait_for(lambda: len(roof.field.requests) > count + 3)
    assert len(roof.desk.readings("r0")) == 1, "an idle hang-up costs one reconnect and no reading"
    slave.close()
    roof.last("r0", None, "timeout")
    slave.open()
    roof.last("r0", 5, seconds=20)
    slave.frozen = True
    roof.last("r0", None, "timeout")
    slave.frozen = False
    slave.drop()
    roof.last("r0", 5, seconds=30)
    slave.frozen = True
    began = time.monotonic()
    assert agent.stop() == 0 and time.monotonic() - began < 10
