"""Tickets, work orders, parts, calendars and reports as people and programs use them."""
import csv
import io
import json
import re
import time
from datetime import date, datetime, timedelta, timezone

import pytest
from desk_rig import DeskRig, Gateway
from postgres import Postgres
from rig import wait_for

WILD = ["<script>alert(1)</script>", "a\r\nInjected: yes\r\n\r\nbody", "\x01\x02\x1b[31m\u2028\u202e", "x" * 65536, "=HYPERLINK(\"http://x\")", "热水器 ☀"]


@pytest.fixture(scope="module")
def postgres():
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def rig(request, tmp_path_factory):
    database = request.getfixturevalue("postgres").database() if request.param == "postgresql" else None
    rig = DeskRig(tmp_path_factory.mktemp("desk"), database=database).open(heaters=20)
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def gateway(rig):
    return Gateway(rig, heaters=20)


def iso(seconds=0):
    return datetime.fromtimestamp(time.time() + seconds, timezone.utc).isoformat(timespec="seconds")


def at(words):
    return datetime.fromisoformat(words).timestamp()


def clocks(ticket):
    return {c["kind"]: c for c in ticket["clocks"]}


def raised(rig, gateway, equipment, **more):
    gateway.fault(equipment=equipment, **more)
    return wait_for(lambda: rig.tickets(f"?equipment={equipment}&state=open"))[0]


def test_a_ticket_says_all_that_is_promised(rig, gateway):
    ticket = raised(rig, gateway, "swh-0001")
    assert set(ticket["classification"]) == {"severity", "urgency", "complexity", "competence", "domain", "responsible_party", "service_level"}
    assert ticket["classification"]["service_level"] == "A" and ticket["parent"] is None
    assert ticket["timeline"][0]["action"] == "register" and set(ticket["timeline"][0]) >= {"at", "who", "action", "id", "note"}
    assert [c["odds"] for c in ticket["cause"]] == sorted((c["odds"] for c in ticket["cause"]), reverse=True)
    assert abs(at(ticket["onset"]) - time.time() + 60) < 10
    for clock in ticket["clocks"]:
        # where nothing goes out, the list itself is the receipt
        assert clock["state"] == ("met" if clock["kind"] == "ack" else "running") and clock["started_at"] == ticket["registered_at"] and clock["paused"] == 0
        assert (clock["met_at"] is None or clock["kind"] == "ack") and clock["breached_at"] is None and at(clock["due_at"]) > at(clock["started_at"])
        assert not clock["kind"].startswith("clock.")
    assert at(clocks(ticket)["onsite_l1"]["due_at"]) - at(ticket["registered_at"]) == pytest.approx(4 * 3600, abs=1)
    order = rig.get("/work-orders/" + ticket["work_orders"][0])
    assert order["team"] == "team-1", "team-2's certificate has run out"
    assert order["kind"] == "corrective" and order["state"] == "proposed" and order["before"]["pump_on"] == 1
    assert order["parts"][0]["part"] == "pump-15-60" and order["parts"][0]["in_stock"] == 3
    assert set(order) >= {"number", "kind", "ticket", "equipment", "site", "team", "technician", "appointment", "checklist", "parts", "before", "after", "signature", "state"}
    assert rig.ticket(ticket["number"])["timeline"] == ticket["timeline"]


def test_nobody_serves_this_place(rig, gateway):
    ticket = raised(rig, gateway, "swh-0020")
    order = rig.get("/work-orders/" + ticket["work_orders"][0])
    assert order["team"] is None and "no team serves" in order["reason"]
    assert any("no team serves" in (e["note"] or "") for e in ticket["timeline"])
    assert ticket["registered_at"].endswith("+01:00"), "the site's own zone"


def test_every_action(rig, gateway):
    number = raised(rig, gateway, "swh-0002")["number"]
    act = lambda expect=200, **k: rig.act(number, (expect,), **k)
    assert act(action="respond", id="0", at=iso())["state"] == "registered", "legal in every open state"
    assert act(action="acknowledge", id="1", at=iso(), note="seen")["state"] == "acknowledged"
    problem = act(409, action="acknowledge", id="1b", at=iso())
    assert "Legal:" in problem["detail"] and "dispatch" in problem["detail"]
    assert act(action="acknowledge", id="1", at=iso())["state"] == "acknowledged"
    act(422, action="frobnicate", id="x"), act(422, id="x"), act(422, action="note", id="x", at="yesterday"), act(422, action="note", id="x", at=iso(3600))
    act(422, action="note", id="", note="x"), act(422, action="note", id="a\r\nb"), act(422, action="note", id=7), act(422, action="note", id="x", note=["x"])
    act(422, action="note", id="x", at=iso(-10 * 86400))
    act(422, action="dispatch", id="2"), act(422, action="dispatch", id="2", team="nobody")
    assert act(action="dispatch", id="2", at=iso(), team="team-2")["state"] == "dispatched"
    act(422, action="assign", id="3", technician="nobody"), act(422, action="assign", id="3", technician="tech-1", appointment={"from": iso(), "to": iso(-60)})
    appointment = {"from": iso(3600), "to": iso(7200)}
    ticket = act(action="assign", id="3", at=iso(), technician="tech-1", appointment=appointment)
    order = rig.get("/work-orders/" + ticket["work_orders"][0])
    assert (order["state"], order["team"], order["technician"]) == ("assigned", "team-1", "tech-1")
    assert at(order["appointment"]["from"]) == at(appointment["from"])
    act(422, action="pause", id="4", reason="lunch")
    for reason in ("customer_absent", "consent_pending", "force_majeure", "access_refused", "parts_customer"):
        assert "paused" in {c["state"] for c in act(action="pause", id="p-" + reason, at=iso(), reason=reason)["clocks"]}
        act(409, action="pause", id="q-" + reason, reason=reason)
        assert "paused" not in {c["state"] for c in act(action="resume", id="r-" + reason, at=iso())["clocks"]}
    act(422, action="regrade", id="5", grade=4, reason="x"), act(422, action="regrade", id="5", grade=1)
    assert act(action="regrade", id="5", at=iso(), grade=1, reason="no hot water at all")["grade"] == 1
    act(409, action="consent", id="6", accepted=True), act(422, action="quote", id="6", lines=[])
    assert act(action="quote", id="6", at=iso(), lines=[{"text": "pump", "price": 480}])["state"] == "awaiting_consent"
    act(422, action="consent", id="7", accepted="yes")
    ticket = act(action="consent", id="7", at=iso(), accepted=True)
    assert ticket["state"] == "assigned" and ticket["consent"] is True, "nobody is on site yet"
    act(422, action="close", id="8")
    ticket = act(action="close", id="8", at=iso(), resolution="pump replaced")
    assert ticket["state"] == "closed" and ticket["closed_at"] and ticket["resolution"] == "pump replaced"
    assert {c["state"] for c in ticket["clocks"]} <= {"met", "cancelled"}
    act(409, action="respond", id="9"), act(422, action="reopen", id="9")
    ticket = act(action="reopen", id="9", at=iso(), reason="it leaks")
    assert ticket["number"] == number and ticket["state"] == "acknowledged" and ticket["closed_at"] is None
    actions = [(e["action"], e["id"]) for e in ticket["timeline"] if e["id"]]
    assert len(set(actions)) == len(actions) and ("regrade", "5") in actions and ("close", "8") in actions
    assert [e["action"] for e in ticket["timeline"]].count("regrade") == 1


def test_work_from_door_to_door(rig, gateway):
    ticket = raised(rig, gateway, "swh-0003")
    number, order = ticket["number"], ticket["work_orders"][0]
    work = lambda expect=200, **k: rig.act(order, (expect,), **k)
    work(409, action="start", id="0"), work(422, action="dance", id="0")
    assert work(action="accept", id="1", at=iso())["state"] == "accepted"
    assert work(action="refuse", id="2", at=iso(), note="wrong crew")["state"] == "refused"
    assert work(action="accept", id="3", at=iso())["state"] == "accepted"
    work(422, action="depart", id="4", at=iso(600)), work(422, action="depart", id="4", at=iso(-600))
    assert work(action="depart", id="4", at=iso())["state"] == "travelling"
    assert work(action="arrive", id="5", at=iso())["state"] == "on_site"
    assert clocks(rig.ticket(number))["onsite_l1"]["state"] == "met"
    problem = work(409, action="start", id="6")  # electrical: a year from acceptance is over
    assert "consent" in problem["detail"]
    rig.act(number, action="quote", id="q", lines=[{"text": "pump", "price": 480}])
    assert rig.act(number, action="consent", id="c", accepted=True)["state"] == "on_site"
    assert work(action="start", id="6", at=iso())["state"] == "working"
    assert rig.ticket(number)["state"] == "repairing"
    work(422, action="check", id="7")
    assert {s["step"]: s["value"] for s in work(action="check", id="7", step="cause", value={"text": "seized"})["checklist"]}["cause"] == {"text": "seized"}
    work(422, action="sign", id="9"), work(action="sign", id="9", name="Li Xiaoming", image="data:image/png;base64,AAAA")
    done = work(action="finish", id="10")
    assert done["state"] == "done" and done["signature"]["name"] == "Li Xiaoming"
    assert [e["id"] for e in done["timeline"] if e["id"] not in ("7", "9")] == ["1", "2", "3", "4", "5", "6", "10"]
    work(409, action="cancel", id="11")


def test_parts_leave_the_stock_once(rig, gateway):
    stock = lambda: {r["ref"]: r["value"] for l in rig.get("/reports/spares")["lines"] if l["name"] == "parts in stock" for r in l["rows"]}
    assert stock() == {"depot-1": 2, "depot-2": 1}
    order = raised(rig, gateway, "swh-0004")["work_orders"][0]
    use = lambda expect=200, **k: rig.act(order, (expect,), action="use_part", **k)
    use(422, id="0"), use(422, id="0", part="pump-15-60", count=0), use(422, id="0", part="pump-15-60", count="x")
    for _ in range(3):
        assert use(id="1", part="pump-15-60")["parts"][0]["used"] == 1
    assert stock() == {"depot-1": 1, "depot-2": 1}, "the nearest depot, once"
    assert "only 2" in use(409, id="2", part="pump-15-60", count=3)["detail"]
    assert "only 1" in use(409, id="2", part="pump-15-60", count=2, depot="depot-1")["detail"]
    assert rig.import_text(rig.fleet_text).returncode == 0 and stock() == {"depot-1": 1, "depot-2": 1}, "the same file again is no stocktake"
    assert use(id="3", part="pump-15-60", count=2)["parts"][0]["used"] == 3
    assert stock() == {"depot-1": 0, "depot-2": 0}
    use(409, id="4", part="pump-15-60")
    assert [p["used"] for p in use(id="5", part="a hose of our own")["parts"] if p["part"] == "a hose of our own"] == [1]
    used = [l for l in rig.get("/reports/spares")["lines"] if l["name"] == "parts used"]
    assert used[0]["value"] == 3 and used[0]["group"] == "pump-15-60" and all(r["ref"] == order for r in used[0]["rows"])


def test_callers_and_devices_meet(rig, gateway):
    ticket = raised(rig, gateway, "swh-0005")
    status, headers, text = rig.ask("POST", "/api/v1/tickets", {"kind": "fault", "equipment": "swh-0005", "note": "water is cold", "grade": 1})
    assert status == 200 and json.loads(text)["number"] == ticket["number"] and json.loads(text)["grade"] == 1
    assert rig.report("swh-0005", fault="pump_no_flow")["number"] == ticket["number"]
    first = rig.report("swh-0006", fault="pump_no_flow", note="noise")
    gateway.fault(equipment="swh-0006", fault="pump_no_flow", grade=2)
    assert [t["number"] for t in rig.tickets("?equipment=swh-0006&state=open")] == [first["number"]]
    nameless = rig.report("swh-0007", note="no hot water")
    assert rig.report("swh-0007")["number"] == nameless["number"]
    gateway.fault(equipment="swh-0007", fault="pump_no_flow", grade=2)
    merged, = rig.tickets("?equipment=swh-0007&state=open")
    assert merged["number"] == nameless["number"] and merged["fault"] == "pump_no_flow" and merged["grade"] == 2
    assert merged["warranty"]["component"] == "electrical" and merged["cause"]
    gateway.fault(equipment="swh-0007", fault="pump_no_flow", grade=2, state="cleared")
    wait_for(lambda: rig.ticket(nameless["number"])["cleared_at"])
    for kind in ("consultation", "complaint"):
        other = rig.report("swh-0005", kind=kind)
        assert other["kind"] == kind and other["work_orders"] == [], "nobody is sent out for a question"
        assert {c["kind"] for c in other["clocks"]} == {"response"}
    for wrong in ({"kind": "x"}, {"equipment": "nothing"}, {"site": "nothing"}, {"grade": 7}, {"grade": "1"}, {"equipment": 7}, {"title": "x" * 1000}):
        rig.post("/tickets", {"kind": "fault", **wrong}, (422,))


def test_grades_move_both_ways(rig, gateway):
    number = raised(rig, gateway, "swh-0008", grade=3)["number"]
    for grade in (2, 1, 3):
        gateway.fault(equipment="swh-0008", state="regraded", grade=grade)
        wait_for(lambda: rig.ticket(number)["grade"] == grade)
        assert rig.get("/equipment/swh-0008")["status"] == ("attention" if grade == 3 else "fault")
    gateway.fault(equipment="swh-0008", state="cleared", grade=3)
    wait_for(lambda: rig.get("/equipment/swh-0008")["status"] == "ok")
    gateway.fault(equipment="swh-0008", grade=2)
    ticket, = wait_for(lambda: rig.tickets("?equipment=swh-0008"))
    assert ticket["number"] == number and ticket["cleared_at"] is None and ticket["grade"] == 2


def test_track_says_no_more_than_it_should(rig):
    ticket = rig.tickets("?equipment=swh-0003")[0]
    path = f"/api/v1/track/{ticket['number']}"
    status, _, text = rig.ask("GET", f"{path}?code={ticket['track']['code']}", token="")
    assert status == 200 and json.loads(text)["state"] == ticket["state"]
    for word in ("Wang", "tech-1", "Li Xiaoming", "Zhangyang", "5550", "cust-1", "site-1"):
        assert word not in text
    answers = [rig.ask("GET", p, token="") for p in (path, path + "?code=x", path + "?code=", "/api/v1/track/T-NOTHING1?code=x")]
    assert {a[0] for a in answers} == {404}
    assert len({re.sub(r'"instance":"[^"]*"', "", a[2]) for a in answers}) == 1


def unfold(text):
    assert "\r\n" in text and all(len(l.encode()) <= 75 for l in text.split("\r\n"))
    return text.replace("\r\n ", "").split("\r\n")


def test_calendar_feeds(rig, gateway):
    for kind, name in (("site", "site-1"), ("team", "team-1"), ("technician", "tech-1")):
        feed = rig.post("/feeds", {"kind": kind, "name": name})
        assert rig.post("/feeds", {"kind": kind, "name": name}) == feed
        status, headers, text = rig.ask("GET", feed["url"], token="")
        assert status == 200 and headers["content-type"].startswith("text/calendar")
        lines = unfold(text)
        assert lines[0] == "BEGIN:VCALENDAR" and "VERSION:2.0" in lines and any(l.startswith("PRODID:") for l in lines)
        assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") > 4
        for name_ in ("UID:", "DTSTAMP:", "SEQUENCE:", "DTSTART", "SUMMARY:"):
            assert sum(l.startswith(name_) for l in lines) == lines.count("BEGIN:VEVENT"), name_
        uids = [l for l in lines if l.startswith("UID:")]
        assert len(set(uids)) == len(uids)
        assert [l for l in unfold(rig.ask("GET", feed["url"], token="")[2]) if l.startswith("UID:")] == uids
    listed = next(f for f in rig.get("/feeds")["items"] if (f["kind"], f["name"]) == ("team", "team-1"))
    assert "url" not in listed
    path = f"/feeds/{listed['id']}/actions"
    rig.post("/feeds", {"kind": "team", "name": "team-1"})
    gone = rig.post("/feeds", {"kind": "team", "name": "team-1"})["url"]
    rig.post(path, {"action": "forget"}, (422,))
    rig.post(path, {"action": "revoke", "id": "rv"}), rig.post(path, {"action": "revoke", "id": "rv"})
    assert rig.ask("GET", gone, token="")[0] == 404, "who has a revoked address reads nothing any more"
    fresh = rig.post("/feeds", {"kind": "team", "name": "team-1"})["url"]
    assert fresh != gone and rig.ask("GET", fresh, token="")[0] == 200 and rig.ask("GET", gone, token="")[0] == 404
    for wrong in ({"kind": "x", "name": "y"}, {"kind": "site", "name": "nothing"}, {"kind": "team"}):
        rig.post("/feeds", wrong, (422,))
    for path in ("/api/v1/calendars/x.ics", "/api/v1/calendars/x", "/api/v1/calendars/.ics", "/api/v1/calendars/" + "x" * 500 + ".ics"):
        assert rig.ask("GET", path, token="")[0] == 404


def test_a_moved_appointment_keeps_its_uid(rig, gateway):
    ticket = raised(rig, gateway, "swh-0009")
    feed = rig.post("/feeds", {"kind": "technician", "name": "tech-1"})["url"]
    event = lambda: re.search(rf"UID:order-{ticket['work_orders'][0]}.*?END:VEVENT", "\n".join(unfold(rig.ask("GET", feed, token="")[2])), re.S)
    assert event() is None
    seen = []
    for k in range(2):
        rig.act(ticket["number"], action="assign", id=f"a{k}", technician="tech-1", appointment={"from": iso(3600 * (k + 1)), "to": iso(3600 * (k + 2))})
        words = event().group(0)
        seen.append((int(re.search(r"SEQUENCE:(\d+)", words).group(1)), re.search(r"DTSTART:(\S+)", words).group(1)))
    assert seen[1][0] > seen[0][0] and seen[1][1] > seen[0][1]
    rig.act(ticket["work_orders"][0], action="cancel", id="x")
    assert "STATUS:CANCELLED" in event().group(0)


def test_visits_in_the_seasons(rig):
    today = date.today()
    items = [v for v in rig.get(f"/visits?from={today}&to={today + timedelta(days=460)}&limit=1000")["items"] if v["equipment"] == "swh-0001"]
    for shift in range(0, 90, 15):
        a, b = str(today + timedelta(shift)), str(today + timedelta(shift + 364))
        assert sum(a <= v["due_on"] <= b for v in items) == 2
    for before, after in zip(items, items[1:]):
        assert after["sequence"] == before["sequence"] + 1 and before["window_end"] < after["window_start"]
    for v in items:
        assert v["window_start"] <= v["due_on"] <= v["window_end"]
        assert "03-15" <= v["due_on"][5:] <= "05-15" or "09-15" <= v["due_on"][5:] <= "11-15"
    due = items[0]["due_on"]
    only = rig.get(f"/visits?from={due}&to={due}&equipment=swh-0001")["items"]
    assert [v["due_on"] for v in only] == [due]
    assert rig.ask("GET", "/api/v1/visits?from=x")[0] == rig.ask("GET", "/api/v1/visits?to=2026-02-30")[0] == 422


PLANS = [  # plan, dates, component's verdict: start rule and last day
    ("swh_standard", {"acceptance_date": "2025-03-06", "completion_date": "2025-03-05", "invoice_date": "2025-03-01"}, "tank", "acceptance_date", "2028-03-05"),
    ("swh_standard", {"completion_date": "2025-03-05", "invoice_date": "2025-03-01"}, "tank", "completion_date", "2028-03-04"),
    ("swh_standard", {"invoice_date": "2025-03-01", "manufacture_date": "2025-01-10"}, "electrical", "invoice_date", "2026-02-28"),
    ("swh_standard", {"manufacture_date": "2024-02-29"}, "tank", "factory_date", "2027-02-27"),
    ("swh_standard", {"sale_date": "2025-03-01"}, "tank", None, None),
    ("generic_24_48", {"invoice_date": "2025-03-01", "manufacture_date": "2025-01-10"}, "tank", "invoice_date", None),
    ("generic_24_48", {"manufacture_date": "2025-01-10", "acceptance_date": "2025-03-06"}, "tank", "factory_date", None),
    ("generic_emergency_2h", {"sale_date": "2026-03-01", "acceptance_date": "2025-03-06"}, "tank", "sale_date", "2027-02-28"),
    ("generic_emergency_2h", {"acceptance_date": "2025-03-06"}, "tank", None, None),
    ("tiered_abc", {"acceptance_date": "2025-03-06"}, "tank", "acceptance_date", None),
]


def test_warranty_starts_as_each_plan_says(rig):
    text = rig.fleet_text
    rows, sites, contracts = "", "", ""
    for k, (plan, dates, *_) in enumerate(PLANS):
        sites += f"  - {{id: w-{k}, customer: cust-1, name: W, time_zone: Asia/Shanghai, calendar: cal-cn}}\n"
        rows += f"  - {{id: war-{k}, title: W, site: w-{k}, profile: swh-basic, {', '.join(f'{n}: {chr(34)}{d}{chr(34)}' for n, d in dates.items())}}}\n"
        contracts += f"  - {{id: cw-{k}, customer: cust-1, sites: [w-{k}], plan: {plan}, service_level: B, start: '2024-01-01', end: '2099-01-01'}}\n"
    text = text.replace("teams:\n", sites + "teams:\n", 1).replace("contracts:\n", rows + "contracts:\n" + contracts, 1)
    result = rig.import_text(text)
    assert result.returncode == 0, result.stderr
    for k, (plan, dates, component, rule, until) in enumerate(PLANS):
        line = {w["component"]: w for w in wait_for(lambda: rig.get(f"/equipment/war-{k}"))["warranty"]}[component]
        assert plan in line["rule"], line
        if rule is None:
            assert line["verdict"] == "unknown" and line["until"] is None and "date" in line["evidence"], (plan, line)
            continue
        assert rule in line["rule"] and dates["manufacture_date" if rule == "factory_date" else rule] in line["evidence"], (plan, line)
        assert until is None or line["until"] == until, (plan, line)
        assert line["verdict"] == ("covered" if str(date.today()) <= line["until"] else "expired")


def test_reports_have_formula_and_rows(rig, gateway):
    rig.act(rig.report("swh-0010", fault="reported", title="=2+2")["number"], action="respond", id="r")
    for report in rig.get("/reports")["items"]:
        body = rig.get("/reports/" + report["name"])
        assert {l["name"] for l in body["lines"]} == set(report["lines"])
        for line in body["lines"]:
            assert line["formula"] and line["unit"] and line["count"] == len(line["rows"])
            values, weights = [r["value"] for r in line["rows"]], [r["weight"] for r in line["rows"]]
            ratio = sum(values) / sum(weights) if sum(weights) else None
            assert line["value"] in (pytest.approx(sum(values)), None if ratio is None else pytest.approx(ratio)), line
        status, headers, text = rig.ask("GET", "/api/v1/reports/" + report["name"], headers={"Accept": "text/csv"})
        assert status == 200 and headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert {r["name"] for r in rows} == set(report["lines"])
        assert not any(v and v[0] in "=+-@\t\r" for r in rows for v in r.values())
    met = {l["group"]: l["value"] for l in rig.get("/reports/service-levels")["lines"] if l["name"] == "attainment"}
    assert met["response"] == 1
    assert rig.get("/reports/service_levels")["report"] == "service-levels"
    assert rig.ask("GET", "/api/v1/reports/nothing")[0] == 404 and rig.ask("GET", "/api/v1/reports/mttr?from=2027-01-01&to=2026-01-01")[0] == 422
    assert rig.ask("GET", "/api/v1/reports/mttr", headers={"Accept": "text/csv;q=0.5, application/json"})[1]["content-type"].startswith("application/json")


def test_wild_words_stay_words(rig, gateway):
    server = rig.programs[-1]
    for k, words in enumerate(WILD):
        ticket = rig.post("/tickets", {"kind": "complaint", "site": "site-1", "note": words, "title": words[:400], "id": f"wild-{k}"})
        number = ticket["number"]
        assert ticket["timeline"][0]["note"] == words and ticket["title"]["en"] == words[:400]
        status, headers, _ = rig.ask("POST", f"/api/v1/tickets/{number}/actions", {"action": "close", "id": "x", "resolution": words, "note": words})
        assert status == 200 and "injected" not in headers
        assert rig.ask("GET", "/api/v1/tickets/" + "%0d%0aInjected:%20yes")[0] == 404
        fault = "f-" + words[:60]
        gateway.fault(fault=fault, equipment="swh-0011")
    assert rig.tickets("?equipment=swh-0011"), "an id is a fault, whatever it means"
    assert not any(line.startswith("Injected:") or "\x1b" in line or "\x01" in line for line in server.lines)
    assert any("notice" in line for line in server.lines)


def test_a_printed_inspection_is_no_markup(rig, gateway):
    number = rig.post("/equipment/swh-0012/inspections", None)["number"]
    command = wait_for(lambda: [c for c in gateway.commands if c["name"] == "inspect" and c["equipment"] == "swh-0012"])[0]
    evil = "<script>alert('x')</script>&\""
    points = [{"name": evil, "value": 71.2, "unit": evil, "quality": "good", "t": int(time.time() * 1000)},
              {"name": "collector_temp", "value": evil, "unit": "°C", "quality": evil, "t": int(time.time() * 1000)}]
    gateway.send("reply", command=command["id"], state="done", result={"points": points, "health": {"x": evil}, "checks": [
        {"id": evil, "title": {"en": evil, "zh": evil}, "reading": evil, "limit": [1, evil], "light": "green"}]})
    done = wait_for(lambda: (lambda i: i if i["state"] == "done" else None)(rig.get("/inspections/" + number)))
    assert done["verdict"] in ("green", "amber", "red") and done["points"][0]["name"] == evil
    status, headers, text = rig.ask("GET", f"/api/v1/inspections/{number}?format=html")
    assert status == 200 and headers["content-type"].startswith("text/html")
    assert "<script" not in text and "&lt;script" in text and "default-src" in headers["content-security-policy"]


def test_an_agent_that_sends_values_alone_is_judged_here(rig, gateway):
    number = rig.post("/equipment/swh-0013/inspections", None)["number"]
    command = wait_for(lambda: [c for c in gateway.commands if c["name"] == "inspect" and c["equipment"] == "swh-0013"])[0]
    assert wait_for(lambda: rig.get("/inspections/" + number))["verdict"] is None
    now = iso()
    points = [{"name": "collector_temp", "value": 71.2, "unit": "°C", "quality": "good", "time": now}, {"name": "pump_on", "value": None, "quality": "timeout", "time": now}]
    gateway.send("reply", command=command["id"], state="done", result={"points": points, "health": {}})
    done = wait_for(lambda: (lambda i: i if i["state"] == "done" else None)(rig.get("/inspections/" + number)))
    assert done["checks"] and all(set(c) >= {"id", "title", "reading", "limit", "light"} for c in done["checks"])
    assert {c["light"] for c in done["checks"]} <= {"green", "amber", "red"} and done["verdict"] in ("amber", "red")
    assert [at(p["time"]) for p in done["points"]] == [at(now)] * 2
