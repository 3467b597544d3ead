"""Who goes: candidates with their reasons, who may be assigned, one owner at a time, hand-over, tiers, people and rosters."""
import datetime
import time

import pytest
from desk_rig import DeskRig
from rig import wait_for

DAY = ', '.join(f'{d}: ["00:00-24:00"]' for d in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
PEOPLE = """
calendars: [{id: always, time_zone: Asia/Shanghai}]
teams:
  - {id: l1, name: Local agent, tier: 1, up: l2, lead: ann, sites: [site-1, site-2], skills: [], calendar: always, lat: 31.2, lon: 121.6}
  - {id: l2, name: Office, tier: 2, skills: [electrician], calendar: always}
  - {id: l3, name: Head office, tier: 3, skills: [electrician], calendar: always}
technicians:
  - {id: ann, name: Ann, team: l1, certificates: [{type: electrician, no: A, valid_to: "2090-01-01"}]}
  - {id: bob, name: Bob, team: l1, certificates: [{type: electrician, no: B, valid_to: "2020-01-01"}]}
  - {id: cem, name: Cem, team: l1, certificates: [{type: electrician, no: C}], absences: [{from: "2030-02-01", to: "2030-02-03", reason: leave}]}
  - {id: dan, name: Dan, team: l2}
  - {id: eve, name: Eve, team: l3}
  - {id: boss, name: Boss, roles: [leadership], email: boss@example.cn, phone: "+86 1"}
rosters: [{id: duty, time_zone: Asia/Shanghai, members: [ann, cem], rotation: 1d, first_day: "2026-01-05"}]
"""


def iso(seconds=0):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = DeskRig(tmp_path_factory.mktemp("dispatch")).open()
    assert rig.import_text(PEOPLE).returncode == 0
    yield rig
    rig.close()


@pytest.fixture()
def ticket(rig):
    """A ticket of its own, whose likely cause needs an electrician."""
    ticket.n = getattr(ticket, "n", 0) + 1
    number = rig.report(f"swh-{ticket.n:04}", fault="pump_no_flow", grade=2)["number"]
    yield number
    rig.act(number, action="close", id="end", resolution="test")


def order_of(rig, number):
    return rig.get("/work-orders/" + rig.ticket(number)["work_orders"][-1])


def test_candidates_are_explained(rig, ticket):
    """S1-25, S1-35, C-15: ranked, each criterion with its value, why somebody is excluded."""
    body = rig.get(f"/tickets/{ticket}/candidates")
    people = {c["technician"]: c for c in body["items"]}
    assert body["skill"] == "electrician" and {"ann", "bob", "cem", "dan", "eve", "tech-1", "tech-2"} <= set(people) and "boss" not in people
    assert people["ann"]["suitable"] and not people["bob"]["suitable"] and people["bob"]["blocked"]
    assert people["bob"]["reason"] == "the certificate electrician ran out on 2020-01-01"
    assert [c["criterion"] for c in people["ann"]["criteria"]] == ["place", "tier", "skill", "exam", "absence", "hours", "load", "travel"]
    assert sum(c["points"] for c in people["ann"]["criteria"]) == people["ann"]["score"]
    assert 15 <= people["ann"]["travel_minutes"] <= 20 and people["dan"]["travel_minutes"] is None
    order = [c["suitable"] for c in body["items"]]
    assert order == sorted(order, reverse=True) and body["items"] == rig.get(f"/tickets/{ticket}/candidates")["items"]
    away = {c["technician"]: c for c in rig.get(f"/tickets/{ticket}/candidates?from=2030-02-02T04:00:00Z&to=2030-02-02T06:00:00Z")["items"]}
    assert away["cem"]["reason"] == "absent: leave" and not away["cem"]["suitable"] and people["cem"]["suitable"]
    assert rig.ask("GET", f"/api/v1/tickets/{ticket}/candidates?from=soon")[0] == 422
    assert rig.ask("GET", "/api/v1/tickets/T-NONE/candidates")[0] == 404


def test_the_proposal_goes_to_who_fits(rig, ticket):
    order = order_of(rig, ticket)
    assert order["state"] == "proposed" and order["team"] in ("l1", "team-1"), order
    assert rig.ticket(ticket)["owner"]["desk"] is True


def test_an_unsuitable_technician_needs_a_reason(rig, ticket):
    """S1-35: 409 with the reason; an override is said and kept."""
    body = {"action": "assign", "technician": "bob", "appointment": {"from": iso(3600), "to": iso(7200)}}
    refusal = rig.post(f"/tickets/{ticket}/actions", {**body, "id": "o1"}, (409,))
    assert "ran out on 2020-01-01" in refusal["detail"] and "override" in refusal["detail"]
    assert rig.post(f"/tickets/{ticket}/actions", {**body, "id": "o2", "override": {}}, (422,))["detail"].startswith("override needs a reason")
    gone = {**body, "technician": "cem", "appointment": {"from": "2030-02-02T04:00:00Z", "to": "2030-02-02T05:00:00Z"}}
    assert "absent: leave" in rig.post(f"/tickets/{ticket}/actions", {**gone, "id": "o3"}, (409,))["detail"]
    done = rig.post(f"/tickets/{ticket}/actions", {**body, "id": "o4", "override": {"reason": "renewed yesterday, paper follows"}})
    assert done["state"] == "assigned" and (done["owner"]["team"], done["owner"]["technician"]) == ("l1", "bob")
    assert order_of(rig, ticket)["technician"] == "bob"


def test_one_owner_and_the_refusal(rig, ticket):
    """S0-141, S0-113, S0-48: a refusal keeps it until the next accepts; the next tier is asked by itself."""
    rig.act(ticket, action="dispatch", id="d1", team="l1")
    body = rig.ticket(ticket)
    assert body["owner"]["team"] == "l1" and body["owner"]["accepted_at"] is None and body["asked"] is None
    assert body["owner"]["target"]["state"] == "running" and body["owner"]["target"]["limit"] == "3600s", "C-25: a quarter of 4 h"
    order = order_of(rig, ticket)["number"]
    rig.act(order, action="refuse", id="w1", reason="no_skill", note="no scaffold")
    body = rig.ticket(ticket)
    assert body["owner"]["team"] == "l1" and body["owner"]["reason"] == "no_skill" and body["asked"]["team"] == "l2", "S0-48"
    assert body["bounces"] == 1 and order_of(rig, ticket)["team"] == "l2"
    rig.act(order, action="accept", id="w2")
    body = rig.ticket(ticket)
    assert (body["owner"]["team"], body["asked"], body["bounces"]) == ("l2", None, 0) and body["owner"]["accepted_at"]
    targets = [a["target"] for a in body["assignments"]]
    assert targets[0] is None and all(targets[1:]) and len(targets) == 3, "43: each team has a target of its own"
    assert targets[1]["due_at"] != targets[2]["due_at"] or body["assignments"][1]["asked_at"] == body["assignments"][2]["asked_at"]


def test_hand_over_only_when_accepted(rig, ticket):
    """S0-113: a hand-over that is refused comes back, with a coded reason, and is counted."""
    rig.act(ticket, action="assign", id="h0", technician="ann", appointment={"from": iso(3600), "to": iso(7200)})
    assert rig.ticket(ticket)["owner"]["target"]["state"] == "met"
    rig.act(ticket, (409,), action="accept_handover", id="h1")
    rig.act(ticket, (422,), action="handover", id="h2", team="nobody")
    rig.act(ticket, (409,), action="handover", id="h3", team="l1")
    rig.act(ticket, action="handover", id="h4", team="team-2")
    body = rig.ticket(ticket)
    assert body["owner"]["technician"] == "ann" and body["asked"]["team"] == "team-2"
    rig.act(ticket, (422,), action="refuse_handover", id="h5")
    answer = rig.act(ticket, (422,), action="refuse_handover", id="h6", reason="tired")
    assert "no_capacity no_skill outside_region unsafe access other" in answer["detail"]
    rig.act(ticket, (422,), action="refuse_handover", id="h7", reason="other")
    rig.act(ticket, action="refuse_handover", id="h8", reason="no_capacity")
    body = rig.ticket(ticket)
    assert body["owner"]["technician"] == "ann" and body["asked"] is None and body["bounces"] == 1
    rig.act(ticket, action="handover", id="h9", technician="cem")
    rig.act(ticket, action="accept_handover", id="h10")
    body = rig.ticket(ticket)
    assert (body["owner"]["team"], body["owner"]["technician"], body["bounces"]) == ("l1", "cem", 0)
    order = order_of(rig, ticket)
    assert (order["team"], order["technician"], order["state"]) == ("l1", "cem", "assigned")
    owners = [a for a in body["assignments"] if a["owner_since"]]
    assert sum(a["ended_at"] is None for a in owners) == 1
    for before, after in zip(owners, owners[1:]):
        assert before["ended_at"] == after["owner_since"], "never two, never none"


def test_people_and_rosters(rig, ticket):
    """Technicians and teams with load; who is on call when (S0-110)."""
    rig.act(ticket, action="assign", id="p1", technician="ann", appointment={"from": iso(3600), "to": iso(7200)})
    people = {p["id"]: p for p in rig.get("/technicians?limit=50")["items"]}
    assert people["ann"]["open_orders"] == 1 and people["ann"]["at_work"] and people["ann"]["hours_today_minutes"] == 1440
    assert people["bob"]["certificates"][0]["valid"] is False and people["boss"]["roles"] == ["leadership"] and people["boss"]["team"] is None
    assert {p["id"] for p in rig.get("/technicians?team=l2")["items"]} == {"dan"}
    teams = {t["id"]: t for t in rig.get("/teams")["items"]}
    assert (teams["l1"]["tier"], teams["l1"]["up"], teams["l1"]["lead"], teams["l1"]["available"]) == (1, "l2", "ann", 3)
    assert teams["l1"]["tickets"] >= 1 and teams["team-1"]["tier"] is None
    first = rig.get("/teams?limit=2")
    assert len(first["items"]) == 2 and len(rig.get(f"/teams?limit=2&cursor={first['next']}")["items"]) == 2
    roster = rig.get("/rosters/duty?from=2026-01-05&to=2026-01-08")
    assert [(s["from"], [p["technician"] for p in s["on_call"]]) for s in roster["spans"]] == [
        ("2026-01-05T00:00:00+08:00", ["ann", "cem"]), ("2026-01-06T00:00:00+08:00", ["cem", "ann"]), ("2026-01-07T00:00:00+08:00", ["ann", "cem"])]
    assert roster["hole"] is None and [r["id"] for r in rig.get("/rosters")["items"]] == ["duty"]
    on_call = rig.get("/rosters/duty")["on_call"][0]["technician"]
    people = {p["id"]: p for p in rig.get("/technicians?limit=50")["items"]}
    assert people[on_call]["on_call"]
    assert rig.ask("GET", "/api/v1/rosters/none")[0] == 404 and rig.ask("GET", "/api/v1/rosters/duty?from=2026-01-05&to=2026-01-05")[0] == 422


def test_named_people_go_first(rig):
    """S0-07: the team and technician named for the equipment."""
    assert rig.import_text("equipment: [{id: swh-0007, site: site-1, profile: swh-basic, agent: gw-1, team: l2, technician: cem}]").returncode == 0
    wait_for(lambda: rig.get("/technicians"))
    number = rig.report("swh-0007", fault="pump_no_flow", grade=2)["number"]
    first = rig.get(f"/tickets/{number}/candidates")["items"][0]
    assert first["technician"] == "cem" and first["criteria"][0]["value"] == "named for the equipment"
    assert order_of(rig, number)["team"] == "l1"
    rig.act(number, action="close", id="end", resolution="test")


def test_leadership_hears_of_an_emergency_and_decides(rig):
    """S0-145, S0-148: at once, with names; acknowledged and decided, each kept."""
    number = rig.report("swh-0006", fault="no_hot_water", grade=1)["number"]
    def told():
        return [e for e in rig.get(f"/escalations?state=open&ticket={number}")["items"] if e["condition"] == "emergency"]
    wait_for(told)
    one = told()[0]
    step = one["events"][0]
    assert step["kind"] == "step" and {"leadership", "dispatcher", "on_call"} == {t["as"] for t in step["told"]}
    assert next(t for t in step["told"] if t["as"] == "leadership")["technician"] == "boss"
    act = f"/escalations/{one['number']}/actions"
    rig.post(act, {"action": "decide", "id": "x0"}, (422,))
    rig.post(act, {"action": "acknowledge", "id": "x1"})
    rig.post(act, {"action": "acknowledge", "id": "x1"})
    done = rig.post(act, {"action": "decide", "id": "x2", "decision": "two crews"})
    assert [e["kind"] for e in done["events"]] == ["step", "acknowledge", "decide"] and done["outcome"] == "decided"
    rig.post(act, {"action": "acknowledge", "id": "x3"}, (409,))
    rig.act(number, action="escalate", id="y1", reason="the owner complains")
    wait_for(lambda: any(e["condition"] == "manual" for e in rig.get(f"/escalations?state=open&ticket={number}")["items"]))
    rig.act(number, action="check", id="y2", result="not_implemented")
    wait_for(lambda: any(e["condition"] == "not_implemented" for e in rig.get(f"/escalations?state=open&ticket={number}")["items"]))
    rig.act(number, action="decide", id="y3", decision="the office takes it")
    assert not any(e["condition"] in ("manual", "not_implemented") for e in rig.get(f"/escalations?state=open&ticket={number}")["items"])
    rig.act(number, action="close", id="end", resolution="test")
    wait_for(lambda: not rig.get(f"/escalations?state=open&ticket={number}")["items"])
