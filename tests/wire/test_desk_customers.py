"""What customers do without a log-in: pictures of the trouble, surveys, and what they do not want to hear."""
import json
import pathlib
import shutil

import pytest
from desk_rig import DeskRig
from rig import wait_for

JPEG = b"\xff\xd8\xff\xe0" + b"x" * 5000


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    rig = DeskRig(tmp_path_factory.mktemp("customers"))
    plans = rig.folder / "plans"
    plans.mkdir()
    shutil.copytree("models/plans/overlays", plans / "overlays")
    for plan in pathlib.Path("models/plans").glob("*.yaml"):  # asked a second after the end
        (plans / plan.name).write_text(plan.read_text().replace("after_close: {value: 1d", "after_close: {value: 1s"))
    path = rig.folder / "server.yaml"
    path.write_text(path.read_text().replace("plans: models/plans", f"plans: {plans}\nnotices: models/notices\njobs: models/jobs\n"
                                             "codes: models/codes.yaml\npapers: models/papers\ninspections: models/inspections")
                    .replace("http: {listen:", 'http: {public_url: "https://heaters.example", listen:'))
    rig.open()
    yield rig
    rig.close()


def send(world, number, code, raw, title="leak", **headers):
    status, _, text = world.ask("POST", f"/api/v1/track/{number}/photos?code={code}&title={title}", raw=raw, token="",
                                headers={"Content-Type": "application/octet-stream", **headers})
    return status, json.loads(text) if text.startswith("{") else text


def test_a_customer_sends_pictures_without_log_in(world):
    """S1-22: kept as attachments of the ticket, in its time line; what is none, too large, too many or too late is refused."""
    ticket = world.report("swh-0001", fault="leak")
    number, code = ticket["number"], ticket["track"]["code"]
    status, page = world.ask("GET", f"/track/{number}?code={code}", token="")[::2]
    assert status == 200 and "上传故障照片" in page and "Send a picture" in page and "<script src=" in page
    assert "registered · 已登记" in page and number in page and "{" not in page, "in words, not in codes and braces"
    assert world.ask("GET", "/track.js", token="")[1]["content-type"].startswith("text/javascript")
    assert world.ask("GET", f"/track/{number}?code=wrong", token="")[0] == 404
    status, kept = send(world, number, code, JPEG)
    assert status == 201
    files = world.get(f"/tickets/{number}/attachments")["items"]
    assert [(f["id"], f["who"], f["type"], f["title"]) for f in files] == [(kept["id"], "customer", "image/jpeg", "leak")]
    assert files[0]["state"] == "whole" and files[0]["size"] == len(JPEG)
    assert any(line["action"] == "photo" and line["who"] == "customer" for line in world.ticket(number)["timeline"])
    assert send(world, number, "x", JPEG)[0] == 404
    assert send(world, number, code, b"#!/bin/sh")[0] == 422
    assert send(world, number, code, JPEG * 250)[0] == 413
    again = {"Idempotency-Key": "k1"}
    first, second = send(world, number, code, JPEG, **again), send(world, number, code, JPEG, **again)
    assert first == second, "a phone that asks twice has sent once"
    got = [send(world, number, code, JPEG)[0] for _ in range(24)]
    assert got.count(201) == 8 and 409 in got and 429 in got and set(got) == {201, 409, 429}
    assert len(world.get(f"/tickets/{number}/attachments")["items"]) == 10
    other = world.report("swh-0002", fault="leak")
    world.act(other["number"], action="close", id="c", resolution="tightened")
    assert send(world, other["number"], other["track"]["code"], JPEG)[0] == 409


def test_a_survey_by_its_code_and_by_telephone(world):
    """S1-09 S1-55 S1-56 S1-04: asked after the end, answered without log-in, or written down; a low score is called back."""
    numbers = [world.report(f"swh-000{n}", fault="cold")["number"] for n in (3, 4)]
    for number in numbers:
        world.act(number, action="close", id="c", resolution="a valve was shut")
    first, second = [wait_for(lambda n=n: world.get(f"/surveys?ticket={n}")["items"], 90)[0] for n in numbers]
    assert first["customer"] == "cust-1" and first["attitude"] is None and first["callback"] is None
    code, = world.rows("SELECT code FROM survey WHERE id = ?", first["id"])[0]
    assert code not in json.dumps(first)
    status, page = world.ask("GET", f"/survey/{first['id']}?code={code}", token="")[::2]
    assert status == 200 and "满意度调查" in page and 'name="speed"' in page
    path, words = f"/surveys/{first['id']}/answer", {"attitude": 5, "quality": 4, "speed": 1, "comment": "three days"}
    assert world.ask("POST", "/api/v1" + path, words, token="")[0] == 404
    assert world.ask("POST", "/api/v1" + path, words, token=world.role_token("viewer"))[0] == 404
    assert world.ask("POST", f"/api/v1{path}?code=wrong", words, token="")[0] == 404
    assert world.ask("POST", f"/api/v1{path}?code={code}", {**words, "speed": 0}, token="")[0] == 422
    status, _, text = world.ask("POST", f"/api/v1{path}?code={code}", words, token="")
    answered = json.loads(text)
    assert status == 200 and answered["channel"] == "web" and answered["who"] == "customer" and answered["callback"]["called_at"] is None
    assert world.ask("POST", f"/api/v1{path}?code={code}", {**words, "speed": 5}, token="")[0] == 409
    duty, = world.get("/duties?kind=survey_callback")["items"]
    assert duty["id"] == answered["callback"]["duty"]
    world.post(f"/duties/{duty['id']}/actions", {"action": "done", "id": "d", "note": "apologised"})
    assert world.get(f"/surveys?ticket={numbers[0]}")["items"][0]["callback"]["called_at"]
    said = world.post(f"/surveys/{second['id']}/answer", {"attitude": 5, "quality": 5, "speed": 4, "channel": "phone"})
    assert said["channel"] == "phone" and said["callback"] is None
    lines = {(line["name"], line["group"]): line for line in world.get("/reports/satisfaction")["lines"]}
    assert [lines["satisfied answers", question]["value"] for question in ("attitude", "quality", "speed")] == [1, 1, 0.5]
    assert lines["response rate", None]["count"] >= 2 and lines["low scores called back in time", None]["value"] == 1
    assert [g for g in world.ticket(numbers[0]).get("gates", []) if g["gate"] == "surveyed" and g["at"]]


def test_who_wants_no_more_gets_no_more(world):
    """S3-09: by the desk and by the survey's page."""
    assert world.post("/customers/cust-1/opt-out", {"topic": "nothing", "out": True}, expect=(422,))
    assert world.post("/customers/nobody/opt-out", {"topic": "survey", "out": True}, expect=(404,))
    assert world.post("/customers/cust-1/opt-out", {"topic": "survey", "out": True})["opted_out"] == ["survey"]
    number = world.report("swh-0005", fault="cold")["number"]
    world.act(number, action="close", id="c", resolution="a valve was shut")
    wait_for(lambda: world.rows("SELECT 1 FROM ticket WHERE number = ? AND survey_ms IS NULL", number), 90)
    assert world.get(f"/surveys?ticket={number}")["items"] == []
    survey, code = world.rows("SELECT id, code FROM survey ORDER BY id LIMIT 1")[0]
    status, _, text = world.ask("POST", f"/api/v1/surveys/{survey}/opt-out?code={code}", {"topic": "survey", "out": False}, token="")
    assert status == 200 and json.loads(text)["opted_out"] == []


def as_role(world, role, method, path, body=None):
    status, _, text = world.ask(method, "/api/v1" + path, body, token=world.role_token(role) if role else "")
    return status, json.loads(text)


def test_a_complaint_without_log_in(world):
    """S0-103 S1-54 S2-33 S2-34 D-37 D-38: by the ticket's code, past the team that was there, answered, and accepted by its own code."""
    more = 'contacts: [{id: line, name: Complaints, phone: "+86 21 5550 9999", purpose: complaints}]\n'
    assert world.import_text(world.fleet_text + more).returncode == 0
    ticket = world.report("swh-0006", fault="leak")
    number, code = ticket["number"], ticket["track"]["code"]
    world.act(number, action="dispatch", id="d", team="team-1")
    status, _, page = world.ask("GET", f"/track/{number}?code={code}", token="")
    assert status == 200 and "+86 21 5550 9999" in page and "投诉与建议" in page
    for paper in ("agreement", "warranty_card"):
        assert {f["en"]: f["value"] for f in world.get(f"/documents/{paper}/swh-0006")["fields"]}["Complaints"] == "+86 21 5550 9999"
    path = f"/track/{number}/complaints?code="
    words = {"id": "page-1", "detail": "nobody came", "team": "team-2", "channel": "visit"}
    assert as_role(world, None, "POST", path + "wrong", words)[0] == 404
    assert as_role(world, None, "POST", path + code, {"kind": "poem", "detail": "x"})[0] == 422
    status, given = as_role(world, None, "POST", path + code, words)
    assert status == 201 and set(given) == {"number", "code"}
    assert as_role(world, None, "POST", path + code, words) == (200, given), "a page that is sent twice"
    got = [as_role(world, None, "POST", path + code, {"detail": f"again {n}"})[0] for n in range(6)]
    assert got == [201] * 4 + [409] * 2
    mine = f"/complaints/{given['number']}"
    seen = world.get(mine)
    assert (seen["team"], seen["channel"], seen["ticket"], seen["state"], seen["owner"]) == ("team-1", "web", number, "received", None)
    assert {c["kind"] for c in seen["clocks"]} == {"complaint_acknowledge", "complaint_answer", "complaint_resolve"}
    assert any(line["action"] == "complaint" for line in world.ticket(number)["timeline"])
    for role in ("viewer", "technician", "integration"):
        assert as_role(world, role, "GET", mine)[0] == 403 and as_role(world, role, "GET", f"/documents/complaint/{given['number']}")[0] == 403
    act = lambda expect=(200,), **action: world.post(mine + "/actions", action, expect)
    assert "Legal: acknowledge" in act((409,), action="answer", note="no")["detail"]
    assert "class: expected one of service" in act((422,), action="classify", **{"class": "x", "nature": "delay", "severity": "minor"})["detail"]
    tag = world.ask("GET", "/api/v1" + mine)[1]["etag"]
    act(action="classify", id="c", **{"class": "service", "nature": "delay", "severity": "minor"})
    assert world.ask("POST", f"/api/v1{mine}/actions", {"action": "note", "note": "x"}, {"If-Match": tag})[0] == 412
    act((409,), action="forward", department="team-1")
    act((409,), action="forward", department="office", owner="tech-1")
    assert act(action="forward", department="office", owner="tech-2")["owner"] == "tech-2"
    act(action="report", note="the order was forgotten", finding="justified", cause="forgotten", measure="a list at the door")
    assert as_role(world, None, "POST", f"{mine}/opinion?code={given['code']}", {"accepted": True})[0] == 409
    progress = as_role(world, None, "GET", f"{mine}/progress?code={given['code']}")[1]
    assert progress["answer"] is None and not {"team", "owner", "report", "trail"} & set(progress)
    act(action="answer", note="We are sorry & come tomorrow.")
    status, _, page = world.ask("GET", f"/complaint/{given['number']}?code={given['code']}", token="")
    assert status == 200 and "We are sorry &amp; come tomorrow." in page and 'name="accepted"' in page and "forgotten" not in page
    assert as_role(world, None, "POST", f"{mine}/opinion?code=x", {"accepted": True})[0] == 404
    assert as_role(world, None, "POST", f"{mine}/opinion?code={given['code']}", {"accepted": True, "note": "good"})[1]["outcome"] == "accepted"
    paper = world.get(f"/documents/complaint/{given['number']}")
    value = {f["en"]: f["value"] for f in paper["fields"]}
    assert (value["Investigation"], value["Finding"]["zh"], value["Improvement"]) == ("the order was forgotten", "成立", world.get(mine)["improvement"])
    assert {f["en"]: f["value"] for f in world.get(f"/documents/feedback_record/{given['number']}")["fields"]}["The customer's opinion"] == "good"
    assert len(world.get(f"/complaints?ticket={number}&state=open")["items"]) == 4
    assert [c["number"] for c in world.get("/complaints?state=closed&nature=delay")["items"]] == [given["number"]]
    lines = {(line["name"], line["group"]): line for line in world.get("/reports/complaints")["lines"]}
    assert lines["complaints by team", "team-1"]["value"] == 5 and lines["justified", "team-1"]["value"] == 1
    assert lines["done in time", "complaint_answer"]["value"] == 1 and lines["accepted", "complaint"]["value"] == 1
    assert lines["repeated", "delay"]["value"] == 0 and lines["complaints and feedback", "complaint, delay"]["count"] == 1


def test_what_is_improved(world):
    """S1-10 S2-35: from a complaint to a measure with owner and date, and whether it helped."""
    item, = world.get("/improvements?source=complaint")["items"]
    path = f"/improvements/{item['number']}"
    assert item["measure"] == "a list at the door" and item["state"] == "open" and item["again"] is None
    assert as_role(world, "dispatcher", "POST", path + "/actions", {"action": "plan"})[0] == 403
    world.post(path + "/actions", {"action": "plan", "owner": "tech-2", "due": "2099-01-01"})
    world.post(path + "/actions", {"action": "done"})
    assert world.get(path)["again"] == 0
    assert world.post(path + "/actions", {"action": "check", "effective": True, "note": "none since"})["state"] == "effective"
    assert world.get("/reports/improvements")["lines"][0]["value"] >= 1
    assert world.post("/improvements", {"id": "mine", "title": "better boxes"})["source"] == "person"


def test_a_stand_and_the_register(world):
    """S0-06 S0-16 S0-133 S0-155 D-03 D-27 D-51: opinions, a repair on request, calls and visits in one list and on paper."""
    world.post("/complaints", {"kind": "opinion", "channel": "outreach", "campaign": "spring", "nature": "praise", "contact": "Mrs Wu", "detail": "good"})
    said = world.post("/complaints", {"id": "s2", "kind": "opinion", "channel": "outreach", "campaign": "spring", "equipment": "swh-0007",
                                      "repair": True, "detail": "the water is cold"})
    assert said["state"] == "closed" and world.ticket(said["repair"])["equipment"] == "swh-0007"
    paper = world.get("/documents/opinion_register/spring")
    assert {f["en"]: f["value"] for f in paper["fields"]}["Repairs asked for"] == 1 and [len(t["rows"]) for t in paper["tables"]] == [2, 2]
    entry = {"channel": "visit", "customer": "cust-1", "theme": "winter", "content": "shown the drain", "needs": "a cover", "actions": "offer", "next": "2027-03-01"}
    assert world.post("/register", {**entry, "channel": "owl"}, (422,))["detail"].startswith("channel: expected")
    world.post("/register", {"id": "v1", **entry})
    dealer = world.post("/register", {"id": "v2", "channel": "phone", "kept_by": "team-2", "content": "asked for a price", "contact": "Bo"})
    assert dealer["kept_by"] == "team-2"
    whole, cursor = [], ""
    while cursor is not None:
        page = world.get("/register?limit=3" + cursor)
        whole += page["items"]
        cursor = page["next"] and "&cursor=" + page["next"]
    assert {"entry", "ticket", "complaint", "survey"} <= {e["kind"] for e in whole}
    assert [e["at"] for e in whole] == sorted(e["at"] for e in whole) and len(whole) == len({json.dumps(e) for e in whole})
    assert [e["content"] for e in world.get("/register?kept_by=team-2")["items"]] == ["asked for a price"]
    sheet = world.ask("GET", "/api/v1/register?customer=cust-1", headers={"Accept": "text/csv"})[2]
    assert "shown the drain" in sheet and "asked for a price" not in sheet and "content" in sheet.split("\r\n")[0]
    value = {f["en"]: f["value"] for f in world.get("/documents/customer_visit/1")["fields"]}
    assert (value["Theme"], value["Needs"], value["Next visit"]) == ("winter", "a cover", "2027-03-01")
    assert len(world.get("/documents/service_register/all")["tables"][0]["rows"]) == len(whole)
    assert [line["value"] for line in world.get("/reports/register")["lines"]][0] == 1
    hints = world.get("/customers/cust-1/hints")["equipment"]
    assert any(h["kind"] == "fault" for e in hints if e["id"] == "swh-0007" for h in e["hints"])


def test_a_questionnaire(world):
    """S0-15 D-28: by its code or by the clerk; a database row of a period that has come stands for half a year."""
    import sqlite3
    with sqlite3.connect(world.folder / "server.db", timeout=20) as database:
        database.execute("INSERT INTO questionnaire (id, code, contract, customer, site, plan, occurrence, asked_ms, until_ms) SELECT 7000, 'secret',"
                         " n.id, n.customer, 1, n.plan, 99, 1, 9999999999999 FROM contract n")
        database.execute("INSERT INTO questionnaire_line (questionnaire, position, question, equipment, title_en, title_zh, kind, found)"
                         " VALUES (7000, 1, 'works', 1, 'Does it run?', '正常吗', 'yes_no', 'yes'), (7000, 2, 'wishes', NULL, 'Wishes?', '建议', 'text', NULL)")
    page = world.ask("GET", "/questionnaire/7000?code=secret", token="")[2]
    assert "正常吗" in page and '<option value="yes" selected>' in page
    assert as_role(world, None, "POST", "/questionnaires/7000/answer", {"answers": {}})[0] == 404
    status, done = as_role(world, None, "POST", "/questionnaires/7000/answer?code=secret", {"answers": {"0": "-", "1": "no", "2": "more heat"}})
    assert status == 200 and [q["answer"] for q in done["questions"]] == ["no", "more heat"] and done["feedback"].startswith("K-")
    assert world.get("/questionnaires?state=answered")["items"][0]["id"] == 7000
    rows = world.get("/documents/questionnaire/7000")["tables"][0]["rows"]
    assert rows[0][2:] == ["yes", "no"]
    lines = {(line["name"], line["group"]): line for line in world.get("/reports/questionnaires")["lines"]}
    assert lines["corrected", "works"]["value"] == 1 and lines["answers", "works: no"]["value"] == 1


def test_figures_of_looks_and_of_missed_promises(world):
    """S0-118: faults in the 90 days before and after a look on site; S2-34: a missed clock of a complaint is in the breach register."""
    import sqlite3
    day, now = 86_400_000, world.rows("SELECT MAX(registered_ms) FROM ticket")[0][0]
    before = world.report("swh-0007", fault="leak", kind="fault")["number"]
    with sqlite3.connect(world.folder / "server.db", timeout=20) as database:
        database.execute("UPDATE ticket SET registered_ms = ? WHERE number = ?", (now - 100 * day, before))
        database.execute("INSERT INTO work_order (id, number, kind, equipment, state, created_ms) SELECT 9000, 'W-LOOK', 'inspection', id, 'done', 1"
                         " FROM equipment WHERE name = 'swh-0007'")
        database.execute("INSERT INTO work_event (work_order, at_ms, stored_ms, who, action) VALUES (9000, ?, ?, 'tech-1', 'finish')", (now - 95 * day,) * 2)
        database.execute("UPDATE clock SET breached_ms = ? WHERE id = (SELECT MAX(id) FROM clock WHERE kind = 'complaint_resolve' AND met_ms IS NULL)",
                         (now - 7_200_000,))
    looks = {line["group"]: line for line in world.get("/reports/prevention")["lines"]}
    assert (looks["before"]["value"], looks["after"]["value"]) == (1, 0) and looks["before"]["rows"][0]["ref"] == "W-LOOK"
    missed = {line["group"]: line for line in world.get("/reports/breaches")["lines"] if line["name"] == "complaints over the promise"}
    assert 2 <= missed["complaint_resolve"]["value"] < 3
