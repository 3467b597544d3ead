"""A storm of faults: how soon each of 2,000 is a ticket that the API shows."""
import json
import threading
import time

import rig
from measures import Publisher, row
from stand import Stand, median, percentile, say

FAULTS, GATEWAYS = 2000, 40
EPOCH = "00000000000000ab"


class Watch(threading.Thread):
    """Reads the list of open tickets where it went on, on one kept connection; notes when each was first seen."""

    def __init__(self, stand):
        super().__init__(daemon=True)
        self.stand, self.seen, self.enough = stand, {}, False

    def run(self):
        cursor = ""
        while not self.enough:
            page = self.stand.get(f"/tickets?state=open&kind=fault&limit=50{cursor}")
            now = time.monotonic()
            for ticket in page["items"]:
                self.seen.setdefault(ticket["equipment"], now)
            cursor = f"&cursor={page['next']}" if page["next"] else cursor


def message(seq, readings, t0):
    return json.dumps({"v": 1, "epoch": EPOCH, "seq": seq, "t0": t0, "equipment": readings})


def storm_at(stand, name, rate):
    """rate: faults a second; 0: all at once. Milliseconds of each, and seconds until all are there."""
    publish, each = [Publisher(stand.mqtt_port, f"{name}-{g}") for g in range(GATEWAYS)], FAULTS // GATEWAYS
    names = [[f"{name}-{g}-{i}" for i in range(each)] for g in range(GATEWAYS)]
    now = int(time.time() * 1000)
    before = stand.stored()
    for g, one in enumerate(publish):
        one.send(f"heliograph/1/{name}-{g}/status", json.dumps({"v": 1, "online": True, "epoch": EPOCH, "equipment": {
            n: {"profile": "swh-basic"} for n in names[g]}}))
        one.send(f"heliograph/1/{name}-{g}/data", message(1, {n: {"leak_current": [[0, 0]]} for n in names[g]}, now))
    rig.wait_for(lambda: stand.stored() >= before + FAULTS, 60, words="the equipment")
    watch = Watch(stand)
    watch.start()
    sent, began = {}, time.monotonic()
    for i in range(FAULTS):
        g, k = i % GATEWAYS, i // GATEWAYS
        if rate:
            time.sleep(max(0.0, began + i / rate - time.monotonic()))
        sent[names[g][k]] = time.monotonic()
        publish[g].send(f"heliograph/1/{name}-{g}/data", message(k + 2, {names[g][k]: {"leak_current": [[0, 1]]}}, now + 1000))
    rig.wait_for(lambda: all(n in watch.seen for n in sent), 120, 0.05, "a ticket for every fault")
    watch.enough = True
    watch.join()
    for one in publish:
        one.close()
    return [(watch.seen[n] - sent[n]) * 1000 for n in sent], max(watch.seen[n] for n in sent) - began


def storm():
    rows = []
    for name, rate, words in (("paced", 200, f"{FAULTS:,} faults in 10 s"), ("burst", 0, f"{FAULTS:,} faults at once")):
        with Stand() as stand:
            stand.heliograph()
            say(f"storm: {words}")
            took, seconds = storm_at(stand, name, rate)
        say(f"  p50 {median(took):.1f} ms, p99 {percentile(took, 99):.1f} ms, all after {seconds:.1f} s")
        rows.append(row(f"fault → ticket in GET /tickets, p99, {words}", percentile(took, 99), "ms",
                        note=f"p50 {median(took):.1f}, max {max(took):.1f}; all tickets {seconds:.1f} s after the first fault; seen by one reader of"
                        " the whole list", p50=median(took), max=max(took)))
    return rows
