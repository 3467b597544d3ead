"""Who did what: a line for every change, chained, which nobody alters unseen."""
import os
import sqlite3

import pytest
from rig import Rig, wait_for

POSTGRES = os.environ.get("HELIOGRAPH_DATABASE") == "postgresql"


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path)
    rig.broker()
    rig.server()
    rig.fleet()
    yield rig
    rig.close()


def report(rig, **more):
    return rig.call("POST", "/api/v1/tickets", {"equipment": "swh-0001", "note": "no hot water", **more})


def trail(rig, query=""):
    return rig.get("/trail" + query)["items"]


def test_every_change_leaves_a_line(rig):
    status, ticket = report(rig)
    assert status in (200, 201)
    number = ticket["number"]
    action = {"action": "acknowledge", "id": "a-1", "at": ticket["registered_at"]}
    assert rig.call("POST", f"/api/v1/tickets/{number}/actions", action)[0] == 200
    lines = trail(rig)
    assert [(l["what"], l["object"]) for l in lines[:2]] == [
        ("POST /api/v1/tickets/{number}/actions acknowledge", number), ("POST /api/v1/tickets", None)]
    assert lines[0]["who"] == "tests" and lines[0]["role"] == "admin" and lines[0]["source"] == "127.0.0.1"
    assert '"a-1"' in lines[0]["detail"]
    assert {l["what"] for l in lines} >= {"import", "token add"}, "sub-commands too"
    count = len(lines)
    assert rig.call("POST", f"/api/v1/tickets/{number}/actions", action)[0] == 200
    assert rig.call("POST", f"/api/v1/tickets/{number}/actions", {**action, "id": "a-2"})[0] == 409
    assert len(trail(rig)) == count, "what changed nothing leaves none"
    assert [l["object"] for l in trail(rig, f"?object={number}")] == [number]
    assert trail(rig, "?who=somebody-else") == []


def test_pages_and_roles(rig):
    for i in range(7):
        assert rig.call("POST", "/api/v1/tickets", {"kind": "consultation", "site": "site-1", "note": f"question {i}"})[0] < 300
    seen, cursor = [], ""
    while cursor is not None:
        page = rig.get("/trail?limit=3" + cursor)
        seen += [l["id"] for l in page["items"]]
        cursor = page["next"] and f"&cursor={page['next']}"
    assert seen == sorted(seen, reverse=True) and len(set(seen)) == len(seen) >= 9
    for role, expected in (("viewer", 403), ("technician", 403), ("dispatcher", 403), ("integration", 403), ("manager", 200)):
        token = rig.command("token", "add", f"t-{role}", "--role", role).stdout.split()[-1]
        for path in ("/api/v1/trail", "/api/v1/trail/state"):
            status, _ = rig.call("GET", path, token=False, headers={"Authorization": f"Bearer {token}"})
            assert status == expected, (role, path)


def test_what_is_taken_away_and_who_was_refused(rig):
    rig.command("user", "add", "li", "--role", "manager", stdin="a long enough password\n")
    for _ in range(30):
        assert rig.call("POST", "/api/v1/login", {"name": "li", "password": "wrong secret"}, token=False)[0] == 401
    assert rig.call("POST", "/api/v1/login", {"name": "li", "password": "a long enough password"}, token=False)[0] == 200
    assert rig.call("GET", "/api/v1/reports/mttr", headers={"Accept": "text/csv"})[0] == 200
    lines = trail(rig)
    refused = [l for l in lines if l["what"] == "log-in refused"]
    assert 20 <= len(refused) <= 40 and refused[0]["object"] == "li", "guessing does not fill the disk"
    assert [l["who"] for l in lines if l["what"] == "POST /api/v1/login"] == ["li"]
    assert [l["object"] for l in lines if l["what"] == "report taken away as CSV"] == ["mttr"]
    assert "password" not in str(lines) and "secret" not in str(lines)


def change(rig, statement):
    rig.programs[-1].process.terminate()
    rig.programs[-1].process.wait(15)
    rig.rows(statement) if POSTGRES else execute(rig, statement)


def execute(rig, statement):
    with sqlite3.connect(rig.folder / "server.db") as db:
        db.execute("DROP TRIGGER IF EXISTS trail_frozen")
        db.execute(statement)


@pytest.mark.skipif(POSTGRES, reason="the database's file is written past the server")
@pytest.mark.parametrize("statement,wrong", [
    ("UPDATE trail SET who = 'somebody' WHERE id = 3", 3),
    ("UPDATE trail SET detail = NULL WHERE id = (SELECT MAX(id) FROM trail)", None),
    ("DELETE FROM trail WHERE id = 3", 4),
    ("DELETE FROM trail WHERE id = (SELECT MAX(id) FROM trail)", "head"),
    ("UPDATE trail SET id = id + 100 WHERE id >= 4", 104),
])
def test_who_alters_it_is_found(rig, statement, wrong):
    for i in range(4):
        assert report(rig, kind="consultation", note=f"question {i}")[0] < 300
    state = rig.get("/trail/state")
    assert state["intact"] and state["lines"] == len(trail(rig)) and state["first_wrong"] is None
    assert rig.get(f"/trail/state?head={state['head']}")["intact"]
    assert rig.command("trail", state["head"]).returncode == 0
    change(rig, statement)
    found = rig.command("trail", state["head"])
    assert found.returncode == 1, found.stdout
    if wrong == "head":
        assert "was written anew" in found.stderr and rig.command("trail").returncode == 0
    elif wrong:
        assert f"line {wrong} of the trail" in found.stderr


@pytest.mark.skipif(POSTGRES, reason="the database's file is written past the server")
@pytest.mark.parametrize("table", ["trail", "ticket_event"])
def test_the_database_refuses_to_change_what_happened(rig, table):
    assert report(rig)[0] < 300
    with sqlite3.connect(rig.folder / "server.db") as db:
        with pytest.raises(sqlite3.IntegrityError, match="are never changed"):
            db.execute(f"UPDATE {table} SET who = 'somebody'")


def test_it_has_an_end(rig):
    for i in range(3):
        assert report(rig, kind="consultation", note=f"question {i}")[0] < 300
    state = rig.get("/trail/state")
    rig.programs[-1].process.terminate()
    rig.programs[-1].process.wait(15)
    path = rig.folder / "server.yaml"
    path.write_text(path.read_text() + "keep: {trail: 1ms}\n")
    rig.server()
    wait_for(lambda: rig.get("/trail/state")["lines"] == 1, words="old lines are let go")
    assert rig.get("/trail/state")["intact"], "what is left is a chain still"
    assert not rig.get(f"/trail/state?head={'0' * 64}")["head_found"]
    assert report(rig, kind="consultation", note="the chain goes on")[0] < 300
    assert rig.get(f"/trail/state?head={state['head']}")["intact"], "the first that is kept names the last let go"
