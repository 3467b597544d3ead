"""A latching fault stays open although its condition has gone, until a person resets it; whoever judges it."""
import shutil

import pytest
from field import Field, Tcp
from gateway import Gateway, now_ms
from rig import Rig, wait_for

PROFILE = """profile: p
title: {en: Burner, zh: 燃烧器}
defaults: {timeout: 300ms, pause: 0ms, every: 200ms}
points:
  - {name: lockout, register: {table: holding, address: 0, type: uint16}}
  - {name: warm, register: {table: holding, address: 1, type: uint16}}
faults:
  - {id: locked, title: {en: Locked out, zh: 锁定}, when: "lockout == 1", clear: "lockout == 0", grade: 2, component: electrical, latching: true}
  - {id: cold, title: {en: Cold, zh: 冷}, when: "warm == 0", grade: 3, component: electrical}
"""


@pytest.fixture()
def rig(tmp_path):
    rig = Rig(tmp_path)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "p.yaml").write_text(PROFILE)
    shutil.copy("models/equipment/swh-basic.yaml", tmp_path / "profiles")
    text = (tmp_path / "server.yaml").read_text()
    (tmp_path / "server.yaml").write_text(text.replace("profiles: models/equipment", f"profiles: {tmp_path}/profiles"))
    rig.broker()
    rig.fleet(("swh-0001",), profile="p")
    rig.the_server = rig.server()
    rig.things = []
    yield rig
    for thing in rig.things:
        thing.close()
    rig.close()


def ticket(rig, fault="locked"):
    found = rig.tickets(f"?fault={fault}&equipment=swh-0001")
    return found[0] if found else None


def act(rig, action, fault="locked", **more):
    return rig.call("POST", f"/api/v1/tickets/{ticket(rig, fault)['number']}/actions", {"action": action, "id": action + fault, **more})


def last(rig, point):
    return next((p["value"] for p in rig.get("/equipment/swh-0001")["points"] if p["name"] == point), None)


def restart_server(rig):
    rig.the_server.kill()
    rig.the_server = rig.server()


class Judged:
    """An agent that grades nothing: the server holds the latch."""

    def __init__(self, rig):
        self.gateway = Gateway(rig)
        self.gateway.birth(["swh-0001"], edge=False, profile="p")
        self.rig = rig

    def say(self, **values):
        self.gateway.data("swh-0001", {name: [[0, value]] for name, value in values.items()})
        self.gateway.wait_have([[1, self.gateway.seq]])

    def kill(self):
        restart_server(self.rig)

    def close(self):
        self.gateway.client.loop_stop()


class Graded:
    """Our agent on a wire: it holds the latch itself, also across a kill."""

    def __init__(self, rig):
        self.rig, self.field = rig, Field()
        self.field.put(1, "holding", 0, 0, 1)
        self.wire = Tcp(self.field)
        rig.modbus_port = self.wire.port
        self.start = lambda: rig.agent(units=((1, "swh-0001"),), profile="p", folder=rig.folder / "profiles")
        self.agent = self.start()

    def say(self, **values):
        for name, value in values.items():
            self.field.put(1, "holding", ("lockout", "warm").index(name), value)
            wait_for(lambda: last(self.rig, name) == value, 20, words=f"{name} = {value}")

    def kill(self):
        self.agent.kill()
        self.agent = self.start()
        asked = len(self.field.requests)
        wait_for(lambda: len(self.field.requests) > asked + 4, words="the agent polls again")

    def close(self):
        self.wire.close()


@pytest.fixture(params=[Judged, Graded], ids=["judged by the server", "graded by the agent"])
def unit(request, rig):
    unit = request.param(rig)
    rig.things.append(unit)
    unit.say(lockout=0, warm=1)
    unit.say(lockout=1)
    wait_for(lambda: ticket(rig), words="the ticket")
    return unit


def stays_open(rig, unit):
    """Values go on and prove nothing: a later one is stored, and the fault is still there."""
    for value in (2, 3):
        unit.say(warm=value)
    assert ticket(rig)["cleared_at"] is None and rig.get("/equipment/swh-0001")["status"] == "fault"


def test_it_waits_for_a_person(rig, unit):
    unit.say(lockout=0)
    stays_open(rig, unit)
    unit.kill()
    restart_server(rig)
    unit.say(lockout=0, warm=1)
    stays_open(rig, unit)
    status, answer = act(rig, "reset")
    assert status == 200, answer
    if isinstance(unit, Judged):
        unit.say(warm=4)
    wait_for(lambda: ticket(rig)["cleared_at"], 20, words="it clears now")
    assert "reset" in [line["action"] for line in ticket(rig)["timeline"] or rig.get("/tickets/" + ticket(rig)["number"])["timeline"]]


def test_a_reset_before_the_cause_has_gone_is_kept(rig, unit):
    """… over a kill, too: it clears when the cause goes, and not before."""
    assert act(rig, "reset")[0] == 200
    if isinstance(unit, Graded):
        wait_for(lambda: rig.rows("SELECT 1 FROM command WHERE name = 'reset' AND state = 'done'"), 20, words="the agent has reset it")
    stays_open(rig, unit)
    unit.kill()
    stays_open(rig, unit)
    unit.say(lockout=0)
    wait_for(lambda: ticket(rig)["cleared_at"], 20, words="it clears")


def test_the_next_one_latches_again(rig, unit):
    unit.say(lockout=0)
    assert act(rig, "reset")[0] == 200
    if isinstance(unit, Judged):
        unit.say(warm=4)
    wait_for(lambda: ticket(rig)["cleared_at"], 20)
    unit.say(lockout=1)
    wait_for(lambda: not ticket(rig)["cleared_at"], 20, words="it is back")
    unit.say(lockout=0)
    stays_open(rig, unit)


def test_closing_the_ticket_resets_it(rig, unit):
    unit.say(lockout=0)
    assert act(rig, "close", resolution="reset on site")[0] == 200
    unit.say(warm=4) if isinstance(unit, Judged) else None
    wait_for(lambda: rig.rows("SELECT 1 FROM alarm WHERE fault = 'locked' AND cleared_ms IS NOT NULL"), 20, words="the alarm is over")
    wait_for(lambda: rig.get("/equipment/swh-0001")["status"] == "ok", 10)


def test_what_does_not_latch_says_so(rig, unit):
    unit.say(warm=0)
    wait_for(lambda: ticket(rig, "cold"))
    status, problem = act(rig, "reset", "cold")
    assert status == 409 and "clears by itself" in problem["detail"]
    give = lambda **args: rig.call("POST", "/api/v1/equipment/swh-0001/commands", {"name": "reset", "args": args})[1]["id"]
    if isinstance(unit, Graded):
        for args in ({"fault": "cold"}, {"fault": "none"}, {}):
            key = give(**args)
            wait_for(lambda: rig.get("/commands/" + key)["state"] == "refused", 20)
            assert rig.get("/commands/" + key)["reason"]
