"""Clocks as the API shows them: promises that were made stay as they were made, whatever the files say by now."""
import shutil

import pytest
from desk_rig import DeskRig
from rig import ROOT, wait_for


@pytest.fixture
def own_plans(tmp_path):
    rig = DeskRig(tmp_path)
    shutil.copytree(ROOT / "models/plans", tmp_path / "plans")
    text = (tmp_path / "server.yaml").read_text()
    (tmp_path / "server.yaml").write_text(text.replace("plans: models/plans", f"plans: {tmp_path}/plans"))
    yield rig
    rig.close()


def clock(ticket, kind):
    return next((c for c in ticket["clocks"] if c["kind"] == kind), None)


def test_a_changed_plan_changes_no_running_ticket(own_plans):
    """S2-37: a running ticket keeps the version of the plan it was opened under, also after a restart with another file."""
    rig = own_plans.open(heaters=3)
    old = rig.report("swh-0001", fault="pump_no_flow")["number"]
    rig.programs[-1].stop()
    path = rig.folder / "plans" / "swh_standard.yaml"
    text = path.read_text()
    assert 'all: {value: 12h, origin: S, ids: [S0-50]}' in text
    path.write_text(text.replace('all: {value: 12h, origin: S, ids: [S0-50]}', 'all: {value: 9h, origin: A}')
                    .replace('target: {value: 1h, origin: A, note: "plan 8; C-25"}', 'target: {value: 30m, origin: A}')
                    .replace('all: {value: 2h, origin: A, note: "C-25"}', 'all: {value: 3h, origin: A, note: "another"}'))
    rig.server()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    new = rig.report("swh-0002", fault="pump_no_flow")["number"]
    for number in (old, new):  # supervision starts only now: under the plan of its own ticket
        rig.act(number, action="acknowledge", id="a-" + number)
        rig.act(number, action="dispatch", id="d-" + number, team="team-1")
    old, new = rig.ticket(old), rig.ticket(new)
    assert (clock(old, "onsite_crew")["limit"], clock(new, "onsite_crew")["limit"]) == ("12h", "9h")
    assert (clock(old, "supervision")["limit"], clock(new, "supervision")["limit"]) == ("2h", "3h")
    rig.act(old["number"], action="regrade", id="g", grade=1, reason="worse")  # also when the limits are looked up anew
    assert clock(rig.ticket(old["number"]), "onsite_crew")["limit"] == "12h"
    assert len(rig.rows("SELECT hash FROM plan_text WHERE plan = 'swh_standard'")) == 2
