"""SIGKILL of agent, server and broker (which keeps nothing) at random moments: nothing lost, nothing doubled,
one ticket per cause. `./run crash ROUNDS` runs it for long; a seed given by HELIOGRAPH_SEED repeats the dice."""
import json
import os
import random
import shutil
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "wire"))
from counters import PROFILE, Counters  # noqa: E402
from rig import Rig, wait_for  # noqa: E402

ROUNDS = int(os.environ.get("HELIOGRAPH_ROUNDS", "30"))
SEED = int(os.environ.get("HELIOGRAPH_SEED", str(random.randrange(1 << 30))))
UNITS = range(1, 9)
NAMES = {unit: f"swh-{unit:04d}" for unit in UNITS}


class Yard:
    """The programs, what starts each anew, and what the agent's spool was seen to have accepted."""

    def __init__(self, folder):
        self.folder, self.accepted, self.running = folder, {}, {}
        self.counters = Counters(UNITS)
        self.rig = Rig(folder)
        (folder / "profiles").mkdir()
        (folder / "profiles" / "counter.yaml").write_text(PROFILE)
        shutil.copy("models/equipment/swh-basic.yaml", folder / "profiles")
        config = (folder / "server.yaml").read_text().replace("profiles: models/equipment", f"profiles: {folder}/profiles")
        (folder / "server.yaml").write_text(config.replace("plans: models/plans", f"plans: {self.plans()}"))
        self.rig.modbus_port = self.counters.port
        self.start = {"broker": self.rig.broker, "server": self.rig.server, "agent": self.agent}
        self.rig.fleet(NAMES.values(), profile="counter")
        for name in ("broker", "server", "agent"):
            self.running[name] = self.start[name]()
        self.rig.token = self.rig.command("token", "add", "t", "--role", "admin").stdout.split()[-1]

    def plans(self):
        """The dice trip unit 5 often enough to be chattering, which holds its alarm open: here for seconds."""
        shutil.copytree("models/plans", self.folder / "plans")
        plan = self.folder / "plans" / "swh_standard.yaml"
        text = plan.read_text()
        assert "quiet: {value: 30m" in text
        plan.write_text(text.replace("quiet: {value: 30m", "quiet: {value: 5s"))
        return self.folder / "plans"

    def agent(self):
        return self.rig.agent(units=list(NAMES.items()), profile="counter", folder=self.folder / "profiles")

    def look_at_spool(self):
        """What is in the spool's file while nobody has it open: accepted, so it must be stored in the end."""
        spot = self.folder / "look"
        shutil.rmtree(spot, ignore_errors=True)
        spot.mkdir()
        for end in ("", "-wal"):
            if (self.folder / f"gw-1.spool{end}").exists():
                shutil.copy(self.folder / f"gw-1.spool{end}", spot / f"spool{end}")
        with sqlite3.connect(spot / "spool") as file:
            rows = file.execute("SELECT e.name, m.seq, m.bytes FROM message m JOIN epoch e ON e.id = m.epoch").fetchall()
        for epoch, seq, content in rows:
            assert self.accepted.setdefault((epoch, seq), content) == content, f"seed {SEED}: {epoch} {seq} has two contents"
        return rows

    def kill(self, names):
        for name in names:
            self.running[name].kill()
        if "agent" in names:
            self.look_at_spool()
        for name in names:
            self.running[name] = self.start[name]()
        self.rig.programs = list(self.running.values())

    def stop_agent(self):
        assert self.running["agent"].stop() == 0
        return self.look_at_spool()

    def drain(self):
        """Until all that was accepted in earlier lives of the agent has been received and deleted."""
        old = {epoch for epoch, *_ in self.stop_agent()}
        self.running["agent"] = self.agent()
        self.rig.programs = list(self.running.values())

        def rest():
            file = sqlite3.connect(f"file:{self.folder}/gw-1.spool?mode=ro", uri=True, timeout=5)
            try:
                return old & {row[0] for row in file.execute("SELECT DISTINCT e.name FROM message m JOIN epoch e ON e.id = m.epoch")}
            finally:
                file.close()

        wait_for(lambda: not rest(), 90, 0.3, f"the spool gets rid of its old messages, seed {SEED}")
        audit = self.rig.command("audit")
        assert audit.returncode == 0 and "tombstoned=0" in audit.stdout, f"seed {SEED}: {audit.stdout}"

    def close(self):
        self.rig.close()
        self.counters.close()


def check_stored(database, accepted, rest):
    """Every accepted message is there once and as it was; no reading twice; no gap in any counter of any epoch."""
    rows = database.execute("SELECT s.epoch, j.seq, j.body FROM journal j JOIN stream s ON s.id = j.stream").fetchall()
    journal = {(epoch, seq): bytes(body) for epoch, seq, body in rows}
    have = {epoch: json.loads(ranges) for epoch, ranges in database.execute("SELECT epoch, have FROM stream")}
    assert len(journal) == len(rows), f"seed {SEED}: a number is in the journal twice"
    waiting = {(epoch, seq) for epoch, seq, _ in rest}
    compared = 0
    for epoch, ranges in have.items():
        holes = {(epoch, seq) for a, b in zip([[0, 0]] + ranges, ranges) for seq in range(a[1] + 1, b[0])}
        assert holes <= waiting, f"seed {SEED}: {holes - waiting} are neither stored nor in the spool"
    for key, content in accepted.items():
        body = json.loads(content)
        if key in waiting:
            continue
        assert any(a <= key[1] <= b for a, b in have.get(key[0], [])), f"seed {SEED}: {key} was accepted and is not stored"
        if "equipment" in body and key in journal:
            assert json.loads(journal[key]) == body, f"seed {SEED}: {key} is stored with another content"
            compared += 1
    seen, counts = set(), {}
    for (epoch, _), body in sorted(journal.items()):
        message = json.loads(body)
        for equipment, points in message["equipment"].items():
            for point, readings in points.items():
                for offset, value, *quality in readings:
                    key = (equipment, point, message["t0"] + offset)
                    assert key not in seen, f"seed {SEED}: {key} is stored twice"
                    seen.add(key)
                    if point == "count" and not quality:
                        counts.setdefault((epoch, equipment), []).append(value)
    gaps = [(key, a, b) for key, values in counts.items() for a, b in zip(sorted(values), sorted(values)[1:]) if b != a + 1]
    assert not gaps, f"seed {SEED}: read and not stored: {gaps[:5]}"
    return compared, len(seen)


def test_kills_at_random_lose_and_double_nothing(tmp_path):
    print("seed", SEED)
    dice = random.Random(SEED)
    yard = Yard(tmp_path)
    turns = [name for name in ("agent", "server", "broker") for _ in range(ROUNDS)]
    dice.shuffle(turns)
    try:
        yard.counters.trip[3] = 1
        for turn, name in enumerate(turns):
            yard.counters.trip[5] = dice.random() < 0.5
            time.sleep(dice.uniform(0.02, 0.7))  # the moment of the kill is the dice's
            yard.kill([name] if turn % 5 else dice.sample(["agent", "server", "broker"], 2))
        yard.counters.trip[5] = 0
        yard.drain()
        tickets = wait_for(lambda: yard.rig.tickets("?state=open&fault=tripped&equipment=swh-0003"), 60)
        assert len(tickets) == 1 and len(tickets[0]["work_orders"]) == 1, (SEED, tickets)
        wait_for(lambda: all(t["cleared_at"] for t in yard.rig.tickets("?fault=tripped&equipment=swh-0005")), 60,
                 words="the other unit's fault is over")
        rest = yard.stop_agent()
        assert yard.running["server"].stop() == 0
        with sqlite3.connect(tmp_path / "server.db") as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            compared, readings = check_stored(database, yard.accepted, rest)
            one = "SELECT COUNT(*) FROM (SELECT 1 FROM {} GROUP BY {} HAVING COUNT(*) > 1)"
            assert database.execute(one.format("ticket WHERE closed_ms IS NULL", "cause_key")).fetchone() == (0,)
            assert database.execute(one.format("alarm WHERE cleared_ms IS NULL", "equipment, fault")).fetchone() == (0,)
            assert database.execute("SELECT COUNT(*) FROM ticket WHERE fault = 'tripped' AND equipment = (SELECT id FROM"
                                    " equipment WHERE name = 'swh-0003')").fetchone() == (1,)
        print(f"{3 * ROUNDS} kills, {compared} messages compared, {readings} readings, seed {SEED}")
        assert compared > 0
    finally:
        yard.close()
