"""Clocks as the API shows them: promises that were made stay as they were made, whatever the files say by now."""
import datetime
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


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = DeskRig(tmp_path_factory.mktemp("clocks")).open(heaters=4)
    yield rig
    rig.close()


def test_the_ledger_proves_the_clock(rig):
    """S1-23, G-14: the number in the answer stops `ack` and nothing else; lines add up, origins are told (S0-49)."""
    number = rig.report("swh-0001", fault="pump_no_flow")["number"]
    clocks = {c["kind"]: c for c in rig.get(f"/tickets/{number}/clocks")["clocks"]}
    assert clocks["ack"]["state"] == "met" and clocks["response"]["state"] == "running" and clocks["response"]["met_at"] is None
    assert clocks["onsite_l1"]["origin"] == {"flag": "S", "ids": ["S0-49"], "note": None}
    assert clocks["response"]["origin"]["flag"] == "A" and clocks["response"]["origin"]["note"]
    rig.act(number, action="pause", id="p", reason="consent_pending")
    held = {c["kind"]: c["state"] for c in rig.ticket(number)["clocks"]}
    assert held["repair"] == held["onsite_l1"] == "paused" and held["response"] == held["dispatch"] == "running", "an answer is owed all the same"
    rig.act(number, action="resume", id="r")
    rig.act(number, action="regrade", id="g1", grade=1, reason="worse")
    rig.act(number, action="regrade", id="g3", grade=3, reason="better")
    clocks = {c["kind"]: c for c in rig.get(f"/tickets/{number}/clocks")["clocks"]}
    for kind in ("response", "onsite_crew"):
        lines, total = clocks[kind]["ledger"], clocks[kind]["sum"]
        assert lines[0]["what"] == "started" and lines[0]["by"] in ("registered", "report") and lines[-1]["what"] == "due"
        assert sum(line.get("counted", 0) for line in lines) == pytest.approx(total["counted"]) and total["counted"] <= total["limit"]
    assert [line["reason"] for line in clocks["onsite_crew"]["ledger"] if line["what"] == "paused"] == ["consent_pending"]
    assert [line["grade"] for line in clocks["dispatch"]["limits"]][0] == 2
    assert clocks["repair"]["sum"]["unit"] == "days" and clocks["repair"]["sum"]["limit"] == 3
    assert rig.ask("GET", "/api/v1/tickets/T-NONE/clocks")[0] == 404


def test_assigning_takes_all_three(rig):
    """S0-140: technician with appointment, the customer told, a copy filed."""
    number = rig.report("swh-0002", fault="pump_no_flow")["number"]
    rig.act(number, action="acknowledge", id="a")
    state = lambda: {c["kind"]: c["state"] for c in rig.ticket(number)["clocks"]}["assign"]
    rig.act(number, action="assign", id="1", technician="tech-1")
    assert state() == "running", "no appointment"
    window = {"from": "2099-01-01T08:00:00Z", "to": "2099-01-01T10:00:00Z"}
    number = rig.report("swh-0003", fault="pump_no_flow")["number"]
    rig.act(number, action="acknowledge", id="a")
    rig.act(number, action="assign", id="1", technician="tech-1", appointment=window, customer_told=False)
    assert state() == "running", "the customer does not know"
    rig.act(number, action="assign", id="2", technician="tech-1", appointment=window, customer_told=True)
    assert state() == "met"


def test_duties_run_and_are_met_by_a_person(tmp_path):
    """S0-69 S0-09 S0-61 S0-54 S3-01: what is owed beside tickets, by when, and who did it."""
    rig = DeskRig(tmp_path)
    today = datetime.date.today()
    try:
        rig.broker()
        rows = (f'  - {{id: swh-new, title: New, site: site-1, profile: swh-basic, agent: gw-1, acceptance_date: "{today}", components: [{{class: tank}}]}}\n'
                f'  - {{id: swh-old, title: Old, site: site-1, profile: swh-basic, agent: gw-1, acceptance_date: "{today - datetime.timedelta(days=1000)}"}}\n')
        from desk_rig import FLEET
        assert rig.import_text(FLEET.replace("EQUIPMENT\n", rows)).returncode == 0
        rig.server()
        duties = wait_for(lambda: (lambda d: d if {"remote_inspection", "agreement"} <= {x["kind"] for x in d} else None)(rig.get("/duties?limit=1000")["items"]))
        kinds = {(d["kind"], d["name"]) for d in duties}
        assert {("training", "swh-new"), ("remote_inspection", "swh-new"), ("remote_inspection", "swh-old"), ("warranty", "swh-old"), ("agreement", "con-1")} <= kinds
        assert ("training", "swh-old") not in kinds, "what was owed years ago is history"
        training = next(d for d in duties if d["kind"] == "training")
        assert training["limit"] == "2d" and training["origin"]["ids"] == ["S0-69", "S0-71"] and training["state"] == "running"
        assert training["due_at"].startswith(str(today + datetime.timedelta(days=3))) or training["due_at"] > str(today)
        path = f"/duties/{training['id']}/actions"
        rig.post(path, {"action": "done", "id": "t1", "note": "four people"}, expect=(409,))  # S0-69: by the record, not by a tick
        lesson = wait_for(lambda: rig.get("/trainings?reason=acceptance")["items"])[0]
        assert (lesson["course"], lesson["site"], lesson["state"]) == ("swh-user", "site-1", "proposed")
        number = f"/trainings/{lesson['number']}/actions"
        rig.post(number, {"action": "name", "id": "n", "by": "Li", "place": "boiler room"})
        rig.post(number, {"action": "plan", "id": "p", "from": f"{today}T00:30:00+00:00", "trainer": "tech-1"}, expect=(409,))  # S0-26: no trainer
        rig.post(number, {"action": "plan", "id": "p", "from": f"{today}T00:30:00+00:00", "trainer_name": "Prof. Qi", "trainer_proof": "T-17"})
        topics = [t["id"] for t in lesson["plan"]["topics"]]
        assert len(topics) == 5, "S0-71"
        record = {"action": "attend", "id": "a", "attendees": [{"name": "Hu", "audience": "plumber"}], "covered": topics}  # S0-70
        rig.post(number, {**record, "covered": topics[1:]}, expect=(409,))
        held = rig.post(number, record)
        assert held["state"] == "held" and held["attendees"][0]["present"] is True and held["place"] == "boiler room"
        assert rig.post(number, record)["version"] == held["version"]  # the same id is the same action
        rig.post(path, {"action": "cancel", "id": "t2", "note": "x"}, expect=(409,))
        rig.post(path, {"action": "forget", "id": "t3"}, expect=(422,))
        rig.post("/duties/999999/actions", {"action": "done", "id": "t4"}, expect=(404,))
        inspection = next(d for d in duties if d["kind"] == "remote_inspection" and d["name"] == "swh-old")
        rig.post(f"/duties/{inspection['id']}/actions", {"action": "cancel", "id": "c"}, expect=(422,))
        rig.post(f"/duties/{inspection['id']}/actions", {"action": "cancel", "id": "c", "note": "house is empty"})
        assert [d["id"] for d in rig.get("/duties?state=met&kind=training")["items"]] == [training["id"]]
        assert training["id"] not in [d["id"] for d in rig.get("/duties?limit=1000")["items"]]
        count = rig.rows("SELECT COUNT(*) FROM clock WHERE ticket IS NULL")[0][0]
        rig.programs[-1].stop()
        rig.server()
        wait_for(lambda: rig.metric("broker_connected") == 1)
        wait_for(lambda: rig.get("/duties?limit=1000")["items"])
        assert rig.rows("SELECT COUNT(*) FROM clock WHERE ticket IS NULL")[0][0] == count, "raised once"
    finally:
        rig.close()


def test_overlays_of_a_contract(tmp_path):
    """S0-140 S0-136: a contract lays overlays over its plan; their stated numbers keep their flag up to the API."""
    rig = DeskRig(tmp_path)
    from desk_rig import FLEET, ROW
    rows = ROW.format(id="swh-0001", title="x", site="site-1", agent="gw-1", accepted="2025-03-06")
    fleet = lambda overlays: FLEET.replace("EQUIPMENT\n", rows).replace("plan: swh_standard,", f"plan: swh_standard, overlays: {overlays},")
    try:
        wrong = rig.import_text(fleet("[discipline, nothing]"))
        assert wrong.returncode != 0 and "expected an overlay that the server has, found 'nothing'" in wrong.stderr + wrong.stdout
        assert rig.import_text(fleet("[discipline, two_person_warranty]")).returncode == 0
        rig.broker()
        rig.server()
        number = rig.report("swh-0001", fault="pump_no_flow")["number"]
        rig.act(number, action="acknowledge", id="a")
        rig.act(number, action="assign", id="1", technician="tech-1", appointment={"from": "2099-01-01T08:00:00Z", "to": "2099-01-01T10:00:00Z"})
        clocks = {c["kind"]: c for c in rig.ticket(number)["clocks"]}
        assert clocks["assign"]["origin"]["flag"] == "S" and clocks["assign"]["origin"]["ids"] == ["S0-140", "S0-146"]
        assert clocks["first_contact"]["limit"] == "24h" and clocks["first_contact"]["origin"]["ids"] == ["S0-36"]
        assert clocks["response"]["origin"]["flag"] == "A", "what no overlay states stays an assumption"
        body, = rig.rows("SELECT body FROM plan_text p JOIN ticket t ON t.plan_hash = p.hash")
        assert b"overlay discipline.yaml" in bytes(body[0]) if isinstance(body[0], bytes) else True
    finally:
        rig.close()
