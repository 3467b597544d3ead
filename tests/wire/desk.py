"""The server's role by paho-mqtt, independent of our server: it keeps what agents say, checks every message against
the contract, and acks (or does not)."""
import json
import re
import threading
import time

import paho.mqtt.client as mqtt

QUALITIES = {"good", "stale", "timeout", "exception", "illegal", "invalid", "range", "clock"}


class Desk:
    def __init__(self, port, agent="gw-1", acking=True, user=None):
        self.agent, self.acking = agent, acking
        self.lock = threading.RLock()
        self.messages = []       # (channel, message, monotonic time, bytes), in the order of their coming
        self.stored = {}         # epoch: {seq: text}
        self.doubles = []        # one number, two contents
        self.wrong = []          # what breaks the contract
        self.statuses = []
        self.client = mqtt.Client(client_id="desk", protocol=mqtt.MQTTv5)
        if user:
            self.client.username_pw_set(*user)
        self.client.on_message = self._take
        self.client.on_connect = lambda *_: self.client.subscribe(f"heliograph/1/{agent}/+", qos=1)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect_async("127.0.0.1", port)
        self.client.loop_start()

    def close(self):
        self.client.loop_stop()
        self.client.disconnect()

    def _take(self, client, _, m):
        channel = m.topic.rsplit("/", 1)[1]
        if channel in ("ack", "command", "config"):
            return
        with self.lock:
            if len(m.payload) > 65536:
                self.wrong.append(f"{len(m.payload)} bytes on {channel}")
            message = json.loads(m.payload.decode())
            if channel == "status":
                self.statuses.append((message, m.retain, time.monotonic()))
                return
            self._check(channel, message)
            self.messages.append((channel, message, time.monotonic(), len(m.payload)))
            epoch = self.stored.setdefault(message["epoch"], {})
            text = m.payload.decode()
            if epoch.setdefault(message["seq"], text) != text:
                self.doubles.append((message["epoch"], message["seq"]))
            if self.acking:
                self.ack(message["epoch"])

    def _check(self, channel, message):
        wrong = self.wrong.append
        if message.get("v") != 1 or not re.fullmatch("[0-9a-f]{16}", message.get("epoch", "")):
            wrong(f"envelope of {message}")
        if not isinstance(message.get("seq"), int) or message["seq"] < 1 or not isinstance(message.get("t0"), int):
            wrong(f"envelope of {message}")
        if channel == "data":
            for points in message["equipment"].values():
                for readings in points.values():
                    for reading in readings:
                        quality = reading[2] if len(reading) == 3 else "good"
                        null = reading[1] is None
                        if quality not in QUALITIES or null != (quality in ("timeout", "exception", "illegal", "invalid")):
                            wrong(f"reading {reading}")
        elif channel == "event":
            event = message["event"]
            if event["kind"] == "tombstone" and event["count"] != event["to"] - event["from"] + 1:
                wrong(f"tombstone {event}")
        elif channel == "reply" and message["state"] not in ("done", "refused", "failed", "expired", "unknown"):
            wrong(f"reply {message}")

    def ack(self, epoch):
        with self.lock:
            numbers, have = sorted(self.stored.get(epoch, {})), []
            for n in numbers:
                if have and have[-1][1] == n - 1:
                    have[-1][1] = n
                else:
                    have.append([n, n])
        self.client.publish(f"heliograph/1/{self.agent}/ack", json.dumps({"v": 1, "epoch": epoch, "have": have}), qos=1)

    def ack_all(self):
        for epoch in list(self.stored):
            self.ack(epoch)

    def command(self, name, equipment="swh-0001", args=None, key=None, expires=None):
        key = key or f"c-{time.monotonic_ns()}"
        body = {"v": 1, "id": key, "name": name, "args": args or {}}
        if equipment:
            body["equipment"] = equipment
        if expires is not None:
            body["expires"] = expires
        self.client.publish(f"heliograph/1/{self.agent}/command", json.dumps(body), qos=1)
        return key

    # ------------------------------------------------------------ looking

    def of(self, channel):
        with self.lock:
            return [m for c, m, _, _ in self.messages if c == channel]

    def readings(self, point, equipment="swh-0001", unique=True):
        """[(t, value, quality)] in the order of their numbers, each message once."""
        with self.lock:
            seen, out = set(), []
            for c, m, _, _ in self.messages:
                if c != "data" or (unique and (m["epoch"], m["seq"]) in seen):
                    continue
                seen.add((m["epoch"], m["seq"]))
                for r in m["equipment"].get(equipment, {}).get(point, []):
                    out.append((m["t0"] + r[0], r[1], r[2] if len(r) == 3 else "good"))
            return out

    def last(self, point, equipment="swh-0001"):
        found = self.readings(point, equipment)
        return found[-1][1:] if found else None

    def events(self, kind=None, **fields):
        """Each once: what was not acked before a kill rightly comes again."""
        once = {(m["epoch"], m["seq"]): m for m in self.of("event")}
        return [m for m in once.values() if (kind is None or m["event"]["kind"] == kind)
                and all(m["event"].get(k) == v for k, v in fields.items())]

    def reply(self, key):
        found = [m for m in self.of("reply") if m["command"] == key]
        return found[0] if found else None

    def missing(self, epoch):
        """Numbers up to the highest seen that neither came nor lie under a tombstone."""
        with self.lock:
            have = set(self.stored.get(epoch, {}))
            for m in self.events("tombstone", epoch=epoch):
                have |= set(range(m["event"]["from"], m["event"]["to"] + 1))
            return set(range(1, max(have, default=0) + 1)) - have
