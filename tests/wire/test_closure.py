"""The equipment has the last word on a repair: by the real programs."""
import pytest
from desk_rig import DeskRig, Gateway
from rig import ROOT, wait_for


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


@pytest.fixture(scope="module")
def brisk(tmp_path_factory):
    """A plan of its own: what is normal is proved."""
    rig = DeskRig(tmp_path_factory.mktemp("brisk"))
    plan = (ROOT / "models/plans/swh_standard.yaml").read_text()
    assert "cleared: {value: 30m" in plan
    (rig.folder / "plans").mkdir()
    (rig.folder / "plans/swh_standard.yaml").write_text(plan.replace("cleared: {value: 30m", "cleared: {value: 0s"))
    rig.write("server.yaml", (rig.folder / "server.yaml").read_text().replace("plans: models/plans",
              f"plans: {rig.folder}/plans\npapers: models/papers"))
    yield rig.open()
    rig.close()


def test_the_analysis_prints(brisk):
    """D-20, S0-115: drafted by itself when the fault is gone for good, as JSON and as a page in either language."""
    gateway = Gateway(brisk)
    gateway.fault(equipment="swh-0003", fault="pump_no_flow")
    number = wait_for(lambda: brisk.tickets("?equipment=swh-0003&fault=pump_no_flow"))[0]["number"]
    brisk.act(number, action="acknowledge", id="n", note="<air> let out")
    gateway.fault(equipment="swh-0003", fault="pump_no_flow", state="cleared")
    path = f"/api/v1/tickets/{number}/rca"
    text = wait_for(lambda: (a := brisk.ask("GET", path)) and a[0] == 200 and a[2], 40)
    page = brisk.ask("GET", path + "?format=html&lang=zh")[2]
    assert "故障分析报告" in page and number in page and "Fault analysis" not in page
    assert "&lt;air&gt;" in page and "<air>" not in page
    assert brisk.get(f"/documents/fault_analysis/{number}")["document"] == "fault_analysis" and '"state":"draft"' in text
