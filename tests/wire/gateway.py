"""An agent made by somebody else: it knows the messages of docs/protocol.md and nothing of the project's code."""
import json
import random
import time

import paho.mqtt.client as mqtt
from rig import wait_for


def now_ms():
    return int(time.time() * 1000)


class Gateway:
    def __init__(self, rig, name="gw-1", version=mqtt.MQTTv311, epoch=None, will=False):
        self.name, self.epoch, self.seq = name, epoch or f"{random.getrandbits(64):016x}", 0
        self.acks, self.commands = [], []  # (monotonic time, message)
        self.client = mqtt.Client(name, protocol=version)
        self.client.on_message = self._heard
        self.subscribed = []
        self.client.on_subscribe = lambda *a: self.subscribed.append(a)
        if will:
            self.client.will_set(self.topic("status"), json.dumps({"v": 1, "online": False, "epoch": self.epoch}), 1, True)
        self.client.connect("127.0.0.1", rig.mqtt_port)
        self.client.loop_start()
        self.client.subscribe([(self.topic("ack"), 1), (self.topic("command"), 1)])
        wait_for(lambda: self.subscribed, words="the gateway's subscriptions")

    def topic(self, channel):
        return f"heliograph/1/{self.name}/{channel}"

    def _heard(self, client, user, message):
        said = json.loads(message.payload)
        if message.topic.endswith("/ack"):
            self.acks += [(time.monotonic(), said)] if "have" in said else []
        else:
            self.commands.append((time.monotonic(), said))

    def raw(self, payload, channel="data", retain=False, topic=None):
        self.client.publish(topic or self.topic(channel), payload, 1, retain).wait_for_publish()

    def send(self, channel, body, retain=False):
        self.raw(json.dumps(body), channel, retain)

    def birth(self, equipment=(), edge=False, profile="swh-basic", **more):
        self.send("status", {"v": 1, "online": True, "epoch": self.epoch, "version": "1", "t": now_ms(), "edge": edge,
                             "equipment": {e: {"profile": profile, "hash": "0"} for e in equipment}, **more}, True)

    def envelope(self, t0, seq=None, epoch=None, **more):
        if seq is None:
            self.seq = seq = self.seq + 1
        return {"v": 1, "epoch": epoch or self.epoch, "seq": seq, "t0": t0, **more}

    def data(self, equipment, readings, t0=None, seq=None, epoch=None, **more):
        message = self.envelope(now_ms() if t0 is None else t0, seq, epoch, **more)
        self.send("data", {**message, "equipment": {equipment: readings}})
        return message["seq"]

    def event(self, t0=None, seq=None, **event):
        message = self.envelope(now_ms() if t0 is None else t0, seq)
        self.send("event", {**message, "event": event})
        return message["seq"]

    def have(self, epoch=None):
        """What the last ack of the epoch says, or None."""
        said = [a["have"] for _, a in self.acks if a["epoch"] == (epoch or self.epoch)]
        return said[-1] if said else None

    def wait_have(self, ranges, epoch=None):
        return wait_for(lambda: self.have(epoch) == ranges, words=f"an ack of {ranges}; the last was {self.have(epoch)}")

    def wait_ack(self, seq, epoch=None):
        return wait_for(lambda: any(a <= seq <= b for a, b in self.have(epoch) or []), words=f"an ack of {seq}")

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()

    def vanish(self):
        """The link is cut: the broker sends the will."""
        self.client._sock_close() if hasattr(self.client, "_sock_close") else self.client._sock.close()
        self.client.loop_stop()
