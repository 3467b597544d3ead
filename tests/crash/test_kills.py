"""SIGKILL of agent, server and broker at random: nothing lost, nothing doubled, one ticket per cause."""
import os
import random
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "wire"))
from rig import Rig, wait_for  # noqa: E402

ROUNDS = int(os.environ.get("HELIOGRAPH_ROUNDS", "30"))
SEED = int(os.environ.get("HELIOGRAPH_SEED", str(random.randrange(1 << 30))))


def test_kills_at_random_lose_and_double_nothing(tmp_path):
    print("seed", SEED)
    dice = random.Random(SEED)
    rig = Rig(tmp_path)
    names = [f"swh-{i:04d}" for i in range(1, 9)]
    profile = open("models/equipment/swh-basic.yaml").read().replace("every: 10s", "every: 100ms", 1)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "swh-basic.yaml").write_text(profile)
    running = {"broker": rig.broker()}
    rig.fleet(names)
    running["server"] = rig.server()
    rig.token = rig.command("token", "add", "t", "--role", "admin").stdout.split()[-1]
    plant = rig.plant(8, "--speed", "30")
    start_agent = lambda: rig.agent(units=[(i + 1, n) for i, n in enumerate(names)], folder=tmp_path / "profiles")
    running["agent"] = start_agent()
    plant.process.stdin.write("fault 3 leak_current\n")
    plant.process.stdin.flush()
    start = {"broker": rig.broker, "server": rig.server, "agent": start_agent}
    try:
        for round_ in range(ROUNDS):
            for victim in ("agent", "server", "broker"):
                time.sleep(dice.uniform(0.05, 0.5))
                running[victim].kill()
                running[victim] = start[victim]()
        wait_for(lambda: rig.metric("broker_connected") == 1, 60)
        wait_for(lambda: rig.tickets("?fault=leak_current_trip"), 60)
        time.sleep(3)
        assert running["agent"].stop() == 0
        spool = lambda: sqlite3.connect(f"file:{tmp_path}/gw-1.spool?mode=ro", uri=True).execute(
            "SELECT e.name, m.seq, m.bytes FROM message m JOIN epoch e ON e.id = m.epoch").fetchall()
        running["agent"] = start_agent()
        end = time.monotonic() + 60
        while True:  # every number of every epoch that has ended must come in
            audit = rig.command("audit").stdout
            line = next(l for l in audit.splitlines() if "agent=gw-1 " in l)
            if "pending=0" in line or time.monotonic() > end:
                break
            time.sleep(0.3)
        running["agent"].stop()
        assert "pending=0" in line and "tombstoned=0" in line, (SEED, line)
        open_ = [t for t in rig.tickets() if t["fault"] == "leak_current_trip" and t["equipment"] == "swh-0003"]
        assert len(open_) == 1, (SEED, open_)
        assert len(open_[0]["work_orders"]) == 1
        running["server"].stop()
        db = sqlite3.connect(f"{tmp_path}/server.db")
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT COUNT(*) FROM (SELECT 1 FROM journal GROUP BY stream, seq HAVING COUNT(*) > 1)").fetchone() == (0,)
        assert db.execute("SELECT COUNT(*) FROM ticket").fetchone()[0] == len({r[0] for r in db.execute("SELECT cause_key FROM ticket")})
        # what the agent still holds is only what came after the last receipt
        assert len(spool()) < 50
    finally:
        rig.close()
