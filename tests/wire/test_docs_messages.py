"""Messages: schema, document, golden files, decoders and what really goes over the wire say the same."""
import json
import re

import paho.mqtt.client as mqtt
import pytest
from docs_tools import DOCS, GOLDEN, MESSAGES, findings, schema
from rig import Rig, wait_for

FOLDER = GOLDEN / "messages"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")) + sorted(FOLDER.glob("*.bad")), ids=lambda p: p.name)
def test_schema_and_decoder_agree_on_golden_messages(path):
    """What the decoders make of them is held by tests/unit/test_golden.c."""
    found = findings(path.name.split(".")[0], json.loads(path.read_text()))
    assert bool(found) == (path.suffix == ".bad"), found


@pytest.mark.parametrize("channel", MESSAGES)
def test_the_document_shows_every_channel(channel):
    examples = re.findall(r"^```json (\w+)\n(.*?)^```", (DOCS / "protocol.md").read_text(), re.M | re.S)
    mine = [json.loads(text) for name, text in examples if name == channel]
    assert mine and not [f for m in mine for f in findings(channel, m)]


@pytest.mark.parametrize("channel", MESSAGES)
def test_the_document_names_every_field(channel):
    words = set(re.findall(r"[A-Za-z0-9_]+", (DOCS / "protocol.md").read_text()))
    root, names = schema(channel), set()

    def gather(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "properties":
                    names.update(value)
                gather(value)
        elif isinstance(node, list):
            for value in node:
                gather(value)
    gather(root)
    assert names - {"dropped", "failures"} <= words, names - words


# ---------------------------------------------------------------- the wire

class Ear:
    """Hears everything that goes over the broker."""

    def __init__(self, port):
        self.heard = []
        self.client = mqtt.Client("ear", protocol=mqtt.MQTTv311)
        self.client.on_message = lambda c, u, m: self.heard.append((m.topic.split("/"), m.payload, m.retain))
        self.client.connect("127.0.0.1", port)
        self.client.subscribe("heliograph/1/#", 1)
        self.client.loop_start()

    def of(self, channel, agent=None):
        return [json.loads(p) for t, p, _ in list(self.heard) if t[3] == channel and p and agent in (None, t[2])]

    def events(self, kind):
        return [m["event"] for m in self.of("event") if m["event"]["kind"] == kind]


@pytest.fixture(scope="module")
def ear(tmp_path_factory):
    """A plant's life in short: values, a fault that comes and goes, a silent slave, commands of several outcomes, a
    configuration, a clean end."""
    rig = Rig(tmp_path_factory.mktemp("traffic"))
    rig.broker()
    ear = Ear(rig.mqtt_port)
    rig.fleet(equipment=("swh-0001", "swh-0002", "swh-0009"))
    rig.server()
    plant = rig.plant(2)
    wait_for(lambda: rig.metric("broker_connected") == 1)
    agent = rig.agent(units=((1, "swh-0001"), (2, "swh-0002"), (9, "swh-0009")))
    tell = lambda line: (plant.process.stdin.write(line + "\n"), plant.process.stdin.flush())
    wait_for(lambda: ear.of("ack", "gw-1"), words="an ack")
    tell("fault 2 leak_current")
    wait_for(lambda: any(e["state"] == "raised" for e in ear.events("fault")), 30, words="a fault")
    tell("clear 2 leak_current")
    outcome = lambda key: wait_for(lambda: next((r for r in ear.of("reply") if r["command"] == key), None), 20, words="a reply")
    for name, args in (("read", {"points": ["setpoint"]}), ("write", {"point": "setpoint", "value": 57.5}),
                       ("write", {"point": "setpoint", "value": 58}), ("inspect", {}), ("dance", {}), ("selftest", {})):
        status, answer = rig.call("POST", "/api/v1/equipment/swh-0001/commands", {"name": name, "args": args})
        assert status == 202, answer
        outcome(answer["id"])
    ear.client.publish("heliograph/1/gw-1/config", json.dumps({"v": 1}), 1)
    wait_for(lambda: ear.events("config"), words="what became of the configuration")
    wait_for(lambda: any(e["state"] == "lost" for e in ear.events("bus")), 40, words="a silent slave")
    agent.stop()
    wait_for(lambda: not ear.of("status", "gw-1")[-1]["online"], words="a good-bye")
    yield ear
    ear.client.loop_stop()
    rig.close()


def test_real_traffic_is_as_the_schemas_say(ear):
    wrong = [(t[3], p[:200], found) for t, p, _ in ear.heard if p and t[3] != "config" for found in [findings(t[3], json.loads(p))] if found]
    assert not wrong, wrong[:5]
    assert {t[3] for t, _, _ in ear.heard} >= set(MESSAGES), "a channel was silent"
    assert {e["event"]["kind"] for e in ear.of("event")} >= {"fault", "bus", "config"}
    assert {r["state"] for r in ear.of("reply")} >= {"done", "refused", "unknown"}


def test_retained_are_births_and_deaths_alone(ear):
    late = mqtt.Client("late", protocol=mqtt.MQTTv311)
    got = []
    late.on_message = lambda c, u, m: got.append((m.topic.split("/")[3], m.retain))
    late.connect(ear.client._host, ear.client._port)
    late.subscribe("heliograph/1/#", 1)
    late.loop_start()
    wait_for(lambda: got)
    late.loop_stop()
    assert {c for c, retained in got if retained} == {"status"}


def test_numbers_begin_at_1_and_have_no_holes(ear):
    by_epoch = {}
    for channel in ("data", "event", "reply"):
        for m in ear.of(channel, "gw-1"):
            by_epoch.setdefault(m["epoch"], {}).setdefault(m["seq"], set()).add(json.dumps(m, sort_keys=True))
    for epoch, numbers in by_epoch.items():
        assert sorted(numbers) == list(range(1, max(numbers) + 1)), epoch
        assert all(len(contents) == 1 for contents in numbers.values()), "a number with two contents"


def test_every_number_was_acked(ear):
    have = {}
    for ack in ear.of("ack", "gw-1"):
        have[ack["epoch"]] = {n for a, b in ack["have"] for n in range(a, b + 1)}
    births = {m["epoch"] for m in ear.of("status", "gw-1") if m["online"]}
    assert births == set(have)


def test_keys_of_the_document_are_those_of_the_wire(ear):
    """What goes over the wire stands in the schemas: no field that the document does not tell of."""
    known = {"data": {"v", "epoch", "seq", "t0", "clock", "equipment"}}
    for channel in MESSAGES:
        known.setdefault(channel, set(schema(channel)["properties"]))
        sent = {k for m in ear.of(channel) for k in m}
        assert sent <= known[channel], (channel, sent - known[channel])
    tops = {rule["if"]["properties"]["kind"]["const"]: {"kind", *rule["then"]["properties"]}
            for rule in schema("event")["$defs"]["event"]["allOf"]}
    for kind, keys in tops.items():
        assert {k for e in ear.events(kind) for k in e} <= keys, kind
