"""A disk without a free byte under the spool: a small tmpfs. What was accepted arrives or lies under a tombstone, new readings
and faults are taken in, and the reserve comes back with the room."""
import os
import subprocess
import time

import pytest
from rig import wait_for
from test_agent_spool import FAULT, POINTS, Watch, drained
from roof import Roof

RESERVE = 512 * 1024    # an eighth of the quota below


@pytest.fixture
def disk(tmp_path):
    """Mounted before the roof is built and unmounted after it is gone."""
    folder = tmp_path / "state"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1200k", "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    if subprocess.run(["umount", str(folder)]).returncode:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def roof(disk, tmp_path):
    roof = Roof(tmp_path)
    roof.field.put(1, "holding", 0, *range(118), 0, 0)
    roof.profile(POINTS, defaults="{timeout: 500ms, max_registers: 120}", more=FAULT)
    roof.slave, roof.bus = roof.tcp()
    roof.config([roof.bus], [("swh-0001", 0, 1, "p")], spool="max_bytes: 4MiB, full: drop_oldest")
    yield roof
    roof.close()
    assert not roof.desk.wrong and not roof.desk.doubles


def reserve(disk):
    try:
        return (disk / "spool.db-reserve").stat().st_size
    except FileNotFoundError:
        return 0


def fill(disk):
    """Somebody else takes every byte that is left."""
    with open(disk / "other", "ab", buffering=0) as other:
        try:
            while True:
                other.write(bytes(4096))
        except OSError:
            pass


def more_polls(roof, count):
    count += len(roof.field.requests)
    wait_for(lambda: len(roof.field.requests) > count, 60)


def ends_quickly(agent):
    began = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - began < 10


def nothing_was_dropped(agent):
    assert " dropped" not in agent.text(), agent.text()


def test_a_spool_that_fills_the_disk_goes_on(disk, roof):
    roof.rig.programs[0].kill()
    agent = roof.start()
    assert reserve(disk) == RESERVE
    watch = Watch(roof)
    wait_for(lambda: "under the spool is full" in agent.text(), 90, words="a full disk")
    roof.field.put(1, "holding", 119, 1)                # a fault while it is full
    wait_for(lambda: agent.text().count("under a tombstone") >= 4, 90, words=lambda: agent.text()[-2000:])
    assert watch.end() <= 4 << 20 and not reserve(disk)
    roof.field.put(1, "holding", 7, 60001)
    more_polls(roof, 20)
    roof.rig.programs[0] = roof.rig.broker()
    wait_for(lambda: roof.desk.of("data"), 60)
    roof.last("r7", 60001, seconds=60)
    drained(roof)
    assert {t["event"]["reason"] for t in roof.desk.events("tombstone")} == {"disk full"}
    assert roof.desk.events("fault", fault="odd", state="raised")
    wait_for(lambda: reserve(disk) == RESERVE, 120, words=lambda: f"the reserve\n{os.listdir(disk)}\n{agent.text()[-1000:]}")
    wait_for(lambda: "has room again" in agent.text())
    assert agent.text().count("under the spool is full") == 1, "said once"
    nothing_was_dropped(agent)
    ends_quickly(agent)


def test_a_disk_that_somebody_else_fills(disk, roof):
    """The spool is far below its quota; it also starts on such a disk."""
    agent = roof.start()
    roof.last("r7", 7)
    roof.desk.acking = False
    fill(disk)
    watch = Watch(roof)
    wait_for(lambda: "under the spool is full" in agent.text(), 60, words="a full disk")
    roof.field.put(1, "holding", 119, 1)
    wait_for(lambda: roof.desk.events("fault", fault="odd", state="raised"), 30)
    more_polls(roof, 40)
    watch.end()
    roof.field.put(1, "holding", 7, 60001)
    roof.last("r7", 60001, seconds=60)
    (disk / "other").unlink()
    wait_for(lambda: reserve(disk) == RESERVE, 30, words=lambda: f"the reserve\n{agent.text()[-1000:]}")
    roof.desk.acking = True
    roof.desk.ack_all()
    drained(roof)
    nothing_was_dropped(agent)
    ends_quickly(agent)
    fill(disk)
    agent = roof.start()
    roof.field.put(1, "holding", 7, 60002)
    roof.last("r7", 60002, seconds=30)
    assert "under the spool is full" in agent.text() and "set aside" not in agent.text()
    ends_quickly(agent)
