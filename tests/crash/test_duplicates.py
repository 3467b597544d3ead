"""The same causes are raised again and again, over many connections at once, by events and by people, while the server is
killed at random: in the end there is one open alarm, one ticket and one work order per cause, and every message is stored
once. HELIOGRAPH_RAISES says how many raises; a seed given by HELIOGRAPH_SEED repeats the dice."""
import json
import os
import random
import sqlite3
import sys
import threading
import time

import paho.mqtt.client as mqtt

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "wire"))
from rig import Rig, wait_for  # noqa: E402

RAISES = int(os.environ.get("HELIOGRAPH_RAISES", "4000"))
SEED = int(os.environ.get("HELIOGRAPH_SEED", str(random.randrange(1 << 30))))
EQUIPMENT = [f"swh-{n:04d}" for n in range(1, 21)]
FAULTS = ("pump_no_flow", "tank_empty", "leak_current_trip", "heater_no_rise", "refill_failed")
CAUSES = [(equipment, fault) for equipment in EQUIPMENT for fault in FAULTS]
RAISERS, CALLERS, BURST = 8, 4, 400


class Raiser(threading.Thread):
    """One connection with an epoch of its own, all of the one agent that may speak for the equipment: what is not
    acknowledged is sent again."""

    def __init__(self, rig, number, share):
        super().__init__(daemon=True)
        self.epoch, self.lock = f"{number + 1:016x}", threading.Lock()
        dice, now = random.Random(SEED + number), int(time.time() * 1000)
        self.pending = {seq: self.message(seq, now + seq, *dice.choice(CAUSES)) for seq in range(1, share + 1)}
        self.client = mqtt.Client(f"raiser-{number}", protocol=mqtt.MQTTv311)
        self.client.on_message = self.heard
        self.client.on_connect = lambda client, *_: client.subscribe("heliograph/1/gw-1/ack", 1)
        self.client.connect("127.0.0.1", rig.mqtt_port)
        self.client.loop_start()

    def message(self, seq, at, equipment, fault):
        return json.dumps({"v": 1, "epoch": self.epoch, "seq": seq, "t0": at, "event": {
            "kind": "fault", "equipment": equipment, "fault": fault, "state": "raised", "grade": 2, "onset": at}})

    def heard(self, client, user, message):
        said = json.loads(message.payload)
        if said["epoch"] == self.epoch:
            with self.lock:
                for first, last in said["have"]:
                    for seq in [s for s in self.pending if first <= s <= last]:
                        del self.pending[seq]

    def run(self):
        while True:
            with self.lock:
                burst = list(self.pending.items())[:BURST]
            if not burst:
                return
            for _, payload in burst:
                self.client.publish("heliograph/1/gw-1/event", payload, 1)
            end = time.monotonic() + 1.5  # acks come a second apart
            while time.monotonic() < end and any(seq in self.pending for seq, _ in burst):
                time.sleep(0.05)


class Caller(threading.Thread):
    """Somebody who reports the same causes by HTTP, again when there was no answer."""

    def __init__(self, rig, number, stop):
        super().__init__(daemon=True)
        self.rig, self.dice, self.stop, self.answers = rig, random.Random(SEED - number), stop, 0

    def run(self):
        while not self.stop.is_set():
            equipment, fault = self.dice.choice(CAUSES)
            try:
                status, body = self.rig.call("POST", "/api/v1/tickets", {"equipment": equipment, "fault": fault, "note": "cold water"})
                assert status in (200, 201, 503), body
                self.answers += status != 503
            except OSError:
                time.sleep(0.1)


class Actor(threading.Thread):
    """Somebody whose phone sends every action until it is answered, and each answered one once more."""

    def __init__(self, rig, number, stop):
        super().__init__(daemon=True)
        self.rig, self.number, self.stop, self.answered = rig, number, stop, []

    def act(self, ticket, name):
        while not self.stop.is_set():
            try:
                status, body = self.rig.call("POST", f"/api/v1/tickets/{ticket}/actions", {"action": "note", "id": name, "note": "on my way"})
                assert status in (200, 503), body
                if status == 200:
                    return True
            except OSError:
                time.sleep(0.05)
        return False

    def run(self):
        count = 0
        while not self.stop.is_set():
            try:
                ticket = self.rig.get("/tickets?limit=1&equipment=" + EQUIPMENT[self.number])["items"][0]["number"]
            except (OSError, IndexError, AssertionError):
                time.sleep(0.1)
                continue
            for _ in range(20):
                count += 1
                name = f"phone-{self.number}-{count}"
                if self.act(ticket, name):
                    self.answered.append(name)
                    self.act(ticket, name)


def one_each(database):
    """What there is of every cause, and of what there may be only one."""
    return {(equipment, fault): counts for equipment, fault, *counts in database.execute(
        "SELECT e.name, t.fault, COUNT(DISTINCT t.id), (SELECT COUNT(*) FROM alarm a WHERE a.equipment = e.id AND a.fault = t.fault),"
        " (SELECT COUNT(*) FROM work_order w JOIN ticket x ON x.id = w.ticket WHERE x.equipment = e.id AND x.fault = t.fault)"
        " FROM ticket t JOIN equipment e ON e.id = t.equipment GROUP BY e.name, t.fault")}


def test_twenty_thousand_raises_are_one_each(tmp_path):
    print("seed", SEED)
    dice, rig, stop = random.Random(SEED), Rig(tmp_path), threading.Event()
    try:
        rig.broker()
        rig.fleet(EQUIPMENT)
        rig.server()
        rig.call("GET", "/api/v1/tickets")
        raisers = [Raiser(rig, n, RAISES // RAISERS) for n in range(RAISERS)]
        callers = [Caller(rig, n, stop) for n in range(CALLERS)]
        actors = [Actor(rig, n, stop) for n in range(2)]
        for thread in raisers + callers + actors:
            thread.start()
        kills = 0
        while any(raiser.is_alive() for raiser in raisers):
            time.sleep(dice.uniform(0.05, 1.2))  # the moment of the kill is the dice's
            if kills < RAISES // 250:
                rig.programs[-1].kill()
                rig.programs.pop()
                rig.server()
                kills += 1
        wait_for(lambda: not any(raiser.pending for raiser in raisers), 120, words=f"every raise is stored, seed {SEED}")
        stop.set()
        for thread in callers + actors:
            thread.join(30)
        said = rig.command("audit").stdout
        assert f"accepted={RAISES // RAISERS * RAISERS} stored={RAISES // RAISERS * RAISERS} tombstoned=0 pending=0" in said, (SEED, said)
        rig.programs[-1].stop()
        with sqlite3.connect(tmp_path / "server.db") as database:
            found = one_each(database)
            assert set(found) == set(CAUSES), f"seed {SEED}"
            wrong = {cause: counts for cause, counts in found.items() if counts != [1, 1, 1]}
            assert not wrong, f"seed {SEED}: tickets, alarms, orders of {wrong}"
            events = database.execute("SELECT COUNT(*) FROM event WHERE kind = 'fault'").fetchone()[0]
            assert events == RAISES // RAISERS * RAISERS, f"seed {SEED}: every raise is in the record once"
            notes = dict(database.execute("SELECT action_id, COUNT(*) FROM ticket_event WHERE action = 'note' GROUP BY action_id"))
            answered = [name for actor in actors for name in actor.answered]
            assert not [n for n in answered if notes.get(n) != 1], f"seed {SEED}: what was answered is there once"
        answers = sum(caller.answers for caller in callers)
        print(f"{RAISES} raises over {RAISERS} connections, {answers} reports, {len(answered)} actions, {kills} kills, seed {SEED}")
        assert kills > 3 and answers > 10 and len(answered) > 10
    finally:
        stop.set()
        rig.close()
