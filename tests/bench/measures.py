"""The measurements. Each is a function that returns rows of the table; what is counted is verified before a figure is
given: readings stored are readings sent."""
import http.client
import json
import socket
import sqlite3
import threading
import time

import rig
from stand import (SEED, Stand, cpu, finished, median, percentile, resident_mb, say, tool)


def row(what, ours, unit, peer=None, peer_is="", ratio=None, bar=None, reached=None, note="", **more):
    return {"what": what, "ours": ours, "unit": unit, "peer": peer, "peer_is": peer_is, "ratio": ratio, "bar": bar,
            "reached": reached, "note": note, **more}


# ---------------------------------------------------------------- the server's flood

AHEAD = {"ten": 30000, "flat": 30000, "batch": 2000}  # messages on their way; agents too go on only after acks

def flood_ours(shape, messages, edge):
    with Stand() as stand:
        server = stand.heliograph()
        before, began = cpu(server.process.pid), time.monotonic()
        said = finished(stand.flood(shape, messages, 100, edge, ahead=AHEAD[shape], stored=lambda: stand.metric("messages_stored_total")))
        stand.until_stored(said["readings"])
        took, spent = time.monotonic() - began, cpu(server.process.pid) - before
        if not edge:
            prove_judging(stand, "b-0" if shape == "ten" else "b-0-0")
        figures = {"cpu": spent * 1e6 / said["readings"], "rate": messages / took, "rss_mb": resident_mb(server.process.pid)[1],
                   "bytes": said["bytes"] / messages, "readings": said["readings"]}
    say(f"  heliograph: {figures['cpu']:.2f} CPU-s per 1e6 readings, {figures['rate']:,.0f} messages/s")
    return figures


def collected(peer):
    """Readings of the peer's last word."""
    return int(peer.lines[-1].split()[1]) if peer.lines[-1].startswith("stored ") else 0


def prove_judging(stand, equipment):
    """Every reading was judged, so the next bad one must open a ticket; and none of the flood's may have."""
    assert stand.tickets() == [], "the flood's normal values opened a ticket"
    publish = Publisher(stand.mqtt_port, "prover")
    publish.send("heliograph/1/bench-0/data", json.dumps(
        {"v": 1, "epoch": "00000000000000ff", "seq": 1, "t0": int(time.time() * 1000),
         "equipment": {equipment: {"leak_current": [[0, 1]]}}}))
    rig.wait_for(stand.tickets, words="a ticket for the leak: the flood was judged")
    publish.close()


def flood_peer(shape, messages):
    with Stand() as stand:
        peer, path = stand.collector(shape)
        before, began = cpu(peer.process.pid), time.monotonic()
        said = finished(stand.flood(shape, messages, 100, ahead=AHEAD[shape], stored=lambda: collected(peer) // 10))
        rig.wait_for(lambda: f"stored {said['readings']}" in peer.lines, 300, 0.02, "the peer has stored all")
        took, spent = time.monotonic() - began, cpu(peer.process.pid) - before
        rss = resident_mb(peer.process.pid)[1]
        peer.stop()
        with sqlite3.connect(path) as db:
            count = db.execute("SELECT COUNT(*) FROM reading").fetchone()[0]
        assert count == said["readings"], f"the peer stored {count} of {said['readings']}"
    say(f"  node: {spent * 1e6 / said['readings']:.2f} CPU-s per 1e6 readings, {messages / took:,.0f} messages/s")
    return {"cpu": spent * 1e6 / said["readings"], "rate": messages / took, "rss_mb": rss}


def small(rounds=3, messages=200000):
    ours, peer = [], []
    for i in range(rounds):
        say(f"server against Node, {messages:,} messages of 10 readings, round {i + 1} of {rounds}")
        ours.append(flood_ours("ten", messages, False))
        peer.append(flood_peer("ten", messages))
    say("Node once more, with its own form of message (200 bytes, flat)")
    flat = flood_peer("flat", messages)
    mine, theirs = median([o["cpu"] for o in ours]), median([p["cpu"] for p in peer])
    rates = median([o["rate"] for o in ours]), median([p["rate"] for p in peer])
    name = "mqtt.js + better-sqlite3"
    return [row("server CPU per 1e6 readings, 10-reading messages, QoS 1, each judged", mine, "CPU-s", theirs, name,
                mine / theirs, "≤ 0.8 ×", mine / theirs <= 0.8,
                f"same messages of {ours[0]['bytes']:.0f} bytes; Node with flat 200-byte ones: {flat['cpu']:.2f}",
                rounds={"ours": ours, "peer": peer, "flat": flat}),
            row("messages a second of the same run", rates[0], "1/s", rates[1], name, rates[0] / rates[1],
                note="broker, sender and collector share the machine"),
            row("server's largest resident memory there", max(o["rss_mb"] for o in ours), "MB",
                max(p["rss_mb"] for p in peer), name)]


def batches(rounds=3, messages=5000):
    edge, judged = [], []
    for i in range(rounds):
        say(f"server, {messages:,} of the agent's own batches, round {i + 1} of {rounds}")
        edge.append(flood_ours("batch", messages, True))
    say("the same, judged by the server")
    judged.append(flood_ours("batch", messages, False))
    mine = median([e["cpu"] for e in edge])
    return [row("server CPU per 1e6 readings, the agent's own batches", mine, "CPU-s", bar="≤ 0.5", reached=mine <= 0.5,
                note=f"{edge[0]['readings'] / messages:.0f} readings in {edge[0]['bytes'] / 1000:.1f} kB; "
                f"judged by the server as well: {judged[0]['cpu']:.2f}", rounds={"ours": edge, "judged": judged}),
            row("readings a second of the same run", median([e["rate"] * e["readings"] / messages for e in edge]), "1/s")]


# ---------------------------------------------------------------- from value to ticket

class Publisher:
    """MQTT 3.1.1, QoS 1, on a bare socket: what it adds to a latency is known."""

    def __init__(self, port, name):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(b"\x10" + bytes([12 + len(name)]) + b"\0\4MQTT\4\2\0\0" + len(name).to_bytes(2, "big")
                            + name.encode())
        assert self.socket.recv(4)[3] == 0, "the broker refused the connection"
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self):
        try:
            while self.socket.recv(4096):
                pass
        except OSError:
            pass

    def send(self, topic, body):
        body = body.encode()
        rest, size, packet = 4 + len(topic) + len(body), b"", b"\x32"
        while True:
            rest, digit = divmod(rest, 128)
            size += bytes([digit | (128 if rest else 0)])
            if not rest:
                break
        self.socket.sendall(packet + size + len(topic).to_bytes(2, "big") + topic.encode() + b"\0\1" + body)

    def close(self):
        self.socket.close()


class Watcher:
    """Asks the API for the open ticket of one piece of equipment, on one kept connection."""

    def __init__(self, stand):
        stand.tickets()  # makes the token
        self.token = stand.token
        self.connection = http.client.HTTPConnection("127.0.0.1", stand.http_port, timeout=20)

    def sees(self, equipment):
        self.connection.request("GET", f"/api/v1/tickets?state=open&limit=1&equipment={equipment}",
                                headers={"Authorization": f"Bearer {self.token}"})
        return bool(json.loads(self.connection.getresponse().read())["items"])


def probe(stand, name, probes):
    """Milliseconds from the publish to the moment at which GET /tickets shows the ticket."""
    publish, watch, took = Publisher(stand.mqtt_port, name), Watcher(stand), []
    names = [f"{name}-{i}" for i in range(probes)]
    publish.send(f"heliograph/1/{name}/status", json.dumps(
        {"v": 1, "online": True, "epoch": "00000000000000aa", "equipment": {n: {"profile": "swh-basic"} for n in names}}))
    publish.send(f"heliograph/1/{name}/data", json.dumps(
        {"v": 1, "epoch": "00000000000000aa", "seq": 1, "t0": int(time.time() * 1000),
         "equipment": {n: {"leak_current": [[0, 0]]} for n in names}}))
    rig.wait_for(lambda: any(i["id"] == names[-1] for i in stand.get("/equipment?limit=1000")["items"]), words="the equipment")
    for i, equipment in enumerate(names):
        began = time.monotonic()
        publish.send(f"heliograph/1/{name}/data", json.dumps(
            {"v": 1, "epoch": "00000000000000aa", "seq": i + 2, "t0": int(time.time() * 1000),
             "equipment": {equipment: {"leak_current": [[0, 1]]}}}))
        while not watch.sees(equipment):
            assert time.monotonic() - began < 20, f"no ticket for {equipment}"
        took.append((time.monotonic() - began) * 1000)
        time.sleep(0.005 + (i * 7 % 40) / 1000)  # not in step with anything of the server's
    publish.close()
    return took


def latency(probes=200, rate=2000):
    with Stand() as stand:
        stand.heliograph()
        say(f"value to ticket, {probes} probes on an idle server")
        idle = probe(stand, "probe-a", probes)
        say(f"value to ticket, {probes} probes under {rate:,} messages ({10 * rate:,} readings) a second, each judged")
        flood = stand.flood("ten", 10 * rate * 6, 100, rate=rate)
        rig.wait_for(lambda: stand.stored() > 10 * rate, words="the load")
        busy = probe(stand, "probe-b", probes)
        assert flood.process.poll() is None, "the load ended before the probes did"
        flood.process.terminate()
        flood.process.wait()
    rows = []
    for words, took in (("idle", idle), (f"under {10 * rate:,} readings/s", busy)):
        say(f"  {words}: p50 {median(took):.1f} ms, p99 {percentile(took, 99):.1f} ms, max {max(took):.1f} ms")
        rows.append(row(f"value → ticket in GET /tickets, p99, {words}", percentile(took, 99), "ms", bar="≤ 50 ms",
                        reached=percentile(took, 99) <= 50, note=f"p50 {median(took):.1f}, max {max(took):.1f}, {len(took)} probes",
                        p50=median(took), max=max(took)))
    return rows


# ---------------------------------------------------------------- the store

def closed():
    rows = []
    for samples, points, hours, words in ((60, 100, 744, "60 samples an hour"), (3600, 20, 48, "3,600 samples an hour")):
        say(f"closed hours, {points} points × {hours} hours, {words}")
        with Stand() as stand:
            said = tool("store", "closed", stand.folder / "closed.db", points, hours, samples, SEED)
        size = said["file_bytes"] / said["readings"]
        say(f"  {size:.2f} bytes a reading")
        rows.append(row(f"bytes a reading of closed hours, whole file, {words}", size, "bytes", bar="≤ 3", reached=size <= 3,
                        note=f"{said['readings']:,} readings; the packed bodies alone {said['chunk_bytes'] / said['readings']:.2f}; "
                        f"encode, journal and pack: {said['cpu_s'] * 1e6 / said['readings']:.2f} CPU-s per 1e6", figures=said))
    return rows


def late(messages=2_000_000, slices=20):
    """Messages are sent in slices of event time; the rate of each slice is taken from what is stored."""
    marks = []
    with Stand() as stand:
        server = stand.heliograph()
        say(f"{10 * messages:,} readings in {messages:,} messages")
        # event time runs over the last five hours; packing waits for a quiet minute, so none happens on the way
        flood = stand.flood("ten", messages, 1000, spread_ms=9000, ahead=AHEAD["ten"],
                            stored=lambda: stand.metric("messages_stored_total"))
        while not marks or marks[-1][1] < 10 * messages:
            marks.append((time.monotonic(), stand.stored(), cpu(server.process.pid)))
            if flood.process.poll() not in (None, 0):
                raise AssertionError(flood.text())
            if len(marks) % 100 == 0:
                say(f"  {marks[-1][1]:,} stored")
            assert time.monotonic() - marks[0][0] < 600, "20 million readings take more than ten minutes"
            time.sleep(0.1)
        said = finished(flood)
        assert stand.stored() == said["readings"]
        packed, rss = stand.metric("packed_readings_total"), resident_mb(server.process.pid)[1]
    wall, spent = slice_rates(marks, 10 * messages, slices)
    early, after = median(wall[1:5]), median(wall[-5:-1])
    cpu_early, cpu_late = median(spent[1:5]), median(spent[-5:-1])
    say(f"  {early:,.0f} readings/s early, {after:,.0f} late; per CPU-second {cpu_early:,.0f} and {cpu_late:,.0f}")
    return [row("late rate ÷ early rate over 20 million readings", after, "readings/s", early, "the early rate", after / early,
                "≥ 0.9", after / early >= 0.9, f"per CPU-second {cpu_late / cpu_early:.2f}; hours are not packed on the way ({packed:,}); "
                f"resident at most {rss:.0f} MB", wall=wall, per_cpu_s=spent)]


def slice_rates(marks, readings, slices):
    """Readings a second and a CPU-second in each slice of the way."""
    def at(wanted, what):
        for before, after in zip(marks, marks[1:]):
            if after[1] >= wanted:
                share = (wanted - before[1]) / ((after[1] - before[1]) or 1)
                return before[what] + share * (after[what] - before[what])
        return marks[-1][what]
    bounds = [readings * i / slices for i in range(slices + 1)]
    times, cpus = [at(b, 0) for b in bounds], [at(b, 2) for b in bounds]
    size = readings / slices
    return ([size / max(b - a, 1e-9) for a, b in zip(times, times[1:])], [size / max(b - a, 1e-9) for a, b in zip(cpus, cpus[1:])])


def year(points=16):
    say(f"a year of minutes of {points} points, one of them to 500 buckets, against indexed rows")
    with Stand() as stand:
        said = tool("store", "year", stand.folder / "server.db", stand.folder / "rows.db", points, SEED)
        (stand.folder / "rows.db").unlink()
        say(f"  {said['ours_ms']:.1f} ms, rows {said['rows_ms']:.0f} ms; now through the API")
        stand.server()
        stand.tickets()
        watch = http.client.HTTPConnection("127.0.0.1", stand.http_port, timeout=60)
        took = []
        for _ in range(15):
            began = time.monotonic()
            watch.request("GET", f"/api/v1/equipment/b-0/series?point=point_{points // 2}&from=2026-01-01T00:00:00Z"
                          "&to=2027-01-01T00:00:00Z&buckets=500", headers={"Authorization": f"Bearer {stand.token}"})
            series = json.loads(watch.getresponse().read())
            took.append((time.monotonic() - began) * 1000)
            assert sum(series["count"]) == said["samples"] and len(series["t"]) == 500, "the API's series is not whole"
    ratio = said["ours_ms"] / said["rows_ms"]
    return [row("a year of one point (525,600 samples) → 500 buckets, the store's CPU", said["ours_ms"], "ms", said["rows_ms"],
                f"SQLite rows of {points} points in order of arrival, index (point, ts), GROUP BY", ratio, "≤ 1/50", ratio <= 1 / 50,
                f"1/{1 / ratio:.0f}; rows need {said['rows_bytes'] / said['file_bytes']:.0f} times the disk", figures=said),
            row("the same through GET …/series, wall time with JSON", median(took), "ms", said["rows_ms"], "the rows' CPU alone",
                median(took) / said["rows_ms"], note=f"min {min(took):.1f}, max {max(took):.1f}")]
