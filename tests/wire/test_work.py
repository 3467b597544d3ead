"""Work orders as phones, browsers and dispatchers use them: queues, files in pieces, tests from telemetry, papers."""
import hashlib
import json
import re
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest
from desk_rig import DeskRig, Gateway
from rig import wait_for

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 5000
PLAIN = ["accept", "depart", "arrive", "start", "finish"]


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = DeskRig(tmp_path_factory.mktemp("work")).open(heaters=16)
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def gateway(rig):
    return Gateway(rig, heaters=16)


def iso(seconds=0):
    return datetime.fromtimestamp(time.time() + seconds, timezone.utc).isoformat(timespec="milliseconds")


def order_of(rig, gateway, equipment, **fault):
    gateway.fault(equipment=equipment, **fault)
    return wait_for(lambda: rig.tickets(f"?equipment={equipment}&state=open"))[0]["work_orders"][0]


def queue(rig, actions, expect=200, **more):
    return rig.post("/work-orders/actions", {"actions": actions, **more}, (expect,))


def show(rig, number):
    return rig.get("/work-orders/" + number)


def step(order, name):
    return next(s for s in order["checklist"] if s["step"] == name)


def test_the_plan_is_copied(rig, gateway):
    """S2-13, S1-37, S2-19: by fault, in both languages, with what is needed before each stage."""
    order = show(rig, order_of(rig, gateway, "swh-0001", fault="tank_leak", grade=2))
    plan = rig.get("/jobs/swh-water")
    assert order["job"]["id"] == "swh-water" and order["job"]["version"] == plan["version"] and order["job"]["hash"] == plan["hash"]
    assert [s["step"] for s in order["checklist"] if s["section"] == "step"] == [s["step"] for s in plan["steps"]]
    assert step(order, "precaution-height")["type"] == "check" and step(order, "mains")["title_zh"]
    assert "precaution-height" in order["open"]["verify"] and order["open"]["start"] is None
    assert {j["kind"] for j in rig.get("/jobs")["items"]} == {"corrective", "preventive", "inspection", "installation", "planned_change",
                                                              "depot_repair", "assistance"}
    codes = rig.get("/jobs")
    assert {"code": "too_far", "title": {"en": "Too far away", "zh": "距离太远"}, "note": False} in codes["refusals"]
    assert [c["code"] for c in codes["overrides"] if c["note"]] == ["other"]


def test_a_client_of_the_contract_comes_to_done(rig, gateway):
    """interfaces.md 6 and 7: accept refuse depart arrive start check use_part finish sign cancel, and nothing else."""
    number = order_of(rig, gateway, "swh-0002", fault="tank_leak")
    assert show(rig, number)["state"] == "proposed"
    for action, state in zip(PLAIN, ["accepted", "travelling", "on_site", "working", "done"]):
        if action == "finish":
            rig.act(number, action="check", id="c", step=show(rig, number)["checklist"][0]["step"], value="ok")
            rig.act(number, action="use_part", id="u", part="pump-15-60")
        assert rig.act(number, action=action, id=action, at=iso())["state"] == state
    order = rig.act(number, action="sign", id="s", at=iso(), name="Li", image="data:image/png;base64,AAAA")
    assert order["state"] == "done" and order["signature"]["name"] == "Li" and order["signature"]["image"] == "data:image/png;base64,AAAA"


def test_a_queue_is_judged_item_by_item(rig, gateway):
    """Pains 26, 48: a phone that was offline replays its queue, in pieces, twice, from several connections at once."""
    number = order_of(rig, gateway, "swh-0003", fault="tank_leak")
    items = [{"work_order": number, "action": a, "id": f"q-{a}", "at": iso(-60 + 10 * i)} for i, a in enumerate(PLAIN)]
    items.insert(4, {"work_order": number, "action": "check", "id": "q-check", "at": iso(-25), "step": "leak", "value": "pipe"})
    wrong = [{"work_order": "W-NONE", "action": "accept", "id": "w1"}, {"work_order": number, "action": "dance", "id": "w2"},
             {"work_order": number, "action": "accept"}, {"work_order": number, "action": "check", "id": "w3", "step": "leak", "value": "moon"}]
    answer = queue(rig, [items[5], *wrong, *items[:2]])["items"]
    assert [i["status"] for i in answer] == [409, 404, 422, 422, 422, 200, 200]
    assert "Legal:" in answer[0]["detail"] and "id" in answer[3]["detail"] and "tank" in answer[4]["detail"]
    threads = [threading.Thread(target=queue, args=(rig, items[::-1] + items)) for _ in range(4)]
    [t.start() for t in threads], [t.join() for t in threads]
    again = queue(rig, items)["items"]
    assert [(i["status"], i["repeated"]) for i in again] == [(200, True)] * 6 and again[-1]["state"] == "done"
    order = show(rig, number)
    assert [e["action"] for e in order["timeline"] if e["id"]] == ["accept", "depart", "arrive", "start", "check", "finish"]
    assert step(order, "leak")["value"] == "pipe" and step(order, "leak")["light"] == "red"
    assert queue(rig, [{}] * 501, 422)["detail"].startswith("actions:")
    assert queue(rig, []) == {"items": []}


def test_the_clock_of_a_phone(rig, gateway):
    """A skew that is sane is taken off; one that is not makes the time ours, and is marked."""
    number = order_of(rig, gateway, "swh-0004", fault="tank_leak")
    skewed = [{"work_order": number, "action": "note", "id": f"n{i}", "at": iso(s - 60), "note": "x"} for i, s in enumerate([0, -600, -7200])]
    for item, sent in zip(skewed, [0, -600, -7200]):
        assert queue(rig, [item], sent_at=iso(sent))["items"][0]["status"] == 200
    lines = {e["id"]: e for e in show(rig, number)["timeline"]}
    ages = {i: time.time() - datetime.fromisoformat(lines[i]["at"]).timestamp() for i in lines}
    assert [lines[f"n{i}"]["data"]["clock"] for i in range(3)] == ["device", "corrected", "server"]
    created = datetime.fromisoformat(show(rig, number)["created_at"]).timestamp()
    assert all(datetime.fromisoformat(lines[f"n{i}"]["at"]).timestamp() >= created - 0.001 for i in range(3)), "not before there was an order"
    assert ages["n2"] < 20
    status, _, text = rig.ask("POST", f"/api/v1/work-orders/{number}/actions", {"action": "note", "note": "y", "sent_at": "noon"})
    assert status == 422 and "sent_at" in text


def test_times_are_the_sites(rig, gateway):
    """Pain 54: times of an order are shown with the offset of its site."""
    order = show(rig, rig.post("/work-orders", {"kind": "inspection", "site": "site-2", "appointment": {
        "from": "2027-01-05T08:00:00Z", "to": "2027-01-05T09:00:00Z"}})["number"])
    assert order["appointment"]["from"].startswith("2027-01-05T09:00:00") and order["appointment"]["from"].endswith("+01:00")
    assert re.search(r"[+]0[12]:00$", order["created_at"])


def test_measures_and_tests_come_from_telemetry(rig, gateway):
    """S1-29, S1-32: before and after with the same items, each with limit and light; a measure is not typed in."""
    number = order_of(rig, gateway, "swh-0005", fault="tank_leak")
    rig.act(number, action="accept", id="1")
    rig.act(number, action="arrive", id="2")
    assert "by hand" in rig.act(number, (409,), action="check", id="3", step="level-now")["detail"]
    gateway.data({"level": [[0, 12]], "tank_top": [[0, 55.0]], "pressure": [[0, 2.0]]}, "swh-0005")
    wait_for(lambda: any(p["name"] == "level" and p["value"] == 12 for p in rig.get("/equipment/swh-0005")["points"]))
    answer = step(rig.act(number, action="check", id="4", step="level-now"), "level-now")
    assert answer["value"] == 12 and answer["light"] == "red" and answer["reading"]["point"] == "level"
    started = rig.act(number, action="start", id="5")
    between = iso()
    wait_for(lambda: iso(-0.005) > between)
    gateway.data({"level": [[0, 70]]}, "swh-0005")
    wait_for(lambda: any(p["name"] == "level" and p["value"] == 70 for p in rig.get("/equipment/swh-0005")["points"]))
    late = step(rig.act(number, action="check", id="7", step="level-now", at=between), "level-now")
    assert late["value"] == 12, "what was measured before is looked up, not what is there now"
    done = rig.act(number, action="finish", id="6")
    before, after = started["tests"]["before"], done["tests"]["after"]
    assert [c["id"] for c in before["checks"]] == [c["id"] for c in after["checks"]] and before["source"] == "last_values"
    lights = lambda test: {c["id"]: c["light"] for c in test["checks"]}
    assert lights(before)["level-range"] == "red" and lights(after)["level-range"] == "green" and lights(after)["pressure"] == "green"
    assert lights(after)["lift"] == "amber", "what is not known is no green"
    assert done["before"]["level"] == 12 and done["after"]["level"] == 70 and done["tests"]["before"] == before | {"inspection": before["inspection"]}


def test_the_agent_is_asked(rig, gateway):
    """The remote inspection that the agent answers counts more than values that happened to be there."""
    number = order_of(rig, gateway, "swh-0006", fault="tank_leak")
    for action in PLAIN[:3]:
        rig.act(number, action=action, id=action)
    seen = len(gateway.commands)
    order = rig.act(number, action="start", id="start")
    assert order["tests"]["before"]["inspection"] and order["tests"]["before"]["verdict"] == "none"
    command = wait_for(lambda: [c for c in gateway.commands[seen:] if c["name"] == "inspect" and c["equipment"] == "swh-0006"])[0]
    now = int(time.time() * 1000)
    gateway.send("reply", command=command["id"], state="done", result={"points": [
        {"name": "level", "value": 50, "unit": "%", "quality": "good", "t": now}, {"name": "tank_top", "value": 55, "unit": "°C", "quality": "good", "t": now}], "health": {}})
    test = wait_for(lambda: (lambda t: t if t["source"] == "inspection" else None)(show(rig, number)["tests"]["before"]))
    assert {c["id"]: c["light"] for c in test["checks"]}["level-range"] == "green" and test["inspection_state"] == "done"


def send_file(rig, name, owner, body=PNG, size=400_000, cut=None, **more):
    head = rig.post("/attachments", {"id": name, "size": len(body), "hash": hashlib.sha256(body).hexdigest(), **owner, **more}, (201,))
    while head["received"] < len(body) and (cut is None or head["received"] < cut):
        at = head["received"]
        status, _, text = rig.ask("POST", f"/api/v1/attachments/{name}/pieces?offset={at}", raw=body[at:at + size],
                                  headers={"Content-Type": "application/octet-stream"})
        assert status == 200, text
        head = json.loads(text)
    return head


def piece(rig, name, at, body, kind="application/octet-stream"):
    return rig.ask("POST", f"/api/v1/attachments/{name}/pieces?offset={at}", raw=body, headers={"Content-Type": kind})[::2]


def test_files_go_on_where_they_stopped(rig, gateway):
    """S1-22, S1-40: a photo in pieces; its hash and its content are looked at; the ceiling holds."""
    number = order_of(rig, gateway, "swh-0007", fault="tank_leak")
    owner = {"work_order": number}
    head = send_file(rig, "photo-7", owner, cut=400_000, step="photo-after")
    assert head["received"] == 400_000 and head["state"] == "open" and head["type"] == "image/png"
    assert piece(rig, "photo-7", 800_000, PNG[800_000:])[0] == 409
    assert piece(rig, "photo-7", 0, PNG[:400_000])[0] == 200, "the same again does no harm"
    status, text = piece(rig, "photo-7", 0, b"x" * 400_000)
    assert status == 409 and "400000" in text
    assert piece(rig, "photo-7", 400_000, b"x", kind="text/plain")[0] == 415
    assert send_file(rig, "photo-7", owner, step="photo-after")["state"] == "whole"
    status, headers, _ = rig.ask("HEAD", "/api/v1/attachments/photo-7/content")
    assert status == 200 and headers["content-type"] == "image/png" and headers["content-disposition"] == "attachment"
    order = rig.act(number, action="photo", id="p", attachment="photo-7", step="photo-after")
    assert step(order, "photo-after")["value"] == "photo-7" and step(order, "photo-after")["light"] == "green"
    assert [(a["id"], a["size"], a["who"]) for a in order["attachments"]] == [("photo-7", len(PNG), "tests")]
    # another hash than was announced: begins again
    rig.post("/attachments", {"id": "liar", "size": 16, "hash": "0" * 64, **owner}, (201,))
    status, text = piece(rig, "liar", 0, PNG[:16])
    assert status == 422 and "hash" in text and rig.get("/attachments/liar")["received"] == 0
    assert piece(rig, "liar", 0, b"MZ is no picture")[0] == 422
    for body in ({"id": "big", "size": 1 << 40}, {"id": "a b", "size": 5}, {"id": "h", "size": 5, "hash": "xyz"}, {"id": "photo-7", "size": 9}):
        rig.post("/attachments", {"hash": "1" * 64, **owner, **body}, (422,))
    rig.post("/attachments", {"id": "n", "size": 5, "hash": "1" * 64}, (422,))
    rig.post("/attachments", {"id": "n", "size": 5, "hash": "1" * 64, "ticket": "T-NO"}, (422,))


def test_a_customers_photo_is_beside_the_ticket(rig, gateway):
    """S1-22, pain 50 (#138): a picture that came with the report stays with the ticket."""
    ticket = rig.report("swh-0008", title="It drips")
    send_file(rig, "drip", {"ticket": ticket["number"]}, body=PNG[:1000], title="below the tank")
    files = rig.get(f"/tickets/{ticket['number']}/attachments")["items"]
    assert [(f["id"], f["title"], f["state"]) for f in files] == [("drip", "below the tank", "whole")]
    assert rig.ask("GET", "/api/v1/attachments/drip/content", token="none")[0] == 401


def test_papers(rig, gateway):
    """D-04, D-15, D-17, D-18, S0-35, S1-28, S0-38: from the rows, in both languages; the code shows who was sent."""
    number = order_of(rig, gateway, "swh-0009", fault="tank_leak")
    code = show(rig, number)["code"]
    rig.act(number, action="accept", id="1")
    rig.act(number, (422,), action="arrive", id="2", code="WRONG1")
    rig.act(number, action="arrive", id="2", code=code)
    rig.act(number, action="start", id="3")
    rig.act(number, action="record", id="4", kind="serial", item="valve", old="<b>A</b>", new="B-2")
    rig.act(number, action="scope", id="5", item="joint", quantity=2, unit="pc", labour=80, material=15.5)
    for gate, by in (("filed", "Wang Jun"), ("reviewed", "Chen Hui"), ("approved", "Gao Min")):
        chain = {g["gate"]: g for g in rig.act(number, action="confirm", id=gate, gate=gate, by=by)["gates"]}
    assert [(chain[g]["by"], chain[g]["must"], chain[g]["after"]) for g in ("reviewed", "approved")] == [("Chen Hui", False, "filed"), ("Gao Min", False, "reviewed")]
    rig.act(number, action="finish", id="6")
    rig.act(number, action="accept_result", id="7", name="Li Xiaoming", remarks="warm again")
    names = {"authorisation": ("维修委托书", code), "repair_record": ("三包维修记录", "B-2"), "acceptance_form": ("维修验收单", "warm again"),
             "service_order": ("维修服务单", "15.5", "Gao Min", "总经理办公室批准"), "change_record": ("割接记录", number)}
    for name, words in names.items():
        status, headers, page = rig.ask("GET", f"/api/v1/work-orders/{number}/documents/{name}?format=html")
        assert status == 200 and headers["content-type"].startswith("text/html") and all(w in page for w in (*words, number)), name
        assert "<b>A" not in page
        assert rig.get(f"/work-orders/{number}/documents/{name}")["document"] == name
    assert "Mix" not in page and rig.ask("GET", f"/api/v1/work-orders/{number}/documents/poem")[0] == 404
    assert "mix it before you touch it" in rig.ask("GET", f"/api/v1/work-orders/{number}/documents/acceptance_form?format=html")[2]  # S1-34


def test_accepted_and_nothing_missing_is_closed(rig, gateway):
    """S1-33, S0-149: the customer's word closes an order of which nothing is missing; pain 50 (#216)."""
    number = rig.post("/work-orders", {"kind": "inspection", "equipment": "swh-0010", "id": "insp-10"}, (201,))["number"]
    assert rig.post("/work-orders", {"kind": "inspection", "equipment": "swh-0010", "id": "insp-10"}, (200,))["number"] == number
    for action in PLAIN[:3]:
        rig.act(number, action=action, id=action)
    rig.act(number, action="start", id="start", precautions=["electric", "scald"])
    for name in ("state", "environment", "seals"):
        rig.act(number, action="check", id=name, step=name, value=name != "seals")
    rig.act(number, action="finish", id="finish")
    rig.act(number, action="sign", id="t", name="Wang Jun", role="technician")
    order = rig.act(number, action="accept_result", id="ok", name="Li Xiaoming", image="data:image/png;base64,AA")
    assert order["state"] == "verified" and "findings" in order["open"]["close"], "what was found has to be settled first (S0-13)"
    found = step(order, "seals")["ticket"]
    assert rig.ticket(found)["kind"] == "inspection" and rig.ticket(found)["grade"] == 3 and rig.ticket(found)["equipment"] == "swh-0010"
    rig.act(found, action="close", id="c", resolution="sealed again")
    assert rig.act(number, action="note", id="n", note="all well")["state"] == "closed"
    assert rig.act(number, (409,), action="finish", id="again")["status"] == 409
    assert {s["role"]: s["name"] for s in show(rig, number)["signatures"]} == {"technician": "Wang Jun", "customer": "Li Xiaoming"}


def test_what_makes_safe_needs_no_consent(rig, gateway):
    """S0-59: no start of a chargeable repair before the consent; what keeps people from harm is done and written down."""
    number = order_of(rig, gateway, "swh-0012", fault="pump_no_flow")
    rig.act(number, action="arrive", id="1")
    assert "consent" in rig.act(number, (409,), action="start", id="2")["detail"]
    assert queue(rig, [{"work_order": number, "action": "start", "id": "2", "at": iso(-1)}])["items"][0]["status"] == 409
    order = rig.act(number, action="record", id="3", kind="make_safe", item="heater isolated", note="earth fault")
    assert order["state"] == "on_site" and order["actions"][0]["kind"] == "make_safe"
    assert "record" in [e["action"] for e in rig.ticket(order["ticket"])["timeline"]]


def test_what_is_wrong_is_told(rig, gateway):
    number = order_of(rig, gateway, "swh-0011", fault="tank_leak")
    for fields, word in (({"action": "refuse", "code": "bored"}, "no_time wrong_skill"), ({"action": "time", "from": "x", "to": "y"}, "from"),
                         ({"action": "sign"}, "name"), ({"action": "confirm", "gate": "x", "by": "y"}, "gate"), ({"action": "note"}, "note"),
                         ({"action": "record", "kind": "firmware"}, "new"), ({"action": "scope"}, "item"), ({"action": "photo"}, "attachment"),
                         ({"action": "override", "need": "sun", "code": "later"}, "need"), ({"action": "use_part"}, "part"),
                         ({"action": "use_part", "part": "x", "old_goes": "moon"}, "old_goes"), ({"action": "reschedule"}, "appointment")):
        answer = rig.act(number, (422, 409), **fields)
        assert answer["status"] == (409 if fields["action"] == "sign" else 422) and any(w in answer["detail"] for w in word.split()) or fields["action"] == "sign", (fields, answer)
    for body, word in (({"kind": "party"}, "kind"), ({"kind": "corrective"}, "ticket"), ({"kind": "inspection"}, "equipment"),
                       ({"kind": "inspection", "equipment": "x"}, "equipment"), ({"kind": "planned_change", "site": "site-1"}, "appointment"),
                       ({"kind": "depot_repair", "equipment": "swh-0011"}, "parent"), ({"kind": "inspection", "site": "site-1", "job": "swh-pump"}, "job")):
        assert word in rig.post("/work-orders", body, (422,))["detail"], body
    assert rig.post("/work-orders", {"kind": "assistance", "site": "site-1", "title": "Moving"}, (201,))["job"]["id"] == "assistance"  # S0-25
    assert rig.ask("POST", "/api/v1/work-orders", {"kind": "assistance", "site": "site-1"}, token=rig.role_token("viewer"))[0] == 403
