"""Warranty and money over HTTP: the customer answers without a token, papers print, batches are taken away, nothing is done twice."""
import csv
import io
import json

import pytest
from desk_rig import DeskRig, Gateway
from rig import wait_for

MORE = """
suppliers: [{id: maker, name: Pump maker, email: claims@example.cn, classes: [electrical]}]
price_lists: [{id: l26, currency: CNY, from: "2020-01-01", prices: [{part: pump-15-60, price: "480.50", cost: "300", rule: market}]}]
"""


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = DeskRig(tmp_path_factory.mktemp("money")).open(heaters=6, more=MORE)
    rig.tokens = {role: rig.role_token(role) for role in ("manager", "dispatcher", "technician", "viewer", "integration")}
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def gateway(rig):
    return Gateway(rig, heaters=6)


def opened(rig, gateway, equipment, fault="pump_no_flow"):
    gateway.fault(equipment=equipment, fault=fault)
    return wait_for(lambda: rig.tickets(f"?equipment={equipment}&state=open"))[0]


def on_site(rig, number, team="team-1", technician="tech-1"):
    rig.act(number, action="assign", id="as-" + number, technician=technician, override={"reason": "test"})
    order = rig.ticket(number)["work_orders"][0]
    for action in ("depart", "arrive"):
        rig.act(order, action=action, id=f"{action}-{number}")
    return order


def money(rig, number):
    return rig.get(f"/tickets/{number}/money")


def excluded(rig, number):
    rig.act(number, action="confirm_warranty", id="cw-" + number, verdict="excluded", exclusion="own_repair", reason="cut wires")


def test_the_customer_answers_without_a_token(rig, gateway):
    """S0-59, D-07: with number and code; a wrong code and a missing ticket answer alike; the version that was read counts."""
    ticket = opened(rig, gateway, "swh-0001")
    number, code = ticket["number"], ticket["track"]["code"]
    excluded(rig, number)
    status, _, text = rig.ask("POST", f"/api/v1/track/{number}/consent?code={code}", {"accepted": True}, token="")
    assert status == 409, text
    rig.act(number, action="quote", id="q1", lines=[{"part": "pump-15-60"}, {"item": "labour", "hours": 1}])
    offer = json.loads(rig.ask("GET", f"/api/v1/track/{number}?code={code}", token="")[2])["quotation"]
    assert (offer["version"], offer["state"], offer["total_minor"], offer["total"]) == (1, "open", 50933 + 12720, "636.53 CNY")
    assert "who" not in offer and "plan" not in offer
    for path in (f"/track/{number}/consent?code=wrong", f"/track/{number}/consent", f"/track/T-NONE/consent?code={code}"):
        assert rig.ask("POST", "/api/v1" + path, {"accepted": True}, token="")[0] == 404
    assert rig.ask("POST", f"/api/v1/track/{number}/consent?code={code}", {"accepted": "yes"}, token="")[0] == 422
    assert rig.ask("POST", f"/api/v1/track/{number}/consent?code={code}", {"accepted": True, "version": 9}, token="")[0] == 409
    for _ in range(2):  # twice is once
        status, _, text = rig.ask("POST", f"/api/v1/track/{number}/consent?code={code}", {"accepted": True, "name": "Li", "version": 1, "id": "yes"}, token="")
        assert status == 200 and json.loads(text)["quotation"]["state"] == "accepted", text
    quotation = money(rig, number)["quotations"][0]
    assert quotation["consent"]["how"] == "track" and quotation["consent"]["name"] == "Li" and rig.ticket(number)["consent"] is True
    status, headers, page = rig.ask("GET", f"/api/v1/quotations/{quotation['number']}?format=html")
    assert status == 200 and headers["content-type"].startswith("text/html") and "报价与同意书" in page and "636.53" in page and "480.50" in page
    paper = rig.get(f"/documents/quotation/{quotation['number']}")
    assert paper["form"] == "D-07" and {f["en"]: f["value"] for f in paper["fields"]}["Consented"] == "Li"
    assert [q["number"] for q in rig.get("/quotations?state=accepted")["items"]] == [quotation["number"]]
    assert rig.ask("GET", "/api/v1/quotations/Q-NONE")[0] == 404 and rig.ask("GET", "/api/v1/quotations?state=x")[0] == 422


def test_a_fee_has_its_papers(rig, gateway):
    """S0-60, S0-58, D-08: billed, invoiced, paid, receipted; two people change it; what a role may is asked."""
    number = opened(rig, gateway, "swh-0002")["number"]
    excluded(rig, number)
    rig.act(number, action="quote", id="q1", lines=[{"part": "pump-15-60"}])
    rig.act(number, action="consent", id="c1", accepted=True)
    order = on_site(rig, number)
    rig.act(order, action="use_part", id="u1", part="pump-15-60")
    assert rig.ask("POST", f"/api/v1/tickets/{number}/actions", {"action": "bill", "id": "b1"}, token=rig.tokens["technician"])[0] == 403
    rig.act(number, action="bill", id="b1")
    assert money(rig, number)["owed_minor"] == 50933
    rig.act(number, action="adjust", id="a1", kind="adjustment", amount=-5000, reason="we came late")
    request = rig.get("/money/requests")["items"][0]
    assert request["ticket"] == number and request["asked_by"] and rig.ask("GET", "/api/v1/money/requests", token=rig.tokens["technician"])[0] == 403
    rig.act(number, (403,), action="approve_money", id="ap0", request=request["request"], approved=True)  # the same person
    rig.post(f"/tickets/{number}/actions", {"action": "approve_money", "id": "ap1", "request": request["request"], "approved": True}, token=rig.tokens["dispatcher"])
    rig.act(number, action="pay", id="p1", amount=45633, words="by card")
    rig.act(number, action="pay", id="p1", amount=45633, words="by card")
    rig.act(number, action="invoice", id="i1", reference="FP-2026-1")
    rig.act(number, action="invoice", id="i2", kind="receipt")
    book = money(rig, number)
    assert book["owed_minor"] == 0 and [i["kind"] for i in book["invoices"]] == ["invoice", "receipt"] and {i["total_minor"] for i in book["invoices"]} == {45633}
    page = rig.ask("GET", f"/api/v1/invoices/{book['invoices'][0]['number']}?format=html")[2]
    assert "发票/收据" in page and "456.33" in page and "FP-2026-1" in page and "we came late" in page
    rows = rig.rows("SELECT COUNT(*), SUM(total) FROM money_line WHERE payer = 'customer' AND ticket = (SELECT id FROM ticket WHERE number = ?)", number)
    assert tuple(rows[0]) == (3, 0)


def test_a_claim_and_its_supplier(rig, gateway):
    """S0-32, S0-31: opened at once by a person's word, by hand only once; answered with its ETag."""
    number = opened(rig, gateway, "swh-0003")["number"]
    warranty = rig.ticket(number)["warranty"]
    assert warranty["proposal"]["responsible_party"] == "supplier" and warranty["proposal"]["supplier"] == "maker"
    assert warranty["dates"]["acceptance_date"] == "2025-03-06" and warranty["start_rule"] == "acceptance_date" and warranty["row"] == "swh-0003"
    rig.act(number, action="diagnose", id="d1", cause="bearing", component="electrical", responsible_party="supplier")
    claim = money(rig, number)["claims"][0]
    assert claim["state"] == "sent" and claim["evidence"]["diagnosis"]["cause"] == "bearing"
    assert any(n["notice"] == "supplier_claim" for n in rig.get(f"/notices?ticket={number}")["items"])
    new = {"ticket": number, "id": "claim-1", "supplier": "maker", "part": "pump-15-60", "amount": 30000}
    first = rig.post("/claims", new, (201,))
    assert rig.post("/claims", new, (200,))["number"] == first["number"]
    rig.post("/claims", {**new, "id": "claim-2"}, (409,))
    assert rig.ask("POST", "/api/v1/claims", {**new, "id": "claim-3", "supplier": "nobody"})[0] == 422
    assert rig.ask("POST", "/api/v1/claims", {**new, "id": "claim-3", "part": "nothing"})[0] == 422
    path = f"/claims/{first['number']}/actions"
    assert rig.ask("POST", "/api/v1" + path, {"action": "accept"})[0] == 409
    rig.post(path, {"action": "send", "id": "s1", "appointment": "2027-01-05T09:00:00+08:00", "note": "please come"})
    assert rig.ask("POST", "/api/v1" + path, {"action": "accept", "amount": 28000}, headers={"If-Match": '"1"'})[0] == 412
    rig.post(path, {"action": "accept", "id": "a1", "amount": 28000})
    rig.post(path, {"action": "accept", "id": "a1", "amount": 28000})
    done = rig.post(path, {"action": "settle", "id": "s2", "reference": "CN-7"})
    assert done["state"] == "settled" and done["agreed_minor"] == 28000 and [e["action"] for e in done["timeline"]] == ["open", "send", "accept", "settle"]
    assert "供应商质保索赔单" in rig.ask("GET", f"/api/v1/claims/{first['number']}?format=html")[2]
    assert rig.ask("GET", "/api/v1/claims", token=rig.tokens["viewer"])[0] == 403
    today = {"kind": "supplier", "party": "maker", "from": "2020-01-01", "to": "2099-12-31", "id": "sup-1"}
    batch = rig.post("/settlements", today, (201,))
    assert batch["total_minor"] == 28000 and [line["kind"] for line in batch["lines"]] == ["recovery"]


def test_a_batch_is_taken_away_once(rig, gateway):
    """S0-153, S2-31, D-47: JSON, CSV and the notice; the server is killed and asked again: the same batch, each line once."""
    number = opened(rig, gateway, "swh-0004", "tank_leak")["number"]
    order = on_site(rig, number)
    rig.act(order, action="use_part", id="u1", part="pump-15-60")
    rig.act(order, action="sign", id="sg", name="=Li")
    rig.act(number, action="bill", id="b1")
    new = {"kind": "dealer", "party": "team-1", "from": "2020-01-01", "to": "2099-12-31", "id": "batch-1"}
    assert rig.ask("POST", "/api/v1/settlements", new, token=rig.tokens["dispatcher"])[0] == 403
    for wrong in ({"kind": "uncle"}, {"from": "soon"}, {"to": "2019-01-01"}, {"party": None}):
        assert rig.ask("POST", "/api/v1/settlements", {**new, **wrong, "id": "w"})[0] == 422, wrong
    batch = rig.post("/settlements", new, (201,))
    rig.programs[-1].kill()
    rig.server()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    again = rig.post("/settlements", new, (200,))
    assert again["number"] == batch["number"] and again["lines"] == batch["lines"] and batch["total_minor"] == 33000
    assert rig.ask("POST", "/api/v1/settlements", {**new, "id": "batch-2"})[0] == 409
    assert rig.rows("SELECT COUNT(*), COUNT(DISTINCT line) FROM settlement_line x JOIN settlement s ON s.id = x.settlement WHERE s.number = ?", batch["number"])[0][0] == 2
    status, headers, text = rig.ask("GET", f"/api/v1/settlements/{batch['number']}", headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(text)))
    assert status == 200 and headers["content-type"].startswith("text/csv") and sum(int(r["total_minor"]) for r in rows) == 33000
    assert {r["ticket"] for r in rows} == {number} and {r["party"] for r in rows} == {"team-1"}
    page = rig.ask("GET", f"/api/v1/settlements/{batch['number']}?format=html")[2]
    assert "三包费用核销通知" in page and "330.00" in page
    path = f"/settlements/{batch['number']}/actions"
    assert rig.ask("POST", "/api/v1" + path, {"action": "dispute"})[0] == 422
    assert rig.post(path, {"action": "dispute", "reason": "one pump"})["state"] == "disputed"
    assert rig.post(path, {"action": "confirm", "reference": "K-1"})["state"] == "confirmed"
    assert rig.ask("POST", "/api/v1" + path, {"action": "confirm"})[0] == 409
    shown = [i for i in rig.get("/settlements")["items"] if i["number"] == batch["number"]][0]
    assert "lines" not in shown and shown["count"] == 2


def test_the_determination_prints(rig, gateway):
    """D-06, S0-28, S0-87: verdict, dates, exclusions that were looked at, who decided."""
    number = opened(rig, gateway, "swh-0005")["number"]
    rig.act(number, action="confirm_warranty", id="cw", verdict="covered", reason="the file says so")
    page = rig.ask("GET", f"/api/v1/documents/determination/{number}?format=html")[2]
    assert "保修与责任鉴定书" in page and "the file says so" in page and "acceptance_date" in page
    lines = rig.get("/equipment/swh-0005")["warranty"]
    assert {w["phase"] for w in lines} == {"warranty", "lifetime_service"} and {w["registration"] for w in lines} == {"not_required"}
