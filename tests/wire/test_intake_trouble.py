"""Trouble around the database and the broker: each is said, counted and waited out, and nothing is lost."""
import json
import resource
import sqlite3
import subprocess
import time

import pytest
from gateway import Gateway, now_ms
from rig import BUILD, ROOT, Program, Rig, wait_for


class Patient(Gateway):
    """Keeps what is not acked and sends it again, as every gateway must (only faster)."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.kept = {}

    def give(self, equipment, readings, t0=None):
        message = {**self.envelope(now_ms() if t0 is None else t0), "equipment": {equipment: readings}}
        self.kept[message["seq"]] = message
        self.send("data", message)

    def settle(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            have = self.have() or []
            if have == [[1, self.seq]]:
                return
            for seq, message in self.kept.items():
                if not any(a <= seq <= b for a, b in have):
                    self.send("data", message)
            time.sleep(1)
        raise AssertionError(f"not acked: {self.have()} of {self.seq}")


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path)
    yield rig
    rig.close()


@pytest.fixture
def running(rig):
    rig.broker()
    rig.fleet()
    rig.process = rig.server()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    return rig


def trouble(gw, t0, equipment="swh-0001"):
    """Readings that raise pump_no_flow, and a few behind them."""
    for k in range(12):
        gw.give(equipment, {"pump_on": [[0, 1]], "flow": [[0, 0.0]]}, t0 + k * 10_000)


def database(rig):
    return sqlite3.connect(f"{rig.folder}/server.db", timeout=10, isolation_level=None)


def counts(db):
    ask = lambda q: db.execute(q).fetchone()[0]
    return tuple(ask(f"SELECT COUNT(*) FROM {t}") for t in ("alarm", "ticket", "work_order WHERE kind = 'corrective'")) + (
        ask("SELECT COUNT(*) > 0 FROM clock WHERE subject = 'ticket'"), ask("SELECT COUNT(*) > 0 FROM outbox WHERE ticket IS NOT NULL"))


@pytest.mark.parametrize("table", ["alarm", "ticket", "clock", "work_order", "outbox", "journal"])
def test_all_that_follows_from_a_reading_stands_or_falls_together(running, table):
    db = database(running)
    db.execute(f"CREATE TRIGGER boom BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'boom'); END")
    gw = Patient(running)
    gw.birth(["swh-0001"])
    trouble(gw, now_ms() - 120_000)
    gw.give("swh-0002", {"flow": [[0, 1.0]]})
    if table == "journal":
        wait_for(lambda: running.metric("messages_failed_total") == 13)
    else:
        gw.wait_ack(13)
    failing = counts(db)
    assert failing == (0, 0, 0, 0, 0), failing  # none of it without the rest
    stored = db.execute("SELECT seq FROM journal").fetchall()
    assert (7,) not in stored and (7,) not in [(s,) for a, b in gw.have() or [] for s in range(a, b + 1)]
    db.execute("DROP TRIGGER boom")
    gw.settle()
    assert counts(db) == (1, 1, 1, 1, 1)
    assert db.execute("SELECT COUNT(*) FROM journal").fetchone()[0] == 13
    assert db.execute("SELECT COUNT(*) FROM quarantine").fetchone()[0] == 0


def test_a_full_disk_loses_nothing(running):
    gw = Patient(running)
    gw.birth(["swh-0001"])
    gw.give("swh-0001", {"flow": [[0, 5.0]]}, now_ms() - 600_000)
    gw.wait_have([[1, 1]])
    pid = running.process.process.pid
    free = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (100, free[1]))  # no file may grow
    trouble(gw, now_ms() - 120_000)
    wait_for(lambda: running.metric("commit_failures_total") > 0)
    assert gw.have() == [[1, 1]]
    assert running.call("GET", "/readyz", token=False)[0] in (200, 503) and running.call("GET", "/healthz", token=False)[0] == 200
    assert any("cannot be written" in l for l in running.process.lines)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, free)
    gw.settle()
    wait_for(running.tickets)
    assert counts(database(running)) == (1, 1, 1, 1, 1)
    assert running.command("audit").stdout.splitlines()[0] == "agent=gw-1 accepted=13 stored=13 tombstoned=0 pending=0"
    assert running.process.stop() == 0


def test_a_database_that_another_process_holds(running):
    gw = Patient(running)
    gw.birth(["swh-0001"])
    db = database(running)
    db.execute("BEGIN EXCLUSIVE")
    trouble(gw, now_ms() - 120_000)
    wait_for(lambda: running.metric("database_locked_total") > 0)
    assert any("locked by another process" in l for l in running.process.lines)
    assert gw.have() is None and running.call("GET", "/healthz", token=False)[0] == 200
    db.execute("COMMIT")
    gw.settle()
    assert counts(db) == (1, 1, 1, 1, 1)


def test_a_database_that_another_process_holds_at_the_start(rig):
    rig.broker()
    rig.fleet()
    db = database(rig)
    db.execute("BEGIN EXCLUSIVE")
    server = rig.keep(Program([BUILD / "heliograph-server", "--config", rig.folder / "server.yaml"]))
    wait_for(lambda: any("locked" in l for l in server.lines), words="the server says that it waits")
    assert "ready" not in server.lines
    db.execute("ROLLBACK")
    wait_for(lambda: "ready" in server.lines)
    # a second one is refused at once, with the reason
    second = rig.command()
    assert second.returncode == 2 and "held by another process" in second.stderr


@pytest.mark.parametrize("content", ["text", "other", "folder", "nowhere", "newer"])
def test_a_wrong_database_is_refused(rig, content):
    path = rig.folder / "server.db"
    if content == "text":
        path.write_text("this is no database\n" * 100)
    elif content == "other":
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE message (id INTEGER)")
        db.close()
    elif content == "folder":
        path.mkdir()
    elif content == "nowhere":
        rig.write("server.yaml", (rig.folder / "server.yaml").read_text().replace("/server.db", "/no/such/folder/server.db"))
    else:
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
        db.execute("INSERT INTO schema_version VALUES (99)")
        db.commit()
        db.close()
    before = path.read_bytes() if path.is_file() else None
    result = rig.command()
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1, result.stderr
    assert "server.db" in result.stderr
    if content == "other":
        assert sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchall() == [("message",)]
    elif before is not None and content == "text":
        assert path.read_bytes() == before


def test_a_broker_that_is_not_there(rig):
    rig.fleet()
    server = rig.server()  # ready without one
    assert any("no broker" in l for l in server.lines) or wait_for(lambda: any("no broker" in l for l in server.lines))
    assert rig.metric("broker_connected") == 0 and rig.get("/equipment/swh-0001")["status"] in ("ok", "offline")
    wait_for(lambda: rig.metric("broker_absent_total") > 0)
    broker = rig.broker()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    gw = Patient(rig)
    gw.give("swh-0001", {"flow": [[0, 5.0]]})
    gw.settle()
    broker.kill()
    wait_for(lambda: rig.metric("broker_losses_total") == 1)
    assert rig.metric("broker_connected") == 0
    rig.broker()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    gw.give("swh-0001", {"flow": [[0, 6.0]]})
    wait_for(lambda: gw.client.is_connected() and gw.have() is not None)
    gw.client.subscribe(gw.topic("ack"), 1)
    gw.settle()
    assert server.stop() == 0


def history(rig, kills):
    """An hour's backlog with two faults in it, one of them still there; the server is killed in between."""
    gw = Patient(rig)
    gw.birth(["swh-0001"])
    t0 = now_ms() // 1000 * 1000 - 3600_000
    server = rig.process
    for k in range(120):
        on, flow = 1, 6.0
        if 20 <= k < 40 or k >= 100:
            flow = 0.0
        gw.give("swh-0001", {"pump_on": [[0, on]], "flow": [[0, flow]], "collector_temp": [[0, 60 + k % 7]]}, t0 + k * 30_000)
        if k in kills:
            if k % 2:
                gw.wait_ack(k + 1)
            server.kill()
            server = rig.server()
            wait_for(lambda: rig.metric("broker_connected") == 1)
            gw.settle()  # what was not acked goes first
    gw.settle()
    db = database(rig)
    alarms = db.execute("SELECT fault, grade, onset_ms - ?, detected_ms - ?, cleared_ms - ?, late FROM alarm ORDER BY id", (t0,) * 3).fetchall()
    tickets = db.execute("SELECT fault, kind, grade, onset_ms - ?, late, closed_ms IS NULL FROM ticket ORDER BY id", (t0,)).fetchall()
    # the fault that still stands is told once the backlog has been judged
    wait_for(lambda: db.execute("SELECT 1 FROM outbox WHERE ticket IS NOT NULL").fetchone(), 120, words="somebody is told")
    notices = db.execute("SELECT subject, ticket FROM outbox WHERE ticket IS NOT NULL").fetchall()
    gw.close()
    return alarms, tickets, notices


def test_kills_in_the_middle_of_a_backlog_change_no_ticket(tmp_path):
    told = []
    for name, kills in (("calm", ()), ("killed", (19, 21, 22, 39, 41, 100, 101, 102))):
        (tmp_path / name).mkdir()
        rig = Rig(tmp_path / name)
        try:
            rig.broker()
            rig.fleet()
            rig.process = rig.server()
            wait_for(lambda: rig.metric("broker_connected") == 1)
            told.append(history(rig, kills))
        finally:
            rig.close()
    assert told[0][:2] == told[1][:2]
    alarms, tickets, notices = told[0]
    assert [a[0] for a in alarms] == ["pump_no_flow"] * 2 and alarms[0][2] == 20 * 30_000 and alarms[0][4] == 40 * 30_000
    assert alarms[1][2] == 100 * 30_000 and alarms[1][4] is None
    assert tickets == [("pump_no_flow", "fault", 1, 20 * 30_000, 1, 1)], tickets
    assert all({ticket for _, ticket in each[2]} == {1} for each in told), told
