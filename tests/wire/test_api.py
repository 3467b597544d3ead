"""The HTTP face as an independent client sees it: who may, which methods, forms, lists, keys, the stream."""
import concurrent.futures
import http.client
import json
import re
import socket
import threading
import time

import pytest
from desk_rig import ROLES, DeskRig, Gateway
from rig import ROOT, wait_for


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = DeskRig(tmp_path_factory.mktemp("api")).open()
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def gateway(rig):
    gateway = Gateway(rig)
    gateway.data({"pump_on": [[0, 1]], "flow": [[0, 4.2]], "collector_temp": [[0, 71.2]]})
    gateway.fault()
    wait_for(rig.tickets)
    return gateway


def problem(text, status):
    body = json.loads(text)
    assert body["status"] == status and body["type"] and body["title"] and body["detail"], body
    return body


def routes():
    """(method, path, role bits) of the one table in the source."""
    text = (ROOT / "server/api/routes.c").read_text().replace('V1 "', '"/api/v1/')
    rows = re.findall(r'\{"(GET|POST)", "([^"]+)", (MAY_\w+)', text)
    assert len(rows) > 25
    return rows


MAY = {"MAY_READ": set(ROLES), "MAY_WRITE": set(ROLES) - {"viewer"}, "MAY_MANAGE": {"dispatcher", "manager", "admin"}, "MAY_OVERSEE": {"manager", "admin"}, "MAY_ADMIN": {"admin"}, "MAY_DESK": {"integration", "dispatcher", "manager", "admin"},
       "MAY_ANYBODY": set(ROLES) | {None}, "MAY_NEAR": set(ROLES) | {None}}


def test_every_route_asks_who_is_there(rig, gateway):
    tokens = {role: rig.role_token(role) for role in ROLES} | {None: ""}
    for method, path, may in routes():
        if path.endswith(("/stream", "/login", "/logout")):
            continue
        path = path.replace("{id}", "no-such").replace("{number}", "T-NONE").replace("{token}", "x").replace("{name}", "x")
        for role, token in tokens.items():
            status, headers, text = rig.ask(method, path, None if method == "GET" else {"x": 1}, token=token)
            if role in MAY[may]:
                assert status not in (401, 403, 405), (method, path, role, status, text)
            else:
                assert status == (403 if role else 401), (method, path, role, status, text)
                problem(text, status)
                assert role or headers["www-authenticate"] == "Bearer"
    for token in ("wrong", "hg_" + "A" * 32, "x" * 5000):
        assert rig.ask("GET", "/api/v1/tickets", token=token)[0] == 401
    assert rig.ask("GET", "/api/v1/tickets", headers={"Authorization": "Basic eDp5"}, token="")[0] == 401
    assert rig.ask("GET", "/api/v1/tickets", headers={"Authorization": "bearer " + rig.token}, token="")[0] == 200


def test_sessions(rig):
    assert rig.command("user", "add", "ann", "--role", "dispatcher", stdin="a long password\n").returncode == 0
    wrong = rig.ask("POST", "/api/v1/login", {"name": "ann", "password": "no"}, token="")
    nobody = rig.ask("POST", "/api/v1/login", {"name": "nobody", "password": "no"}, token="")
    assert wrong[0] == nobody[0] == 401 and wrong[2] == nobody[2]
    status, headers, text = rig.ask("POST", "/api/v1/login", {"name": "ann", "password": "a long password"}, token="")
    assert status == 200 and json.loads(text)["role"] == "dispatcher"
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    pair = cookie.split(";")[0]
    assert rig.ask("GET", "/api/v1/tickets", headers={"Cookie": "a=b; " + pair}, token="")[0] == 200
    assert rig.ask("GET", "/api/v1/tickets", headers={"Cookie": "x" + pair}, token="")[0] == 401
    # a form of another site could carry the cookie: never taken for JSON
    form = {"Cookie": pair, "Content-Type": "application/x-www-form-urlencoded"}
    assert rig.ask("POST", "/api/v1/tickets", raw=b'{"kind":"complaint"}', headers=form, token="")[0] == 415
    assert rig.ask("POST", "/api/v1/logout", headers={"Cookie": pair}, token="")[0] == 200
    assert rig.ask("GET", "/api/v1/tickets", headers={"Cookie": pair}, token="")[0] == 401
    stored = rig.stored_bytes()
    assert rig.token.encode() not in stored and pair.split("=")[1].encode() not in stored


def test_methods_and_forms(rig, gateway):
    for path in ("/", "/healthz", "/readyz", "/metrics"):
        assert rig.ask("GET", path, token="")[0] == 200
        status, headers, text = rig.ask("HEAD", path, token="")
        assert status == 200 and text == "" and int(headers["content-length"]) > 0
        assert rig.ask("POST", path, {}, token="")[0] == 405
    status, headers, text = rig.ask("HEAD", "/api/v1/tickets")
    assert status == 200 and text == ""
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "FOO"):
        status, headers, text = rig.ask(method, "/api/v1/tickets")
        assert status == 405 and headers["allow"] == "GET, HEAD, POST", (method, status)
    for path in ("/api/v1/nothing", "/api/v1/tickets/T-1/nothing", "/nothing", "/api/v1", "/api/v2/tickets",
                 "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/v1/tickets/../../../etc/passwd", "/api/v1/a/b/c/d/e/f/g/h"):
        status, _, text = rig.ask("GET", path)
        assert status == 404 and "root:" not in text, path
        problem(text, 404)
    for accept, wanted in (("application/xml", 406), ("text/html, application/json;q=0", 406), ("*/*", 200), ("application/*", 200),
                           ("text/html,application/xhtml+xml,*/*;q=0.8", 200), ("application/json", 200), ("application/problem+json", 200)):
        assert rig.ask("GET", "/api/v1/tickets", headers={"Accept": accept})[0] == wanted, accept
    post = lambda raw, kind: rig.ask("POST", "/api/v1/tickets", raw=raw, headers={"Content-Type": kind} if kind else {})
    for raw, kind, wanted in ((b"<a/>", "text/xml", 415), (b"a=b", "application/x-www-form-urlencoded", 415), (b"{", "application/json", 400),
                              (b"[]", "application/json", 400), (b"", "application/json", 400), (b"\xff{}", "application/json", 400),
                              (b"[" * 100000, "application/json", 400), (b'{"kind":"nonsense"}', "application/json; charset=utf-8", 422),
                              (b'{"kind":"nonsense"}', None, 422), (b'{"kind":"nonsense"}', "application/x-www-form-urlencoded", 422),
                              (b'{"a":"' + b"x" * (1 << 20) + b'"}', "application/json", 413)):
        status, headers, text = post(raw, kind)
        assert status == wanted, (raw[:40], kind, status, text)
        problem(text, wanted)
        assert headers["content-type"] == "application/problem+json"


def test_lists_go_on_where_they_stopped(rig, gateway):
    rig.report("swh-0003", fault="a"), rig.report("swh-0003", fault="b")
    everything = [e["id"] for e in rig.get("/equipment?limit=1000")["items"]]
    assert len(everything) >= 8
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = rig.get("/equipment?limit=3" + (f"&cursor={cursor}" if cursor else ""))
        seen += [e["id"] for e in page["items"]]
        cursor, pages = page["next"], pages + 1
    assert seen == everything and pages == -(-len(everything) // 3)
    first = rig.get("/tickets?limit=1")
    rig.report("swh-0004", fault="came_between")
    rest = rig.get(f"/tickets?limit=100&cursor={first['next']}")
    numbers = [t["number"] for t in first["items"] + rest["items"]]
    assert len(set(numbers)) == len(numbers) and numbers == [t["number"] for t in rig.tickets()] and rest["next"] is None
    dates = []
    cursor = ""
    while cursor is not None:
        page = rig.get("/visits?limit=5" + (f"&cursor={cursor}" if cursor else ""))
        dates += [(v["due_on"], v["equipment"]) for v in page["items"]]
        cursor = page["next"]
    assert [d for d, _ in dates] == sorted(d for d, _ in dates) and len(set(dates)) == len(dates) == 16
    for query in ("limit=0", "limit=-1", "limit=x", "cursor=x", "cursor=1.x", "grade=4", "grade=x", "state=nonsense"):
        assert rig.ask("GET", "/api/v1/tickets?" + query)[0] == 422, query
    assert len(rig.get("/tickets?limit=999999")["items"]) == len(numbers) + 0
    assert {t["fault"] for t in rig.tickets("?equipment=swh-0003")} == {"a", "b"}
    assert rig.tickets("?fault=pump_no_flow&grade=2&state=open&kind=fault&site=site-1")[0]["equipment"] == "swh-0001"


def test_keys_and_versions(rig, gateway):
    body = {"kind": "complaint", "site": "site-1", "note": "cold"}
    post = lambda body, key: rig.ask("POST", "/api/v1/tickets", body, {"Idempotency-Key": key})
    first, again = post(body, "k1"), post(body, "k1")
    assert first[0] == again[0] == 201 and first[2] == again[2]
    status, _, text = post(dict(body, note="warm"), "k1")
    assert status == 422 and "Idempotency-Key" in problem(text, 422)["detail"]
    assert post(body, "k2")[0] == 201 and post(body, "x" * 1000)[0] == 422
    one = rig.post("/tickets", dict(body, id="mine"))["number"]
    assert rig.post("/tickets", dict(body, id="mine"))["number"] == one
    path = "/api/v1/tickets/" + one
    status, headers, _ = rig.ask("GET", path)
    tag = headers["etag"]
    act = lambda id, tag: rig.ask("POST", path + "/actions", {"action": "acknowledge" if id == "m1" else "note", "id": id}, {"If-Match": tag})
    assert act("m1", '"999"')[0] == 412 and act("m1", "W/" + tag)[0] == 412 and act("m1", "garbage")[0] == 412
    status, headers, _ = act("m1", tag)
    assert status == 200 and headers["etag"] != tag
    assert act("m1", tag)[0] == 200, "the same action again is done already, whatever its version was"
    assert act("m2", tag)[0] == 412 and act("m2", f'"0", {headers["etag"]}')[0] == 200 and act("m3", "*")[0] == 200


def test_connections(rig):
    connection = http.client.HTTPConnection("127.0.0.1", rig.http_port, timeout=20)
    for _ in range(20):  # one connection, many requests
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
        sock = connection.sock
    connection.request("GET", "/nothing")
    connection.getresponse().read()
    assert connection.sock is sock
    connection.close()
    # slow and broken ones keep nobody waiting
    slow = [socket.create_connection(("127.0.0.1", rig.http_port)) for _ in range(50)]
    for s in slow:
        s.sendall(b"POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    began = time.monotonic()
    assert rig.ask("GET", "/healthz")[0] == 200 and time.monotonic() - began < 10
    for junk in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /%zz%00 HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10000 + b"\r\n"):
        with socket.create_connection(("127.0.0.1", rig.http_port), timeout=2) as s:
            try:
                s.sendall(junk)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except OSError:
                pass
    for s in slow:
        s.close()
    assert rig.ask("GET", "/healthz")[0] == 200


class Stream:
    def __init__(self, rig, last=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", rig.http_port, timeout=20)
        headers = {"Authorization": f"Bearer {rig.token}", "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self.connection.request("GET", "/api/v1/stream", headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200 and self.answer.getheader("content-type").startswith("text/event-stream")
        self.events = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        event = {}
        try:
            for line in self.answer:
                line = line.decode().rstrip("\n")
                if not line and event:
                    self.events.append(event)
                    event = {}
                elif ": " in line and not line.startswith(":"):
                    name, value = line.split(": ", 1)
                    event[name] = value
        except (OSError, ValueError, AttributeError):
            pass

    def close(self):
        try:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.connection.close()


def test_the_stream_loses_nothing(rig, gateway):
    number = rig.report("swh-0005", fault="streamed")["number"]
    stream = Stream(rig)
    notes = lambda s: [json.loads(e["data"])["number"] for e in s.events if e["event"] == "ticket"]
    rig.act(number, action="note", id="s0")
    wait_for(lambda: number in notes(stream))
    last = stream.events[-1]["id"]
    stream.close()
    for k in range(30):
        rig.act(number, action="note", id=f"s-{k}")
    stream = Stream(rig, last)
    for k in range(30, 60):
        rig.act(number, action="note", id=f"s-{k}")
    wait_for(lambda: notes(stream).count(number) >= 60)
    ids = [int(e["id"]) for e in stream.events]
    assert ids == sorted(set(ids)) and ids[0] == int(last) + 1 and notes(stream).count(number) == 60
    stream.close()
    stream = Stream(rig, 10**9)  # of another database: everything has to be read anew
    wait_for(lambda: stream.events and stream.events[0]["event"] == "gap")
    stream.close()
    assert rig.ask("HEAD", "/api/v1/stream")[0] == 200


def test_two_hundred_at_once_are_one(rig, gateway):
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda k: rig.report("swh-0006", fault="same", note=f"call {k}")["number"], range(200)))
        number, = set(answers)
        assert sum(t["equipment"] == "swh-0006" for t in rig.tickets("?limit=1000")) == 1
        states = list(pool.map(lambda k: rig.ask("POST", f"/api/v1/tickets/{number}/actions", {"action": "acknowledge", "id": "once"})[0], range(200)))
        assert set(states) == {200}
        rivals = list(pool.map(lambda k: rig.ask("POST", f"/api/v1/tickets/{number}/actions", {"action": "pause", "id": f"p{k}", "reason": "customer_absent"})[0], range(50)))
        assert sorted(set(rivals)) == [200, 409] and rivals.count(200) == 1
    lines = [e["action"] for e in rig.ticket(number)["timeline"]]
    assert lines.count("acknowledge") == 1 and lines.count("pause") == 1 and lines.count("report") == 199


def test_equipment_series_and_commands(rig, gateway):
    one = rig.get("/equipment/swh-0001")
    assert {"id", "title", "profile", "site", "agent", "status", "last_seen", "points", "open_tickets", "next_visit", "warranty"} <= set(one)
    assert one["status"] == "fault" and one["next_visit"]["equipment"] == "swh-0001" and len(one["open_tickets"]) == 1
    points = {p["name"]: p for p in one["points"]}
    assert (points["collector_temp"]["value"], points["collector_temp"]["unit"], points["collector_temp"]["quality"]) == (71.2, "°C", "good")
    assert points["collector_temp"]["time"].endswith("+08:00")
    assert {w["component"] for w in one["warranty"]} == {"tank", "collector", "evacuated_tube", "bracket", "pipe_fittings", "electrical"}
    until = {w["component"]: w["until"] for w in one["warranty"]}
    assert until["tank"] == "2028-03-05" and until["electrical"] == "2026-03-05"
    assert rig.get("/equipment/swh-0001/series?point=level&buckets=3") == {"t": [], "mean": [], "min": [], "max": [], "count": []}
    for query in ("", "?point=flow&buckets=0", "?point=flow&buckets=2001", "?point=flow&from=x", "?point=flow&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
                  "?point=flow&from=2026-01-01T00:00:00"):
        assert rig.ask("GET", "/api/v1/equipment/swh-0001/series" + query)[0] == 422, query
    assert rig.ask("GET", "/api/v1/equipment/swh-0001/series?point=nothing")[0] == 404
    assert rig.ask("GET", "/api/v1/equipment/no-such/series?point=flow")[0] == 404
    command = lambda **k: rig.ask("POST", "/api/v1/equipment/swh-0001/commands", k)
    for body in ({}, {"name": ""}, {"name": "write", "args": {"point": "flow", "value": 1}}, {"name": "write", "args": {"point": "nothing", "value": 1}},
                 {"name": "read", "args": []}, {"name": "read", "expires": "2020-01-01T00:00:00Z"}, {"name": "read", "expires": "soon"}):
        assert command(**body)[0] == 422, body
    status, _, text = command(name="frobnicate", args={"x": [1, {"y": None}]})
    assert status == 202
    given = rig.get("/commands/" + json.loads(text)["id"])
    assert given["state"] in ("waiting", "sent") and given["equipment"] == "swh-0001"
    status, headers, text = rig.ask("POST", "/api/v1/equipment/swh-0001/inspections")
    assert status == 202
    assert rig.get("/inspections/" + json.loads(text)["number"])["state"] in ("waiting", "running")
    assert rig.ask("GET", headers["location"])[0] == 200


def test_openapi_holds_the_table(rig):
    document = json.loads(rig.ask("GET", "/api/v1/openapi.json", token="")[2])
    described = {(m.upper(), p) for p, methods in document["paths"].items() for m in methods if m in ("get", "post")}
    assert described == {(m, p) for m, p, _ in routes()}


def test_answers_are_what_openapi_says(rig, gateway):
    from jsonschema import Draft202012Validator, RefResolver
    document = json.loads(rig.ask("GET", "/api/v1/openapi.json", token="")[2])
    number = rig.tickets("?equipment=swh-0001&fault=pump_no_flow")[0]
    inspection = rig.post("/equipment/swh-0001/inspections", None)["number"]
    command = rig.post("/equipment/swh-0001/commands", {"name": "read", "args": {"points": ["flow"]}})["id"]
    fill = {"/equipment/{id}": "swh-0001", "/equipment/{id}/series": "swh-0001", "/inspections/{number}": inspection, "/commands/{id}": command,
            "/tickets/{number}": number["number"], "/work-orders/{number}": number["work_orders"][0], "/track/{number}": number["number"], "/jobs/{id}": "swh-pump", "/tickets/{number}/attachments": number["number"]}
    query = {"/equipment/{id}/series": "?point=flow", "/track/{number}": "?code=" + number["track"]["code"]}
    asked = 0
    for path, methods in document["paths"].items():
        if "get" not in methods:
            continue
        names = [path]
        if path.endswith("/reports/{name}"):
            names = [path.replace("{name}", r["name"]) for r in rig.get("/reports")["items"]]
        for name in names:
            short = path.replace("/api/v1", "")
            real = re.sub(r"\{\w+\}", lambda _: fill[short], name) if "{" in name and short in fill else name
            content = methods["get"]["responses"]["200"]["content"]
            if "application/json" not in content or "{" in real:
                continue
            status, headers, text = rig.ask("GET", real + query.get(short, ""))
            assert status == 200, (real, text)
            schema = content["application/json"]["schema"]
            resolver = RefResolver("", document)
            errors = sorted(Draft202012Validator(schema, resolver=resolver).iter_errors(json.loads(text)), key=str)
            assert not errors, (real, errors[0].message, list(errors[0].absolute_path))
            asked += 1
    assert asked >= 20
    schema = document["paths"]["/api/v1/tickets"]["post"]["responses"]["default"]["content"]["application/problem+json"]["schema"]
    Draft202012Validator(schema, resolver=RefResolver("", document)).validate(json.loads(rig.ask("GET", "/api/v1/tickets/T-NO")[2]))
