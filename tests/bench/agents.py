"""What the agent costs, against a bare loop on the same slaves, and how fast a backlog of it drains."""
import json
import sqlite3
import subprocess
import time

import rig
from measures import row
from stand import SEED, Stand, TOOLS, cpu, median, resident_mb, say

SLAVES, REGISTERS = 50, 40


def profile(points):
    lines = "".join(f"  - {{name: point_{i}, unit: °C, register: {{table: holding, address: {i}, type: uint16, scale: 0.1}}}}\n"
                    for i in range(points))
    return f"""profile: bench
version: 1
title: {{en: {points} registers that change every second}}
defaults: {{unit_id: 1, max_registers: 125, gap: 4, timeout: 500ms, pause: 0ms, every: 1s}}
points:
{lines}faults:
  - {{id: too_hot, title: {{en: Too hot}}, when: "point_0 > 9000", for: 10s, grade: 2, component: tank}}
  - {{id: no_lift, title: {{en: No lift}}, when: "point_1 == 1 and point_2 - point_3 > 9000", for: 1m, grade: 3, component: electrical}}
"""


class Field(Stand):
    """Light slaves, a broker, a server, and an agent whose every point changes with every poll."""

    def __enter__(self):
        super().__enter__()
        (self.folder / "profiles").mkdir()
        (self.folder / "profiles" / "bench.yaml").write_text(profile(REGISTERS))
        path = self.folder / "server.yaml"
        path.write_text(path.read_text().replace("profiles: models/equipment", f"profiles: {self.folder}/profiles"))
        self.slaves = self.keep(rig.Program([TOOLS / "slaves", self.modbus_port], "ready", stdin=subprocess.PIPE))
        return self

    def served(self):
        """Registers that the slaves have given away."""
        before = len(self.slaves.lines)
        self.slaves.process.stdin.write("\n")
        self.slaves.process.stdin.flush()
        rig.wait_for(lambda: len(self.slaves.lines) > before, 10, 0.01, "the slaves' counters")
        return json.loads(self.slaves.lines[-1])["registers"]

    def bench_agent(self, buses, slaves):
        wires = "".join(f'  - {{name: lan{b}, tcp: "127.0.0.1:{self.modbus_port}"}}\n' for b in range(buses))
        rows = "".join(f"  - {{id: s-{b}-{u}, bus: lan{b}, unit_id: {u}, profile: bench}}\n"
                       for b in range(buses) for u in range(1, slaves + 1))
        path = self.write("bench.yaml", f"""
agent: {{id: gw-bench}}
broker: {{url: "mqtt://127.0.0.1:{self.mqtt_port}"}}
spool: {{path: {self.folder}/bench.spool, max_bytes: 256MiB, full: drop_oldest}}
buses:
{wires}equipment:
{rows}profiles: {self.folder}/profiles
""")
        return self.keep(rig.Program([rig.BUILD / "heliograph-agent", "--config", path], "ready"))


def steady(field, program, seconds, count):
    """CPU-seconds per 1e6 values while it runs at its pace: count() is what has been delivered."""
    time.sleep(4)  # the first polls, the first acks
    values, spent, began = count(), cpu(program.process.pid), time.monotonic()
    time.sleep(seconds)
    values, spent, took = count() - values, cpu(program.process.pid) - spent, time.monotonic() - began
    return {"cpu": spent * 1e6 / max(values, 1), "values_per_s": values / took, "rss_mb": resident_mb(program.process.pid)}


def run_agent(seconds):
    with Field() as field:
        field.heliograph()
        agent = field.bench_agent(1, SLAVES)
        figures = steady(field, agent, seconds, field.stored)
        served = field.served()
        assert agent.stop() == 0, agent.text()
        # everything that was read arrives; the last poll's readings may have been on their way into the spool
        rig.wait_for(lambda: field.stored() >= served - 2 * SLAVES * REGISTERS, 10, words="what was read is stored")
    say(f"  agent: {figures['cpu']:.2f} CPU-s per 1e6 values, {figures['values_per_s']:,.0f} values/s, resident {figures['rss_mb'][0]:.1f} MB")
    return figures


def run_floor(seconds):
    with Field() as field:
        floor = field.keep(rig.Program([TOOLS / "floor_agent", field.modbus_port, field.mqtt_port, SLAVES, REGISTERS], "ready"))
        figures = steady(field, floor, seconds, field.served)
        served = field.served()
        floor.stop()
        said = json.loads(floor.lines[-1])["values"]
        assert said >= served, f"the floor published {said} values of {served}"
    say(f"  floor: {figures['cpu']:.2f} CPU-s per 1e6 values, {figures['values_per_s']:,.0f} values/s")
    return figures


def memory_rows(where, settled, peak, note=""):
    """Both of what "resident" may mean: when it runs, and the most it ever had, which is while it starts."""
    return [row(f"agent's resident memory, {where}, settled", settled, "MB", bar="≤ 8 MB", reached=settled <= 8, note=note),
            row(f"agent's resident memory, {where}, at most (its start)", peak, "MB", bar="≤ 8 MB", reached=peak <= 8)]


def agent(rounds=5, seconds=40):
    ours, floor = [], []
    for i in range(rounds):
        say(f"agent against a bare libmodbus + Paho loop, {SLAVES} slaves × {REGISTERS} registers at 1 s, round {i + 1} of {rounds}")
        ours.append(run_agent(seconds))
        floor.append(run_floor(seconds))
    mine, bare = median([o["cpu"] for o in ours]), median([f["cpu"] for f in floor])
    spread = lambda rounds: f"{min(r['cpu'] for r in rounds):.2f} to {max(r['cpu'] for r in rounds):.2f}"
    ratios = [o["cpu"] / f["cpu"] for o, f in zip(ours, floor)]
    ratio = median(ratios)
    settled, peak = (max(o["rss_mb"][i] for o in ours) for i in (0, 1))
    return [row(f"agent CPU per 1e6 values, {SLAVES} slaves × {REGISTERS} at 1 s", mine, "CPU-s", bare,
                "bare libmodbus + Paho, QoS 0, no spool", ratio, "≤ 2 ×", ratio <= 2,
                f"each value with time, judged, spooled to disk, acked; {rounds} rounds of {seconds} s: ours {spread(ours)}, floor {spread(floor)}, "
                f"ratios of pairs {min(ratios):.2f} to {max(ratios):.2f}, their median is shown", rounds={"ours": ours, "floor": floor}),
            *memory_rows(f"{SLAVES} × {REGISTERS}", settled, peak)]


def memory(seconds=20):
    say("agent's memory, 4 buses × 32 slaves × 40 points at 1 s")
    with Field() as field:
        field.heliograph()
        program = field.bench_agent(4, 32)
        figures = steady(field, program, seconds, field.stored)
    settled, peak = figures["rss_mb"]
    say(f"  resident {settled:.1f} MB, at most {peak:.1f} MB")
    return memory_rows("4 buses × 32 slaves × 40 points at 1 s", settled, peak,
                       f"{figures['values_per_s']:,.0f} values/s, {figures['cpu']:.2f} CPU-s per 1e6")


# ---------------------------------------------------------------- a backlog

def fill_spool(field, messages):
    """An agent that was cut off: its own spool file, filled with messages as it makes them. Returns the readings."""
    agent = field.bench_agent(1, 1)
    agent.stop()
    path, end_ms = field.folder / "bench.spool", int(time.time() * 1000)
    made = subprocess.run([str(TOOLS / "flood"), "print", "batch", str(messages), "1", "1", str(end_ms), "1000", "0", str(SEED), "0"],
                          capture_output=True, text=True, check=True)
    readings = 0
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO epoch (name) VALUES ('0000000000000001')")
        epoch = db.execute("SELECT id FROM epoch WHERE name = '0000000000000001'").fetchone()[0]
        for seq, body in enumerate(made.stdout.splitlines(), 1):
            message = json.loads(body)
            readings += sum(len(series) for points in message["equipment"].values() for series in points.values())
            db.execute("INSERT INTO message (epoch, seq, class, t_ms, bytes) VALUES (?, ?, 2, ?, ?)",
                       (epoch, seq, message["t0"], body.encode()))
    db.close()
    return readings


def drain(wanted=1_000_000):
    say("a backlog of 1 million readings in an agent's spool, drained end to end")
    with Field() as field:
        per_message = fill_spool(field, 1)
        (field.folder / "bench.spool").unlink()
        readings = fill_spool(field, -(-wanted // per_message))
        server = field.heliograph()
        before, began = cpu(server.process.pid), time.monotonic()
        agent = field.bench_agent(1, 1)
        rig.wait_for(lambda: field.stored() >= readings, 300, 0.02, "the backlog is stored")
        took, served = time.monotonic() - began, cpu(server.process.pid) - before
        spent = cpu(agent.process.pid)

        time.sleep(2.5)  # the last ack comes within a second
        agent.stop()
        with sqlite3.connect(field.folder / "bench.spool") as db:
            kept = db.execute("SELECT COUNT(*) FROM message m JOIN epoch e ON e.id = m.epoch WHERE e.name ="
                              " '0000000000000001'").fetchone()[0]
        db.close()
        assert kept == 0, f"{kept} messages are still in the spool"
    say(f"  {readings / took:,.0f} readings/s; agent {spent:.2f} CPU-s, server {served:.2f} CPU-s")
    return [row("backlog of 1 million readings, agent's spool → stored", readings / took, "readings/s",
                note=f"{readings:,} readings in {took:.1f} s; agent {spent * 1e6 / readings:.2f}, server "
                f"{served * 1e6 / readings:.2f} CPU-s per 1e6; the spool was empty at the end")]
