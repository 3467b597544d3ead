"""The spool: its quota on disk at all times, its policies, bad files, a disk that is full."""
import os
import random
import resource
import sqlite3
import subprocess
import threading
import time

import pytest
from rig import BUILD, wait_for
from roof import Roof

POINTS = [f"{{name: r{a}, every: 50ms, register: {{table: holding, address: {a}, type: uint16}}}}" for a in range(120)]
FAULT = 'faults: [{id: odd, title: {en: Odd, zh: 奇}, when: "r119 == 1", grade: 1, component: pump}]\n'


@pytest.fixture
def roof(tmp_path):
    roof = Roof(tmp_path)
    roof.field.put(1, "holding", 0, *range(118), 0, 0)
    roof.profile(POINTS, defaults="{timeout: 500ms, max_registers: 120}", more=FAULT)
    roof.slave, roof.bus = roof.tcp()
    yield roof
    assert not roof.desk.wrong and not roof.desk.doubles
    roof.close()


class Watch(threading.Thread):
    """The most that the spool's files ever weigh, and values that never stand still."""

    def __init__(self, roof):
        super().__init__(daemon=True)
        self.roof, self.most, self.turn, self.ended = roof, 0, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.004):
            self.turn += 1
            self.roof.field.put(1, "holding", 0, self.turn, *[random.randrange(60000) for _ in range(117)])
            self.most = max(self.most, weight(self.roof))

    def end(self):
        self.ended.set()
        self.join()
        return self.most


def weight(roof):
    total = 0
    for path in roof.spool_path.parent.glob(roof.spool_path.name + "*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            pass
    return total


def stood_still(roof):
    """Sampling has stopped: the spool grows no more although polls go on."""
    last, since = 0, len(roof.field.requests)

    def still():
        nonlocal last, since
        size = weight(roof)
        if size != last:
            last, since = size, len(roof.field.requests)
        return size > 500000 and len(roof.field.requests) > since + 100
    wait_for(still, 120, words=lambda: f"a spool that stands still; it weighs {last}")


def drained(roof):
    """All that the spool had is with the desk, and acked. While no value moves: else there is always something."""
    waiting = None

    def empty():
        nonlocal waiting
        file = sqlite3.connect(f"file:{roof.spool_path}?mode=ro", uri=True, timeout=10)
        try:
            waiting = file.execute("SELECT count(*) FROM message").fetchone()[0]
        finally:
            file.close()
        return waiting == 0
    wait_for(empty, 120, words=lambda: f"an empty spool; {waiting} messages wait")
    for epoch in roof.desk.stored:
        assert not roof.desk.missing(epoch)


@pytest.mark.parametrize("policy", ["thin_oldest", "drop_oldest", "stop_sampling"])
def test_the_quota_holds_and_faults_outlive_data(roof, policy):
    roof.config([roof.bus], [("swh-0001", 0, 1, "p")], spool=f"max_bytes: 1MiB, full: {policy}")
    roof.rig.programs[0].kill()
    roof.start()
    watch = Watch(roof)
    for i in range(6):          # faults at the very beginning: the oldest of all
        roof.field.put(1, "holding", 119, (i + 1) % 2)
        count = len(roof.field.requests)
        wait_for(lambda: len(roof.field.requests) > count + 2)
    full = lambda: roof.rig.programs[-1].text()
    if policy == "stop_sampling":
        stood_still(roof)
    else:
        wait_for(lambda: full().count("under a tombstone") >= 5, 90, words="a full spool")
    assert watch.end() <= 1 << 20
    roof.field.put(1, "holding", 7, 60001)  # once, while sampling may stand still: it must not be forgotten
    count = len(roof.field.requests)
    wait_for(lambda: len(roof.field.requests) > count + 40)
    roof.rig.programs[0] = roof.rig.broker()
    wait_for(lambda: roof.desk.of("data"), 60)
    drained(roof)
    assert len(roof.desk.events("fault")) == 6, "faults are given up last"
    tombs = roof.desk.events("tombstone")
    if policy == "stop_sampling":
        assert not tombs
    else:
        assert tombs and {t["event"]["reason"] for t in tombs} <= {"full", "thinned"}
    if policy == "thin_oldest":
        assert "thinned" in {t["event"]["reason"] for t in tombs}
    counted = sorted((t, v) for t, v, _ in roof.desk.readings("r0"))
    assert len(set(counted)) == len(counted), "nothing comes doubled"
    assert [v for _, v in counted] == sorted(v for _, v in counted), "values keep their times"
    roof.last("r7", 60001, seconds=60)
    roof.field.put(1, "holding", 7, 60002)
    roof.last("r7", 60002, seconds=60)


def test_a_bad_file_is_set_aside_and_what_can_be_read_is_saved(roof):
    config = roof.config([roof.bus], [("swh-0001", 0, 1, "p")])
    roof.rig.programs[0].kill()
    agent = roof.start()
    roof.field.put(1, "holding", 5, 4711)
    count = len(roof.field.requests)
    wait_for(lambda: len(roof.field.requests) > count + 60)
    agent.stop()
    data = bytearray(roof.spool_path.read_bytes())
    for page in range(len(data) // 4096 - 3, len(data) // 4096):    # the last pages: messages at the end
        data[page * 4096:page * 4096 + 200] = os.urandom(200)
    roof.spool_path.write_bytes(data)
    agent = roof.start()
    assert "set aside" in agent.text() and list(roof.spool_path.parent.glob("bad-*"))
    roof.rig.programs[0] = roof.rig.broker()
    wait_for(lambda: 4711 in [v for _, v, _ in roof.desk.readings("r5")], 30)
    wait_for(lambda: len({m["epoch"] for m in roof.desk.of("data")}) == 2, 30, words="the older epoch's messages, under their names")
    agent.stop()
    roof.spool_path.write_bytes(b"no database at all" * 1000)
    agent = roof.start()
    assert "set aside" in agent.text()
    roof.field.put(1, "holding", 5, 4712)
    roof.last("r5", 4712)


def test_refused_clearly_when_held_or_not_writable(roof):
    config = roof.config([roof.bus], [("swh-0001", 0, 1, "p")])
    roof.start()
    second = subprocess.run([str(BUILD / "heliograph-agent"), "--config", str(config)], capture_output=True, text=True, timeout=20)
    assert second.returncode == 2 and "another process" in second.stderr, second.stderr
    text = config.read_text().replace(str(roof.spool_path), "/proc/no/spool.db")
    config = roof.rig.write("other.yaml", text)
    third = subprocess.run([str(BUILD / "heliograph-agent"), "--config", str(config)], capture_output=True, text=True, timeout=20)
    assert third.returncode == 2 and "/proc/no/spool.db" in third.stderr, third.stderr


def test_a_disk_that_takes_no_more(roof):
    """Writes fail while the disk is full (a limit on the file's size stands for it): clear words, commands are still
    answered, the end comes in time, and when there is room again everything goes on."""
    config = roof.config([roof.bus], [("swh-0001", 0, 1, "p")])
    agent = roof.start()
    roof.last("r7", 7)
    soft, hard = resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE)
    agent_limit = lambda n: resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (n, hard))
    roof.desk.acking = False
    agent_limit(4096)
    roof.field.put(1, "holding", 7, 1234)
    roof.field.put(1, "holding", 119, 1)
    wait_for(lambda: "cannot be written" in agent.text(), 20)
    assert agent.process.poll() is None
    watch = Watch(roof)                                             # more than memory may hold
    count = len(roof.field.requests)
    wait_for(lambda: len(roof.field.requests) > count + 60)
    watch.end()
    roof.field.put(1, "holding", 7, 60001)
    count = len(roof.field.requests)
    wait_for(lambda: len(roof.field.requests) > count + 10)
    agent_limit(soft)
    roof.desk.acking = True
    roof.desk.ack_all()
    roof.last("r7", 60001, seconds=60)
    assert "readings are dropped" not in agent.text()
    assert 1234 in [v for _, v, _ in roof.desk.readings("r7")]
    wait_for(lambda: roof.desk.events("fault", fault="odd", state="raised"), 30)
    drained(roof)
    agent_limit(4096)
    roof.field.put(1, "holding", 7, 1235)
    wait_for(lambda: agent.text().count("cannot be written") > 1, 20)
    began = time.monotonic()
    agent.stop()
    assert time.monotonic() - began < 10
