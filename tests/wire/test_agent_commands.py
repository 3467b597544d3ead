"""Commands: read, write with everything that may speak against it, inspect; each at most once, whatever happens."""
import time

import pytest
from rig import wait_for
from roof import Roof

POINTS = ["{name: temp, unit: °C, every: 300ms, register: {table: input, address: 0, type: int16, scale: 0.1}}",
          "{name: rare, every: 1h, register: {table: input, address: 1, type: uint16}}",
          "{name: setpoint, every: 1h, register: {table: holding, address: 10, type: uint16, scale: 0.5}, write: {range: [38, 70]}}",
          "{name: slow, every: 1h, register: {table: holding, address: 11, type: uint16}, write: {range: [0, 9], rate: 10m}}",
          "{name: worn, every: 1h, register: {table: holding, address: 12, type: uint16}, write: {range: [0, 9], budget: 2}}",
          "{name: stuck, every: 1h, register: {table: holding, address: 13, type: uint16}, write: {range: [0, 9]}}",
          "{name: flag, every: 1h, register: {table: holding, address: 14, type: bits, mask: 0x0030, shift: 4}, write: {range: [0, 3]}}",
          "{name: real, every: 1h, register: {table: holding, address: 20, type: float32, word_order: CDAB}, write: {range: [0, 100]}}",
          "{name: coil, every: 1h, register: {table: coil, address: 2, type: bool}, write: {range: [0, 1]}}",
          "{name: hole, every: 1h, register: {table: holding, address: 99, type: uint16}}"]


@pytest.fixture
def roof(tmp_path):
    roof = Roof(tmp_path)
    roof.field.put(1, "input", 0, 215, 42)
    roof.field.put(1, "holding", 10, 100, 1, 1, 1, 0x8F0F)
    roof.field.put(1, "holding", 20, 0, 0)
    roof.field.put(1, "coil", 2, 0)
    roof.profile(POINTS, more="inspection: [{id: warm, title: {en: Warm, zh: 暖}, is: \"temp\", green: [10, 30]}]\n")
    roof.slave, bus = roof.tcp()
    roof.config([bus], [("swh-0001", 0, 1, "p"), ("swh-0002", 0, 2, "p")])
    roof.agent = roof.start()
    roof.last("temp", 21.5)
    yield roof
    assert not roof.desk.wrong and not roof.desk.doubles
    roof.close()


def ask(roof, name, args=None, **more):
    key = roof.desk.command(name, args=args, **more)
    return wait_for(lambda: roof.desk.reply(key), 15, words=f"reply to {name} {args}")


def test_read_and_inspect(roof):
    roof.field.put(1, "input", 0, 222, 43)
    reply = ask(roof, "read", {"points": ["temp", "rare"]})
    assert reply["state"] == "done" and reply["v"] == 1 and len(reply["epoch"]) == 16
    temp, rare = reply["result"]["points"]
    assert (temp["name"], temp["value"], temp["unit"], temp["quality"]) == ("temp", 22.2, "°C", "good")
    assert rare["value"] == 43 and abs(rare["t"] - time.time() * 1000) < 5000
    assert ask(roof, "read", {"points": ["temp", "nowhere"]})["state"] == "refused"
    assert ask(roof, "read", {"points": ["temp"]}, equipment="swh-0002")["state"] == "failed"
    assert ask(roof, "read", {"points": ["temp"]}, equipment="swh-0077")["state"] == "refused"
    roof.field.put(1, "input", 1, 44)
    report = ask(roof, "inspect")
    assert report["state"] == "done"
    points = {p["name"]: p for p in report["result"]["points"]}
    assert len(points) == len(POINTS) and points["rare"]["value"] == 44
    assert points["hole"]["value"] is None and points["hole"]["quality"] == "illegal"
    assert report["result"]["checks"][0]["id"] == "warm" and report["result"]["checks"][0]["light"] == "green"
    health = report["result"]["health"]
    assert health["requests"] > 0 and health["unit_id"] == 1 and health["agent"]["spool"]["messages"] >= 0


def test_write_is_checked_and_read_back(roof):
    done = ask(roof, "write", {"point": "setpoint", "value": 55.5})
    assert done["state"] == "done" and done["result"] == {"point": "setpoint", "value": 55.5}
    assert roof.field.get(1, "holding", 10) == 111
    roof.last("setpoint", 55.5)
    for args in ({"point": "setpoint", "value": 71}, {"point": "setpoint", "value": 37.5}, {"point": "temp", "value": 20},
                 {"point": "nowhere", "value": 1}, {"point": "setpoint", "value": "warm"}, {"point": "setpoint"}, {}):
        assert ask(roof, "write", args)["state"] == "refused", args
    assert roof.field.get(1, "holding", 10) == 111
    assert ask(roof, "write", {"point": "flag", "value": 2})["result"] == {"point": "flag", "value": 2}
    assert roof.field.get(1, "holding", 14) == 0x8F2F, "its neighbours stay"
    assert ask(roof, "write", {"point": "real", "value": 21.75})["result"]["value"] == 21.75
    assert (roof.field.get(1, "holding", 20), roof.field.get(1, "holding", 21)) == (0, 0x41AE)
    assert ask(roof, "write", {"point": "coil", "value": 1})["result"] == {"point": "coil", "value": 1}
    roof.field.ignore_writes.add((1, 13))
    failed = ask(roof, "write", {"point": "stuck", "value": 5})
    assert failed["state"] == "failed" and failed["reason"]
    roof.field.refuse[1, "holding", 10] = 4
    assert ask(roof, "write", {"point": "setpoint", "value": 60})["state"] == "failed"


def test_rate_and_budget_outlive_the_agent(roof):
    assert ask(roof, "write", {"point": "slow", "value": 2})["state"] == "done"
    assert ask(roof, "write", {"point": "worn", "value": 2})["state"] == "done"
    roof.agent.kill()
    roof.start_heard()
    slow = ask(roof, "write", {"point": "slow", "value": 3})
    assert slow["state"] == "refused" and slow["reason"]
    assert ask(roof, "write", {"point": "worn", "value": 3})["state"] == "done"
    worn = ask(roof, "write", {"point": "worn", "value": 4})
    assert worn["state"] == "refused" and roof.field.get(1, "holding", 12) == 3


def test_expired_unknown_and_unreadable(roof):
    assert ask(roof, "read", {"points": ["temp"]}, expires=int(time.time() * 1000) - 1000)["state"] == "expired"
    assert ask(roof, "read", {"points": ["temp"]}, expires=int(time.time() * 1000) + 60000)["state"] == "done"
    assert ask(roof, "dance")["state"] == "unknown"
    assert ask(roof, "dance", equipment=None)["state"] == "unknown"
    assert ask(roof, "capture")["state"] in ("refused", "done")
    for junk in (b"{", b"[]", b"{}", b'{"v":1,"id":"x"}', b"\xff\xfe", b'{"v":1,"id":7,"name":"read"}', b"x" * 70000,
                 b'{"v":1,"id":"deep","name":"read","args":' + b"[" * 5000 + b"]" * 5000 + b"}"):
        for channel in ("command", "ack", "config"):
            roof.desk.client.publish(f"heliograph/1/gw-1/{channel}", junk, qos=1)
    roof.desk.client.publish("heliograph/1/gw-1/ack", '{"v":1,"epoch":"0000000000000000","have":[[1,9007199254740991]]}', qos=1)
    assert ask(roof, "read", {"points": ["temp"]})["state"] == "done"
    refused = wait_for(lambda: roof.desk.events("config", state="refused"))[0]["event"]
    assert len(refused["hash"]) == 16 and refused["reason"]


def test_a_command_runs_at_most_once(roof):
    writes = []
    roof.field.on_write = lambda unit, address, words: writes.append((address, words))
    for _ in range(3):
        roof.desk.command("write", args={"point": "setpoint", "value": 50}, key="once")
    wait_for(lambda: roof.desk.reply("once"))
    roof.agent.kill()
    agent = roof.start_heard()
    roof.desk.command("write", args={"point": "setpoint", "value": 50}, key="once")
    assert ask(roof, "write", {"point": "setpoint", "value": 45})["state"] == "done"
    assert writes == [(10, [100]), (10, [90])]
    # killed between the intent and its outcome
    roof.field.once[1], count = 5, len(roof.field.requests)
    roof.desk.command("write", args={"point": "setpoint", "value": 40}, key="torn")
    wait_for(lambda: any(r[2] == 6 for r in roof.field.requests[count:]) or 1 not in roof.field.once)
    roof.slave.frozen = True
    roof.desk.command("write", args={"point": "setpoint", "value": 41}, key="waiting")
    time.sleep(0.3)     # it lies in the queue of the bus
    agent.kill()
    roof.slave.frozen = False
    roof.field.once.pop(1, None)
    roof.start_heard()
    torn = wait_for(lambda: roof.desk.reply("torn"), 15)
    assert torn["state"] == "unknown" and torn["reason"]
    roof.desk.command("write", args={"point": "setpoint", "value": 40}, key="torn")
    roof.desk.command("write", args={"point": "setpoint", "value": 41}, key="waiting")
    last = ask(roof, "write", {"point": "setpoint", "value": 47})
    assert last["state"] == "done", last
    assert wait_for(lambda: roof.desk.reply("waiting"))["state"] == "unknown"
    assert [w for w in writes if w in ((10, [80]), (10, [82]))] in ([], [(10, [80])])
    replies = [m for m in roof.desk.of("reply") if m["command"] in ("once", "torn", "waiting")]
    assert len({(m["epoch"], m["seq"]) for m in replies}) == 3
