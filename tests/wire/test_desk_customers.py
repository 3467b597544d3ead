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
