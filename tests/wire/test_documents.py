"""Papers as people get them: filled from the rows, printed in either language, given out in versions that stay."""
import hashlib
import json
import re
import sqlite3

import pytest
from desk_rig import DeskRig, Gateway
from docs_tools import read_yaml
from rig import ROOT, wait_for


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = DeskRig(tmp_path_factory.mktemp("documents")).open(heaters=4)
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def ticket(rig):
    Gateway(rig, heaters=4).fault(equipment="swh-0001", fault="tank_leak")
    return wait_for(lambda: rig.tickets("?equipment=swh-0001&state=open"))[0]["number"]


def refused(rig, path, status):
    found, _, body = rig.ask("GET", "/api/v1" + path)
    assert found == status, body
    return json.loads(body)["detail"]


def fields(paper):
    return {field["en"]: field["value"] for field in paper["fields"]}


def table(paper, title):
    found = next(t for t in paper["tables"] if t["en"] == title)
    return [dict(zip((c["en"] for c in found["columns"]), row)) for row in found["rows"]]


def page(rig, path, expect=200):
    status, headers, body = rig.ask("GET", "/api/v1" + path)
    assert status == expect and headers["content-type"].startswith("text/html"), body
    return body


def test_the_catalogue_is_the_folder(rig):
    items = {i["document"]: i for i in rig.get("/documents")["items"]}
    files = {f["paper"]: f for f in (read_yaml(p.read_text()) for p in (ROOT / "models/papers").glob("*.yaml") if p.name != "words.yaml")}
    assert {(n, i["form"], i["of"], i["version"]) for n, i in items.items()} == {(n, f.get("form"), f["of"], f["version"]) for n, f in files.items()}
    assert all(re.fullmatch("[0-9a-f]{16}", i["hash"]) and i["en"] and i["zh"] for i in items.values())


def test_a_repair_slip(rig, ticket):
    """D-01, S0-29: the five fields, the verdict with its rule, the readings, and whose promise each limit is."""
    paper = rig.get(f"/documents/repair_slip/{ticket}")
    value = fields(paper)
    assert (value["Owner"], value["Telephone"], value["Address"]) == ("Li Xiaoming", "+86 21 5550 1234", "88 Zhangyang Road, Pudong")
    assert value["What is wrong"] and value["The owner's wishes"] and value["Readings at that time"] == {"pump_on": 1, "flow": 0}
    assert value["Warranty"] == {"code": "covered", "en": "covered", "zh": "保修期内"} and value["By rule"] == "plan swh_standard: tank 3y from acceptance_date"
    clocks = {row["Clock"]["code"]: row for row in table(paper, "What was promised")}
    assert (clocks["onsite_l1"]["Limit"], clocks["onsite_l1"]["Origin"]["code"], clocks["onsite_l1"]["Rows"]) == ("4h", "S", ["S0-49"])
    assert clocks["response"]["Origin"]["code"] == "A"


def test_pages_in_either_language(rig, ticket):
    both, english, chinese = (page(rig, f"/documents/repair_slip/{ticket}?format=html" + more) for more in ("", "&lang=en", "&lang=zh"))
    assert "Repair slip · 维修反馈单" in both and ticket in both
    linked, = re.findall(r'<link rel="stylesheet" href="([^"]+)">', both)
    status, headers, style = rig.ask("GET", linked, token="")
    assert status == 200 and headers["content-type"].startswith("text/css") and "size:A4" in style
    assert "default-src 'self'" in headers["content-security-policy"] and "<style" not in both and " style=" not in both, "it would not be obeyed"
    assert "维修反馈单" not in english and "业主姓名" not in english and "covered" in english
    assert "Repair slip" not in chinese and "业主姓名" in chinese and "保修期内" in chinese
    assert refused(rig, f"/documents/repair_slip/{ticket}?lang=fr&format=html", 422).startswith("lang: expected one of")


def test_an_agreement_says_where_its_promises_come_from(rig):
    """D-12, D-09, S0-78: the plan by version and hash; every printed promise with its origin."""
    paper = rig.get("/documents/agreement/swh-0001")
    value = fields(paper)
    assert (value["Contract"], value["Customer"], value["From"], value["Service level"]) == ("con-1", "Li Xiaoming", "2025-03-06", "A")
    promised = {(row["Clock"]["code"], row["Grade"]): row for row in table(paper, "Times promised")}
    assert (promised["onsite_l1", 2]["Limit"], promised["onsite_l1", 2]["Origin"]["code"], promised["onsite_l1", 2]["Rows"]) == ("4h", "S", "S0-49")
    assert all(row["Origin"]["code"] in "SA" for name in ("Times promised", "Other duties", "Warranty") for row in table(paper, name))
    card = rig.get("/documents/warranty_card/swh-0001")
    tank = next(row for row in table(card, "Components") if row["Component"]["code"] == "tank")
    assert tank["Until"] == "2028-03-05" and tank["Evidence"] == "acceptance_date 2025-03-06"


def test_a_promise_that_the_past_does_not_bear_out(rig):
    """S0-78: promises are realistic: each stands beside the share of it that was kept, and who breaks one more often than not is told."""
    rows = rig.rows("SELECT COUNT(*) FROM clock WHERE kind = 'onsite_l1'")[0][0]
    numbers = [rig.report("swh-0002", fault=f"odd-{n}", grade=2)["number"] for n in range(12)]
    assert rig.rows("SELECT COUNT(*) FROM clock WHERE kind = 'onsite_l1'")[0][0] == rows + 12
    with sqlite3.connect(rig.folder / "server.db", timeout=20) as database:  # as if four of them had come in time, and eight a day late
        for at, number in enumerate(numbers):
            database.execute("UPDATE clock SET met_ms = started_ms + ?, breached_ms = ? WHERE kind = 'onsite_l1' AND ticket ="
                             " (SELECT id FROM ticket WHERE number = ?)", (3_600_000 if at < 4 else 86_400_000, None if at < 4 else 1, number))
    paper = rig.get("/documents/agreement/swh-0001")
    kept = {(row["Clock"]["code"], row["Grade"]): (row["Share kept so far"], row["Of"]) for row in table(paper, "Times promised")}
    assert kept["onsite_l1", 2] == (0.33, 12) and kept["spare_delivery", 1] == (None, 0), kept
    doubtful = table(paper, "Promises that the past broke more often than it kept: they are not realistic yet")
    assert [(row["Clock"]["code"], row["Grade"]) for row in doubtful] == [("onsite_l1", 2)]
    for number in numbers:
        rig.act(number, action="close", id="c", resolution="test")


def test_a_version_stays_as_it_was_given_out(rig, ticket):
    path = f"/documents/progress/{ticket}"
    first = rig.post(path, {"note": "for the customer"}, (201,))
    assert (first["version"], first["note"]) == (1, "for the customer")
    assert rig.post(path, {}, (200,))["version"] == 1, "nothing has changed"
    before = page(rig, path + "?version=1&format=html")
    rig.act(ticket, action="acknowledge", id="seen")
    assert rig.post(path, {}, (201,))["version"] == 2
    assert page(rig, path + "?version=1&format=html") == before and "No. 1" in before
    assert fields(rig.get(path + "?version=2"))["State"]["code"] == "acknowledged" and fields(rig.get(path + "?version=1"))["State"]["code"] == "registered"
    items = rig.get(path + "/versions?limit=1")
    assert [i["version"] for i in items["items"]] == [1] and items["next"] == "1"
    assert [i["version"] for i in rig.get(path + "/versions?cursor=1")["items"]] == [2]
    refused(rig, path + "?version=3", 404)
    rig.post(path, {"note": "x" * 2000}, (422,))
    with pytest.raises(sqlite3.DatabaseError, match="paper"):  # the database holds it
        with sqlite3.connect(rig.folder / "server.db") as database:
            database.execute("UPDATE paper SET body = '{}'")


def test_files_are_kept_and_papers_are_found(rig, ticket):
    """D-30 … D-33, D-35, D-36, S0-43, S0-52, S0-81, S0-122, S1-03, S3-07: over HTTP, issued, printed, and opened by the customer."""
    rows = """
operators: [{id: op-1, site: site-1, name: Zhao Lei, level: 2, shift: "00:00-23:59", from: "2025-03-06"}]
designs: [{id: des-1, site: site-1, contract: con-1, surveyed: "2025-01-20", needs: {people: 4}, design: {tank_volume: 300}, reasons: Four people}]
documents:
  - {id: m-1, kind: manual, version: "1.0", title: {en: Manual, zh: 说明书}, profile: swh-basic, link: "https://example.cn/m.pdf"}
  - {id: v-1, kind: video, version: "1", title: {en: A leak, zh: 漏水}, file: v-1-file, faults: [tank_leak]}
bulletins: [{id: b-1, kind: information, title: {en: Watch the valve, zh: 注意阀门}, profile: swh-basic}]
"""
    status, _, body = rig.ask("POST", "/api/v1/fleet?name=papers.yaml", raw=rows.encode(), headers={"Content-Type": "application/octet-stream"})
    assert status == 200, body
    film = b"\0\0\0\x18ftypmp42" + bytes(64)
    rig.post("/attachments", {"id": "v-1-file", "document": "v-1", "size": len(film), "hash": hashlib.sha256(film).hexdigest()}, (201,))
    status, _, body = rig.ask("POST", "/api/v1/attachments/v-1-file/pieces?offset=0", raw=film, headers={"Content-Type": "application/octet-stream"})
    assert status == 200, body
    rig.post("/customers/cust-1/notes", {"id": "n-1", "kind": "preference", "words": "Before noon"}, (201,))
    held = rig.post("/equipment/swh-0001/receipts", {"id": "r-1", "document": "m-1", "holder": "Li Xiaoming", "way": "paper"}, (200,))
    assert next(d for d in held["documents"] if d["document"] == "m-1")["has"] == "1.0"
    for name, subject in {"customer_file": "cust-1", "service_file": "cust-1", "operating_file": "site-1", "repair_file": "swh-0001", "equipment_papers": "swh-0001",
                          "operating_rules": "site-1", "shift_handover": "site-1", "design_record": "des-1"}.items():
        assert rig.post(f"/documents/{name}/{subject}", {}, (201,))["version"] == 1
        assert "<table" in page(rig, f"/documents/{name}/{subject}?format=html&lang=zh")
        refused(rig, f"/documents/{name}/nobody", 404)
    assert fields(rig.get("/documents/customer_file/cust-1"))["Name"] == "Li Xiaoming"
    assert [row["Note"] for row in table(rig.get("/documents/service_file/cust-1"), "Personal service")] == ["Before noon"]
    assert {row["Equipment"] for row in table(rig.get("/documents/operating_file/site-1"), "Running state and usage of each piece of equipment")} >= {"swh-0001"}
    assert fields(rig.get("/documents/shift_handover/site-1"))["On shift"] == "Zhao Lei"
    assert table(rig.get("/documents/operating_rules/site-1"), "When this happens")
    assert fields(rig.get("/documents/design_record/des-1"))["Design: tank, litres"] in ("300", 300)
    missing = {row["Kind"]["code"]: row["Why"]["code"] for row in table(rig.get("/documents/equipment_papers/swh-0001"), "Missing")}
    assert missing == {"video": "not_handed_over", "basic_use": "none", "operating_rules": "none"}
    refused(rig, "/documents/service_file/cust-1?from=2026-02-01&to=2026-01-01", 422)
    code = rig.get(f"/tickets/{ticket}")["track"]["code"]
    papers = rig.get(f"/track/{ticket}?code={code}")["documents"]
    assert [(p["document"], p["fits"], p["file"]) for p in papers] == [("v-1", True, True), ("m-1", False, False)]
    status, headers, body = rig.ask("GET", f"/api/v1/track/{ticket}/documents/v-1?code={code}", token="")
    assert status == 200 and headers["content-type"] == "video/mp4"
    assert rig.ask("GET", f"/api/v1/track/{ticket}/documents/v-1?code=wrong", token="")[0] == 404
    bulletin = wait_for(lambda: (lambda b: b["progress"]["all"] and b)(rig.get("/bulletins/b-1")))
    assert bulletin["kind"] == "information"


def test_what_is_not_there(rig, ticket):
    assert "expected a document" in refused(rig, "/documents/poem/x", 404)
    assert "the ticket of a document" in refused(rig, "/documents/repair_slip/T-NOBODY", 404)
    assert "another kind" in refused(rig, f"/work-orders/{ticket}/documents/repair_slip", 404)


def test_no_document_is_missing():
    """Service terms §4: 54 documents, a line each; papers have that form, routes exist."""
    lines = re.findall(r"^\| (D-\d\d) \| .*? \| .*? \| (.*?) \| (.*?) \|$", (ROOT / "docs/documents.md").read_text(), re.M)
    assert [number for number, *_ in lines] == [f"D-{n:02}" for n in range(1, 55)]
    assert {kind for _, kind, _ in lines} <= {"paper", "route", "reference", "to come"}
    papers = {f["paper"]: f for f in (read_yaml(p.read_text()) for p in (ROOT / "models/papers").glob("*.yaml")) if "paper" in f}
    paths = json.loads((ROOT / "docs/openapi.json").read_text())["paths"]
    named = set()
    reports = set(re.findall(r'^    {"([a-z-]+)", "', "".join(p.read_text() for p in (ROOT / "server/api").glob("figures_*.c")), re.M))
    for number, kind, where in lines:
        words = re.findall(r"`([^`]+)`", where)
        routes = [w.split(" ", 1) for w in words if re.match(r"(GET|POST) /", w)]
        assert all(method.lower() in paths.get(path, {}) for method, path in routes), (number, routes)
        assert kind != "route" or routes, number
        if any(path == "/api/v1/reports/{name}" for _, path in routes):
            assert {w for w in words if re.fullmatch(r"[a-z-]+", w)} <= reports, number
        if kind == "paper":
            assert words[0] in papers, (number, words)
            named |= {word for word in words if word in papers}
    forms = {number for number, *_ in lines}
    assert not {name for name, f in papers.items() if f.get("form") in forms} - named, "papers that the page does not name"


def test_what_is_printed_has_words():
    """Causes and components of the shipped profiles and plans are printed in words, not as codes."""
    words = {w["id"]: {v["value"] for v in w["values"]} for w in read_yaml((ROOT / "models/papers/words.yaml").read_text())["words"]}
    causes = {c for p in (ROOT / "models/equipment").glob("*.yaml") for c in re.findall(r"cause: ([a-z_]+)", p.read_text())}
    classes = {c for p in (ROOT / "models/plans").glob("*.yaml") for c in read_yaml(p.read_text())["period"]["warranty"]["classes"]}
    assert causes == words["causes"] and classes <= words["components"]
def test_training_plan_record_certificate_and_tool_card(rig):
    """D-34, S0-26, S0-70, S0-71, S1-38, S1-58: what was planned, who was there, what he has passed; the card of a tool. What is exported is
    imported as the same."""
    tools = """tools:
  - {id: M-1, title: Multimeter, class: multimeter, technician: tech-1, calibration: 12mo, calibrated: "2026-01-10", certificate: C-26}
"""
    assert rig.import_text(rig.fleet_text + tools).returncode == 0
    lesson = rig.post("/trainings", {"id": "t", "course": "swh-maintainer", "site": "site-1", "from": "2026-11-02T01:00:00Z", "place": "boiler room",
                                     "trainer_name": "Prof. Qi", "trainer_proof": "T-17", "attendees": [{"name": "Hu", "audience": "plumber"}]})
    number, act = lesson["number"], f"/trainings/{lesson['number']}/actions"
    plan = rig.get(f"/documents/training_plan/{number}")
    assert fields(plan)["Place"] == "boiler room" and fields(plan)["Qualification"] == "T-17"
    assert [r["Name"] for r in table(plan, "Who is expected")] == ["Hu"] and table(plan, "Common faults and their remedies")
    assert len(table(plan, "Topics")) == 6 and table(plan, "Goals") and table(plan, "Material")
    assert "boiler room" in page(rig, f"/documents/training_plan/{number}?format=html")
    topics = [t["id"] for t in lesson["plan"]["topics"]]
    rig.post(act, {"action": "attend", "id": "a", "attendees": ["Hu"], "covered": topics, "held": "2026-01-20T02:00:00Z"})
    viewer = rig.role_token("viewer")
    shown = json.loads(rig.ask("GET", "/api/v1/courses/swh-maintainer", token=viewer)[2])
    assert all("right" not in c for question in shown["questions"] for c in question["choices"]), "whoever is examined does not read the answers"
    done = rig.post(act, {"action": "exam", "id": "e", "attendee": "Hu", "answers": {"power": "cut", "frost": "drain", "filter": True, "read": False}})
    paper = done["attendees"][0]["certificate"]
    assert (done["attendees"][0]["result"], done["attendees"][0]["right"]) == ("passed", 3)
    assert fields(rig.get(f"/documents/training_certificate/{paper}"))["Valid to"] == "2029-01-19"
    record = rig.post(f"/documents/attendance_record/{number}", {"note": "given out"}, expect=(201,))
    assert record["version"] == 1
    assert table(rig.get(f"/documents/attendance_record/{number}"), "Attendees")[0]["Certificate"] == paper
    rig.post("/tools/M-1/actions", {"action": "service", "id": "s", "day": "2026-02-01"})
    card = rig.get("/documents/tool_card/M-1")
    assert fields(card)["Valid to"] == "2027-01-09" and table(card, "What was done with it")[0]["What"]["en"] == "serviced"
    lines = {(x["name"], x["group"]): x["value"] for x in rig.get("/reports/training?from=2026-01-01&to=2026-12-31")["lines"]}
    assert (lines["training hours", "customer"], lines["pass rate", "swh-maintainer"]) == (8, 1), lines
    exported = rig.command("export").stdout
    assert paper in exported and "M-1" in exported
    again = rig.command("import", rig.write("again.yaml", exported))
    assert again.stdout == "imported: 0 rows new or changed\n", again.stderr
