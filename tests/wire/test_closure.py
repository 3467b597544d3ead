"""The equipment has the last word on a repair: by the real programs."""
import pytest
from desk_rig import DeskRig, Gateway
from rig import wait_for


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    rig = DeskRig(tmp_path_factory.mktemp("closure")).open()
    yield rig
    rig.close()


def test_closing_says_how_it_was_proved(world):
    """G-24 S0-115: a plain close is legal; what was not proved is marked; the analysis prints."""
    gateway = Gateway(world)
    gateway.fault(equipment="swh-0004", fault="pump_no_flow")
    ticket, = wait_for(lambda: world.tickets("?equipment=swh-0004&fault=pump_no_flow"))
    number = ticket["number"]
    status, _, _ = world.ask("GET", f"/api/v1/tickets/{number}/rca")
    assert status == 404
    closed = world.act(number, action="close", id="c", resolution="looks fine")
    assert closed["state"] == "closed" and closed["closure"]["proof"] == "none"
    assert [r["outcome"] for r in closed["closure"]["repairs"]] == ["waiting"]
    gateway.fault(equipment="swh-0004", fault="pump_no_flow", state="cleared")
    gateway.fault(equipment="swh-0004", fault="pump_no_flow", ago=0)
    back = wait_for(lambda: (t := world.ticket(number)) and t["state"] == "acknowledged" and t)
    assert [r["outcome"] for r in back["closure"]["repairs"]] == ["false"] and back["closed_at"] is None
    assert len(world.tickets("?equipment=swh-0004&fault=pump_no_flow")) == 1
