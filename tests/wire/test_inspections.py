"""Inspections with the real programs: the month's by itself, the silent one by telephone, report, sheet and review."""
import json
import re
import shutil
import sqlite3
import subprocess
import time

import pytest
from rig import ROOT, Rig, wait_for

UNITS = ("swh-0001", "swh-0002", "swh-0009")


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    """The server was down when the month's inspections came due; swh-0009 hangs on a gateway that was never there."""
    rig = Rig(tmp_path_factory.mktemp("inspections"))
    rig.broker()
    rig.fleet(UNITS)
    text = (rig.folder / "fleet.yaml").read_text()
    text = re.sub(r"(id: swh-0009.*?agent: )gw-1", r"\1gw-9", text, flags=re.S)
    text = text.replace("lat: 31.2, lon: 121.5}]", "lat: 31.2, lon: 121.5, reports: [{role: manager, name: Zhou, email: z@example.cn}]}]")
    assert rig.command("import", rig.write("fleet.yaml", text)).returncode == 0
    server = rig.server()
    rig.plant(2)
    rig.agent()
    wait_for(lambda: len(rig.rows("SELECT equipment FROM inspection_due")) == 3, words="turns of the month")
    wait_for(lambda: all(rig.get("/equipment/" + e)["points"] for e in UNITS[:2]), words="the first values")
    server.stop()
    make_due(rig)
    rig.server()
    yield rig
    rig.close()


def make_due(rig):
    statement = "UPDATE inspection_due SET due_ms = 1000"
    if rig.url.startswith("sqlite:"):
        file = sqlite3.connect(rig.url[7:])
        file.execute(statement)
        file.commit()
        file.close()
    else:
        subprocess.run(["psql", "-X", "-q", "-d", rig.url, "-c", statement], check=True)


def items(rig, query):
    return rig.get("/inspections?" + query)["items"]


def show(rig, equipment):
    return rig.get("/inspections/" + items(rig, f"way=month&equipment={equipment}")[0]["number"])


def line(inspection, name):
    return next(l for l in inspection["lines"] if l["id"] == name)


def page(rig, path):
    status, body = rig.call("GET", "/api/v1" + path)
    assert status == 200 and "<html" in body, body
    return body


def test_each_once_after_the_downtime(rig):
    """S0-09, S0-10: one inspection a piece of equipment and month, by the versioned list, over telemetry, agent and configuration."""
    wait_for(lambda: {(i["equipment"], i["state"]) for i in items(rig, "way=month")}
             == {("swh-0001", "done"), ("swh-0002", "done"), ("swh-0009", "phone")}, 30, words="the month's inspections")
    one = wait_for(lambda: (lambda i: i if i["judged_at"] else None)(show(rig, "swh-0001")), words="its lines")
    assert one["checklist"]["id"] == "standard" and one["checklist"]["version"] == 1 and re.fullmatch("[0-9a-f]{16}", one["checklist"]["hash"])
    assert re.fullmatch(r"\d{4}-\d\d-01", one["period"]) and one["result"] in ("green", "amber", "red") and one["previous"] is None
    assert line(one, "configuration")["verdict"] == "pass"  # the agent runs the very text of the profile
    assert line(one, "version")["verdict"] == "pass" and line(one, "spool")["evidence"]["spool"]["dropped"] == 0
    assert line(one, "silence")["reading"] < 1 and line(one, "restarts")["reading"] == 1 and line(one, "reconnects")["reading"] >= 1
    assert line(one, "readings")["evidence"]["all"] > 0 and line(one, "certificate")["verdict"] == "unknown"
    assert not [l for l in one["lines"] if l["id"] == "leaks"], "only a person can be asked that"
    assert len({l["id"] for l in one["lines"]}) == len(one["lines"]) >= 15
    assert one["summary"]["pass"] + one["summary"]["fail"] + one["summary"]["unknown"] == len(one["lines"])
    for failed in (l for l in one["lines"] if l["verdict"] == "fail" and l.get("grade")):
        assert rig.get("/tickets/" + failed["ticket"])["kind"] == "inspection"
    duties = {d["name"]: d for d in rig.get("/duties?kind=remote_inspection&state=all")["items"]}
    wait_for(lambda: {d["name"]: d["state"] for d in rig.get("/duties?kind=remote_inspection&state=all")["items"]}["swh-0001"] == "met", words="the duty met")
    assert duties["swh-0009"]["state"] != "met"


def test_the_silent_one_by_telephone(rig):
    """S0-12, S0-13: the same list asked by a person; what fails is a graded ticket; it counts as the month's."""
    number = items(rig, "state=phone")[0]["number"]
    act = lambda expect=200, **body: (lambda s, a: a if s == expect else pytest.fail(f"{s}: {a}"))(*rig.call("POST", f"/api/v1/inspections/{number}/actions", body))
    found = rig.get("/inspections/" + number)
    asked = [l["id"] for l in found["lines"] if l["answered"] is None and l.get("ask")]
    assert {"leaks", "satisfied", "tank-hot"} <= set(asked) and found["summary"]["to_ask"] == len(asked)
    assert "not asked yet" in act(409, action="finish", id="f0", spoke_with="Mr Li")["detail"]
    assert "spoke_with" in act(422, action="finish", id="f1")["detail"]
    assert "line" in act(422, action="answer", id="x", line="nose", verdict="pass")["detail"]
    for name in asked:
        act(action="answer", id="a-" + name, line=name, verdict="fail" if name == "leaks" else "pass", note="he went to look")
    assert act(action="answer", id="a-leaks", line="leaks", verdict="pass")["version"], "the same id is one action"
    done = act(action="finish", id="f2", spoke_with="Mr Li")
    assert (done["state"], done["result"], done["spoke_with"], done["done_by"]) == ("done", "red", "Mr Li", "tests")
    leak = line(done, "leaks")
    assert (leak["verdict"], leak["answered"], leak["grade"]) == ("fail", "phone", 2)
    ticket = rig.get("/tickets/" + leak["ticket"])
    assert (ticket["kind"], ticket["grade"], ticket["equipment"]) == ("inspection", 2, "swh-0009")
    assert done["open_findings"] == 1 and done["closed"] is False
    assert act(action="accept", id="c", line="leaks", note="Mr Li has it mended himself")["closed"] is True
    wait_for(lambda: {d["name"]: d["state"] for d in rig.get("/duties?kind=remote_inspection&state=all")["items"]}["swh-0009"] == "met")
    assert rig.call("POST", f"/api/v1/inspections/{number}/actions", {"action": "finish", "id": "z", "spoke_with": "x"})[0] == 409


def test_the_report_and_its_readers(rig):
    """S0-14, S0-121, D-23, D-24: drafted at once, owed until its readers have it, printed in both languages."""
    number = items(rig, "way=month&equipment=swh-0001")[0]["number"]
    report = wait_for(lambda: rig.call("GET", f"/api/v1/inspections/{number}/report")[0] == 200 and rig.get(f"/inspections/{number}/report"))
    assert report["drafted_at"] and report["delivered_at"] is None and report["promise"] == {"plan": "swh_standard", "report": "3wd", "origin": "A", "note": "plan 6"}
    reader, = report["distribution"]
    assert (reader["role"], reader["name"], reader["state"]) == ("manager", "Zhou", "none")  # this server has no mail
    due = next(d for d in rig.get("/duties?kind=inspection_report")["items"] if d["name"] == number)
    assert due["state"] == "running"
    text = page(rig, f"/inspections/{number}/report?format=html&lang=zh")
    assert "巡检报告" in text and "D-23" in text and "/page.css" in text
    assert "Monthly inspection result" in page(rig, f"/documents/monthly_inspection/{number}?format=html")
    status, answer = rig.call("POST", f"/api/v1/inspections/{number}/actions", {"action": "deliver", "id": "d", "to": "Zhou, by hand"})
    assert status == 200, answer
    report = rig.get(f"/inspections/{number}/report")
    assert report["delivered_at"] and [r["role"] for r in report["distribution"]] == ["manager", "hand"]
    assert not [d for d in rig.get("/duties?kind=inspection_report")["items"] if d["name"] == number]
    figures = {l["name"]: l for l in rig.get("/reports/inspections")["lines"]}
    assert figures["reports delivered in time"]["value"] == 1 and "S0-121" in figures["reports delivered in time"]["formula"]
    assert [r["what"] for r in figures["answered by telephone"]["rows"] if r["value"]] == ["Mr Li"]


def test_the_sheet_on_site(rig):
    """S0-120, S0-118, D-22: filled in by telemetry, then by hand, signed by both."""
    status, order = rig.call("POST", "/api/v1/work-orders", {"kind": "inspection", "equipment": "swh-0001", "id": "sheet", "title": "Half-year inspection"})
    assert status in (200, 201), order
    path = f"/work-orders/{order['number']}/actions"
    for n, body in enumerate(({"action": "accept"}, {"action": "arrive"}, {"action": "check", "step": "precaution-electric", "value": True},
                              {"action": "check", "step": "precaution-scald", "value": True}, {"action": "start"},
                              {"action": "check", "step": "state", "value": True}, {"action": "check", "step": "environment", "value": True},
                              {"action": "check", "step": "seals", "value": True}, {"action": "sign", "role": "technician", "name": "Wang Jun"},
                              {"action": "sign", "role": "customer", "name": "Ing. Li"})):
        status, answer = rig.call("POST", "/api/v1" + path, {"id": f"s{n}", **body})
        assert status == 200, (body, answer)
    owed = lambda: {d["name"]: d["state"] for d in rig.get("/duties?kind=onsite_inspection&state=all")["items"]}
    assert owed() == {e: "running" for e in UNITS}
    assert rig.call("POST", "/api/v1" + path, {"id": "s10", "action": "finish"})[0] == 200
    assert owed() == {"swh-0001": "met", "swh-0002": "running", "swh-0009": "running"}
    def tables_now():
        return {t["en"]: t["rows"] for t in rig.get(f"/documents/inspection_sheet/{order['number']}")["tables"]}

    wait_for(lambda: ["setpoint", 55] in [row[:2] for row in tables_now()["Filled in by telemetry: last readings"]], 60, words="the set point")
    tables = tables_now()
    assert tables["Filled in by telemetry: on arrival"]
    assert len(tables["Filled in by telemetry: last remote inspection"]) >= 15
    assert {row[1] for row in tables["Signatures"]} == {"Wang Jun", "Ing. Li"} and tables["Filled in by hand"]
    assert "巡检记录表" in page(rig, f"/documents/inspection_sheet/{order['number']}?format=html")


def test_the_operation_review(rig):
    """S0-08, D-25: availability, clocks, risks, interoperability and proposals of a site and of a contract, each number explained."""
    for name, kind in (("site-1", "site"), ("con-1", "contract")):
        review = rig.get("/reviews/" + name)
        assert (review["kind"], review["id"], review["summary"]["equipment"]) == (kind, name, 3)
        assert 0 <= review["summary"]["availability"] <= 1 and review["summary"]["yield_kwh"] is None and review["formulas"]["availability"]
        units = {e["equipment"]: e for e in review["equipment"]}
        assert units["swh-0001"]["profile_same"] is True and units["swh-0001"]["result"] and units["swh-0009"]["result"] == "red"
        assert {c["kind"]: c["kept"] for c in review["clocks"]}["remote_inspection"] == 3
        assert [r for r in review["risks"] if r["kind"] == "ticket" and r["equipment"] == "swh-0009" and r["grade"] == 2]
    assert "运行回顾与评审" in page(rig, "/reviews/con-1?format=html") and "Operation review" in page(rig, "/documents/operation_review/site-1?format=html&lang=en")
    assert rig.call("GET", "/api/v1/reviews/nowhere")[0] == 404
    assert rig.call("GET", "/api/v1/reviews/site-1?from=2026-05-05&to=2026-05-01")[0] == 422
    assert rig.call("GET", "/api/v1/documents/operation_review/site-1?from=2026-05-05&to=2026-05-01")[0] == 422


def test_nothing_comes_twice(rig):
    """S0-09: another start begins no second one."""
    before = json.dumps(sorted(i["number"] for i in items(rig, "way=month")))
    [p for p in rig.programs if "heliograph-server" in str(p.process.args[0]) and p.process.poll() is None][0].stop()
    rig.server()
    wait_for(lambda: rig.rows("SELECT value FROM mark WHERE name = 'duties.round'"))
    assert json.dumps(sorted(i["number"] for i in items(rig, "way=month"))) == before
    assert len(rig.rows("SELECT equipment FROM inspection_due WHERE due_ms IS NULL")) == 3


def test_a_warranty_registers_itself_and_a_review_waits(tmp_path):
    """S0-136: the first telemetry since the sale, a person's word. S0-08: nobody has a review before two people have approved it."""
    rig = Rig(tmp_path)
    shutil.copytree(ROOT / "models/plans", tmp_path / "plans")
    rig.write("plans/overlays/words.yaml", "overlay: words\nversion: 1\ntitle: {en: Words, zh: 复核}\n"
              "items: {inspection: {review_approval: {value: two_persons, origin: A}}}\n")
    rig.write("server.yaml", (rig.folder / "server.yaml").read_text().replace("plans: models/plans", f"plans: {tmp_path}/plans\npapers: models/papers"))
    rig.broker(), rig.server(), rig.plant(2), rig.agent()
    rig.fleet()
    wait_for(lambda: rig.rows("SELECT COUNT(*) FROM equipment WHERE first_seen_ms IS NOT NULL")[0][0] == 2, words="both were heard of")
    assert rig.get("/registrations")["items"] == [], "this plan asks for no card"
    sold = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
    text = (rig.folder / "fleet.yaml").read_text().replace('sale_date: "2025-03-01"', f'sale_date: "{sold}"')
    rig.write("fleet.yaml", text.replace("plan: swh_standard,", "plan: swh_standard, overlays: [discipline, words],"))
    assert rig.command("import", tmp_path / "fleet.yaml").returncode == 0
    found = wait_for(lambda: rig.get("/registrations?state=connected")["items"][:2] or None, words="registered by telemetry")
    assert found[0]["in_time"] and found[0]["evidence"]["serial"] == "SN-swh-0001" and found[0]["evidence"]["sale_date"] == sold
    tokens = {role: {"Authorization": "Bearer " + rig.command("token", "add", role, "--role", role).stdout.split()[-1]}
              for role in ("viewer", "dispatcher", "manager")}

    def ask(role, method, path, **body):
        return rig.call(method, "/api/v1" + path, body if method == "POST" else None, tokens[role], token=False)

    first, second = (f"/registrations/{e}/actions" for e in UNITS[:2])
    assert ask("viewer", "POST", first, action="confirm", id="a")[0] == 403
    assert ask("dispatcher", "POST", first, action="confirm", id="a")[1]["state"] == "confirmed"
    assert ask("dispatcher", "POST", first, action="refuse", id="b", note="x")[0] == 409
    assert "note" in ask("manager", "POST", second, action="refuse", id="c")[1]["detail"]
    assert ask("manager", "POST", second, action="refuse", id="c", note="on the dealer's bench")[1]["state"] == "refused"
    owed = rig.rows("SELECT COUNT(*) FROM clock WHERE kind = 'warranty_registration' AND met_ms IS NULL")
    assert owed[0][0] == 1, "the card of the refused one is owed again"
    paper = "/documents/operation_review/site-1"
    status, issued = ask("dispatcher", "POST", paper)
    assert status == 201 and issued["approval"] == {"needed": 2, "given": 0, "approved": False, "by": None, "at": None}
    assert ask("viewer", "GET", paper + "?version=1")[0] == 409 and ask("manager", "GET", paper + "?version=1")[0] == 200
    assert ask("viewer", "POST", paper + "/approve", version=1)[0] == 403 and ask("manager", "POST", paper + "/approve", version=9)[0] == 422
    assert ask("dispatcher", "POST", paper + "/approve", version=1)[1]["approval"]["given"] == 1
    assert "another person" in ask("dispatcher", "POST", paper + "/approve", version=1)[1]["detail"]
    assert ask("viewer", "GET", paper + "?version=1")[0] == 409
    last = ask("manager", "POST", paper + "/approve", version=1, note="as it is")[1]["approval"]
    assert last["approved"] and last["by"] == "manager" and last["at"]
    assert ask("viewer", "GET", paper + "?version=1")[0] == 200 and ask("manager", "POST", paper + "/approve", version=1)[0] == 409
    assert rig.get(paper + "/versions")["items"][0]["approval"]["approved"]
    assert ask("dispatcher", "POST", "/documents/warranty_card/swh-0001")[1]["approval"]["needed"] == 0
    rig.close()
