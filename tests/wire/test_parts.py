"""Parts as storekeepers, technicians and managers use them: goods in, out, back, lent, counted, written off, bought."""
import json
import threading
import time
from datetime import datetime, timezone

import pytest
from desk_rig import DeskRig, Gateway
from rig import wait_for

MORE = """
  - {id: ctrl-1, title: {en: Controller, zh: 控制器}, class: electrical, tracked: serial, inspect: true, cost: 310.5, currency: CNY, supplier: Ctl Ltd, lead: 10d}
  - {id: seal-9, title: {en: Seal, zh: 密封圈}, class: pipe, tracked: lot, inspect: true, shelf_life: 24mo, consumable: true, supplier: Seals Ltd,
     fits: [{profile: swh-basic, rate: 0.4}]}
  - {id: last-one, title: {en: Anode, zh: 镁棒}, class: tank, stock: [{depot: depot-1, count: 1}, {depot: depot-2, count: 3}]}
  - {id: hose, title: {en: Hose, zh: 软管}, class: pipe, cost: 12, currency: CNY, stock: [{depot: depot-1, count: 20, min: 5, target: 30}]}
"""
DEPOTS = """
  - {id: van-1, name: Van of Wang, kind: van, technician: tech-1}
  - {id: old, name: Old parts, kind: warehouse}
"""


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = DeskRig(tmp_path_factory.mktemp("parts"))
    from desk_rig import FLEET
    import desk_rig
    kept, desk_rig.FLEET = FLEET, FLEET.replace("parts:\n", DEPOTS.lstrip("\n") + "parts:\n")
    try:
        rig.open(heaters=16, more=MORE.lstrip("\n"))
    finally:
        desk_rig.FLEET = kept
    rig.tokens = {role: rig.role_token(role) for role in ("manager", "dispatcher", "technician")}
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def gateway(rig):
    return Gateway(rig, heaters=16)


def iso(seconds=0):
    return datetime.fromtimestamp(time.time() + seconds, timezone.utc).isoformat(timespec="milliseconds")


def voucher(rig, kind, expect=201, role="dispatcher", **fields):
    return rig.post("/vouchers", {"kind": kind, **fields}, (expect,), token=rig.tokens[role])


def act(rig, number, action, expect=200, role="dispatcher", **fields):
    return rig.post(f"/vouchers/{number}/actions", {"action": action, **fields}, (expect,), token=rig.tokens[role])


def step(rig, action, expect=200, role="dispatcher", **fields):
    return rig.post("/stock", {"action": action, **fields}, (expect,), token=rig.tokens[role])


def order_of(rig, gateway, equipment, **fault):
    gateway.fault(equipment=equipment, **fault)
    return wait_for(lambda: rig.tickets(f"?equipment={equipment}&state=open"))[0]["work_orders"][0]


def lies(rig, part, depot):
    """(count, reserved) of all lots"""
    racks = rig.get(f"/stock?part={part}&depot={depot}")["items"]
    return sum(r["count"] for r in racks), sum(r["reserved"] for r in racks)


def moves(rig, **chosen):
    return rig.get("/stock/moves?limit=1000&" + "&".join(f"{k}={v}" for k, v in chosen.items()))["items"]


def test_goods_wait_for_their_inspection(rig):
    """S1-50 S1-42 S2-24 S1-46"""
    assert "serials" in step(rig, "receive", 422, part="ctrl-1", depot="depot-1", count=2)["detail"]
    step(rig, "receive", 422, part="no-such", depot="depot-1"), step(rig, "receive", 422, part="ctrl-1", depot="nowhere", serials=["x"])
    for _ in range(2):  # the same id is one receipt
        got = step(rig, "receive", part="ctrl-1", depot="depot-1", count=2, serials=["C1", "C2"], unit_cost=299.99, id="r1")
    assert got["id"] == "ctrl-1" and got["stock"] == [], "what waits is in nobody's stock"
    assert {(r["lot"], r["state"], r["unit_cost"]) for r in rig.get("/stock?part=ctrl-1")["items"]} == {("C1", "quarantine", 29999), ("C2", "quarantine", 29999)}
    step(rig, "receive", 409, part="ctrl-1", depot="depot-1", serials=["C1"])  # a serial lies in one place
    refused = voucher(rig, "loan", 409, part="ctrl-1", depot="depot-1", equipment="swh-0009", due=iso(86400), serial="C1")
    assert "ctrl-1" in refused["detail"]
    step(rig, "inspect", 422, part="ctrl-1", lot="C1", result="perhaps"), step(rig, "inspect", 403, role="technician", part="ctrl-1", lot="C1", result="passed")
    step(rig, "inspect", part="ctrl-1", lot="C1", result="passed", pieces=1)
    assert step(rig, "inspect", part="ctrl-1", lot="C2", result="refused", pieces=1, failed=1)["stock"] == [{"depot": "depot-1", "count": 1, "reserved": 0, "free": 1}]
    step(rig, "inspect", 409, part="ctrl-1", lot="C2", result="passed")
    assert "lot" in step(rig, "receive", 422, part="seal-9", depot="depot-1", count=5)["detail"]


def test_the_last_one_goes_once(rig, gateway):
    """Eight people at once: one yes, seven no, and the no says where there are others."""
    orders = [order_of(rig, gateway, f"swh-{n:04}") for n in range(1, 9)]
    answers, gate = {}, threading.Barrier(8)

    def book(number):
        gate.wait()
        status, _, text = rig.ask("POST", f"/api/v1/work-orders/{number}/actions", {"action": "reserve_part", "part": "last-one", "depot": "depot-1"})
        answers[number] = (status, json.loads(text))

    threads = [threading.Thread(target=book, args=(n,)) for n in orders]
    [t.start() for t in threads], [t.join() for t in threads]
    assert sorted(status for status, _ in answers.values()) == [200] + 7 * [409]
    assert all("depot-2 3" in body["detail"] for status, body in answers.values() if status == 409)
    assert lies(rig, "last-one", "depot-1") == (1, 1)
    winner = next(n for n, (status, _) in answers.items() if status == 200)
    rig.act(winner, action="cancel", reason="not needed")
    assert lies(rig, "last-one", "depot-1") == (1, 0), "let go with the order"
    assert [m["kind"] for m in moves(rig, part="last-one", work_order=winner)] == ["reserve", "release"]


def test_allocation_says_why(rig, gateway):
    """S1-47"""
    order = order_of(rig, gateway, "swh-0009")
    shown = rig.get(f"/parts/pump-15-60/allocation?work_order={order}")
    assert shown["due_at"] and [(c["depot"], c["reason"]) for c in shown["candidates"]][0] == ("depot-1", "in_time")
    by = {c["depot"]: c for c in shown["candidates"]}
    assert by["depot-2"]["km"] > 1000 and by["depot-2"]["there_at"] > by["depot-1"]["there_at"] and by[None]["kind"] == "supplier"
    few = rig.get(f"/parts/last-one/allocation?work_order={order}&count=2")["candidates"]
    assert {c["depot"]: c["reason"] for c in few}["depot-1"] == "too_few"
    assert rig.ask("GET", "/api/v1/parts/last-one/allocation")[0] == 422 and rig.ask("GET", f"/api/v1/parts/no/allocation?work_order={order}")[0] == 404


def test_a_shipment_to_a_job(rig, gateway):
    """S0-116 S1-48 S1-49 S0-135: from the depot to the site in four hours, signed for; what was sent is built in first."""
    order = order_of(rig, gateway, "swh-0010")
    ticket = rig.get("/work-orders/" + order)["ticket"]
    voucher(rig, "shipment", 422, depot="depot-1", part="hose"), voucher(rig, "shipment", 422, to="depot-2", part="hose")
    sent = voucher(rig, "shipment", depot="depot-1", work_order=order, lines=[{"part": "hose", "count": 3}], id="ship-1")
    assert voucher(rig, "shipment", 200, depot="depot-1", work_order=order, lines=[{"part": "hose", "count": 3}], id="ship-1")["number"] == sent["number"]
    clock = lambda: next(c for c in rig.ticket(ticket)["clocks"] if c["kind"] == "spare_delivery")
    assert sent["state"] == "planned" and lies(rig, "hose", "depot-1") == (20, 3) and clock()["state"] == "running"
    assert "pick" in act(rig, sent["number"], "deliver", 409, received_by="Li")["detail"]
    act(rig, sent["number"], "pick"), act(rig, sent["number"], "ship", 422, eta="soon")
    act(rig, sent["number"], "ship", carrier="SF", tracking="SF1", eta=iso(3600), id="s1")
    assert act(rig, sent["number"], "ship", carrier="SF", tracking="SF1", eta=iso(3600), id="s1")["state"] == "shipped", "once"
    assert lies(rig, "hose", "depot-1") == (17, 0)
    assert [d["name"] for d in rig.get("/duties?kind=delivery")["items"]] == [sent["number"]]
    assert "received_by" in act(rig, sent["number"], "deliver", 422)["detail"]
    done = act(rig, sent["number"], "deliver", received_by="Li Xiaoming")
    assert done["state"] == "delivered" and done["facts"]["tracking"] == "SF1" and clock()["state"] == "met"
    assert rig.get("/duties?kind=delivery")["items"] == []
    rig.act(order, action="use_part", part="hose", count=2, id="u")
    assert lies(rig, "hose", "depot-1") == (17, 0), "it had left already"
    shown = {p["part"]: p["approved"] for p in rig.act(order, action="use_part", part="a clip of our own")["parts"]}
    assert shown["hose"] and not shown["a clip of our own"], "S1-16: a part that the company does not know is marked"
    rig.act(order, action="return_part", part="hose", count=1, depot="depot-1")
    assert lies(rig, "hose", "depot-1") == (18, 0)
    assert [m["kind"] for m in moves(rig, part="hose", work_order=order)] == ["reserve", "issue", "use", "return"]
    paper = rig.get(f"/documents/delivery_list/{sent['number']}")
    assert paper["form"] == "D-43" and {f["en"]: f["value"] for f in paper["fields"]}["Received by"] == "Li Xiaoming"
    assert paper["tables"][0]["rows"][0][0] in ("hose", {"en": "Hose", "zh": "软管"})
    status, headers, page = rig.ask("GET", f"/api/v1/documents/delivery_list/{sent['number']}?format=html")
    assert status == 200 and "销售发货清单" in page and "SF1" in page


def test_a_van_is_filled(rig):
    sent = voucher(rig, "shipment", depot="depot-1", to="van-1", lines=[{"part": "hose", "count": 4}])
    act(rig, sent["number"], "ship"), act(rig, sent["number"], "deliver", received_by="Wang Jun")
    assert lies(rig, "hose", "van-1") == (4, 0) and lies(rig, "hose", "depot-1") == (14, 0)
    again = voucher(rig, "shipment", depot="van-1", to="depot-1", lines=[{"part": "hose", "count": 4}])
    assert act(rig, again["number"], "cancel")["state"] == "cancelled" and lies(rig, "hose", "van-1") == (4, 0)
    assert voucher(rig, "shipment", 409, depot="van-1", to="depot-1", lines=[{"part": "hose", "count": 5}])["detail"].count("van-1 4") == 1


def test_a_unit_is_lent(rig, gateway):
    """S0-116 S0-117 D-44: a stand-by unit goes out, is owed back, and comes back damaged."""
    order = order_of(rig, gateway, "swh-0011")
    lent = voucher(rig, "loan", part="ctrl-1", depot="depot-1", serial="C1", work_order=order, due=iso(7 * 86400))
    assert voucher(rig, "loan", 409, part="ctrl-1", depot="depot-1", serial="C1", work_order=order, due=iso(86400))
    assert act(rig, lent["number"], "hand_over")["state"] == "out" and lies(rig, "ctrl-1", "depot-1")[0] == 1  # C2 was refused
    owed = lambda: rig.get("/duties?kind=loan")["items"]
    first = owed()[0]["due_at"]
    act(rig, lent["number"], "extend", due=iso(9 * 86400))
    assert owed()[0]["due_at"] > first
    act(rig, lent["number"], "bring_back", 422, condition="so so")
    assert act(rig, lent["number"], "bring_back", condition="damaged")["state"] == "back" and owed() == []
    assert {r["lot"]: r["state"] for r in rig.get("/stock?part=ctrl-1")["items"]} == {"C1": "quarantine", "C2": "refused"}
    assert rig.get(f"/documents/loan_record/{lent['number']}")["form"] == "D-44"


def test_old_parts_come_back(rig, gateway):
    """S0-150 S0-151 S0-131 D-45: kept, returned, assessed, put into the warehouse; who holds what can be listed."""
    order = order_of(rig, gateway, "swh-0012")
    rig.act(order, action="use_part", part="hose", serial_old="H-OLD", old_goes="return", id="x")
    held = rig.get(f"/vouchers?kind=old_part&state=held&work_order={order}")["items"]
    assert [(v["part"], v["serial"], v["equipment"]) for v in held] == [("hose", "H-OLD", "swh-0012")]
    number = held[0]["number"]
    act(rig, number, "assess", 409, result="scrap", warehouse="old"), act(rig, number, "return", 422)
    act(rig, number, "return", to="depot-1", role="technician", **{"with": "delivery truck"})
    act(rig, number, "assess", 422, result="scrap", warehouse="depot-1"), act(rig, number, "assess", 422, result="gold", warehouse="old")
    done = act(rig, number, "assess", result="scrap", warehouse="old", cause="seal burst", responsible_party="supplier")
    assert done["state"] == "assessed" and done["facts"]["cause"] == "seal burst"
    rack = rig.get("/stock?depot=old")["items"][0]
    assert (rack["state"], rack["count"], rack["unit_cost"]) == ("refused", 1, 0)
    assert rig.get(f"/documents/old_part_record/{number}")["form"] == "D-45"


def test_scrap_takes_two(rig):
    """S2-27: a reason, and another person."""
    rack = rig.get("/stock?depot=old")["items"][0]
    voucher(rig, "scrap", 422, part=rack["part"], depot="old", lot=rack["lot"])
    asked = voucher(rig, "scrap", part=rack["part"], depot="old", lot=rack["lot"], reason="burst", disposal="recycled")
    assert "another person" in act(rig, asked["number"], "approve", 409)["detail"]
    act(rig, asked["number"], "approve", 403, role="technician")
    assert act(rig, asked["number"], "approve", role="manager")["state"] == "approved"
    assert rig.get("/stock?depot=old")["items"] == []
    assert voucher(rig, "scrap", 409, part="hose", depot="depot-1", count=1000, reason="x")


def test_a_depot_is_counted(rig):
    """S1-45 D-42: what is counted stands beside the books of that moment; another person approves the difference."""
    count = voucher(rig, "stocktake", depot="van-1")
    assert count["lines"][0]["part"] == "hose" and voucher(rig, "stocktake", 409, depot="van-1")
    act(rig, count["number"], "approve", 409, role="manager")
    counted = act(rig, count["number"], "count", role="technician", lines=[{"part": "hose", "counted": 3, "note": "one burst"}])
    assert counted["state"] == "counted" and counted["lines"][0]["difference"] == -1 and lies(rig, "hose", "van-1") == (4, 0)
    moved = voucher(rig, "shipment", depot="van-1", to="depot-1", lines=[{"part": "hose", "count": 1}])
    act(rig, moved["number"], "ship")
    act(rig, count["number"], "approve", 409)  # who opened it
    assert act(rig, count["number"], "approve", role="manager")["state"] == "approved"
    assert lies(rig, "hose", "van-1") == (2, 0), "what moved meanwhile is no difference"
    act(rig, moved["number"], "deliver", received_by="x")
    assert rig.get(f"/documents/count_sheet/{count['number']}")["form"] == "D-42"


def test_a_bad_sample_blocks_its_lot(rig, gateway):
    """S1-51: the lot is blocked, who got pieces is listed, the supplier answers."""
    step(rig, "receive", part="seal-9", depot="depot-1", count=10, lot="L1", unit_cost=1.5), step(rig, "inspect", part="seal-9", lot="L1", result="passed", pieces=3)
    order = order_of(rig, gateway, "swh-0013")
    rig.act(order, action="use_part", part="seal-9", count=2)
    rig.act(order, action="reserve_part", part="seal-9", count=1)
    voucher(rig, "sample", 422, part="seal-9")
    sample = voucher(rig, "sample", part="seal-9", lot="L1", count=3)
    assert act(rig, sample["number"], "result", 422, result="passed", failed=1)
    failed = act(rig, sample["number"], "result", result="failed", failed=2)
    assert failed["state"] == "failed" and [(u["work_order"], u["count"]) for u in failed["used_in"]] == [(order, 2)]
    assert lies(rig, "seal-9", "depot-1") == (8, 0), "reservations are let go"
    assert "only 0" in rig.act(order, (409,), action="use_part", part="seal-9")["detail"]
    assert act(rig, sample["number"], "supplier", correction="new batch, 8D report")["state"] == "corrected"
    assert rig.get(f"/documents/sample_record/{sample['number']}")["form"] == "D-42"


def test_levels_and_a_purchase(rig):
    """S1-44 S1-45 S2-25: levels from what is installed and how often it fails; below the least it is bought."""
    level = lambda part, depot="depot-1": next(l for l in rig.get(f"/stock/levels?depot={depot}")["items"] if l["part"] == part)
    seals = level("seal-9")
    assert seals["installed"] == 15 and seals["source"] == "computed" and seals["target"] > seals["min"] > 0
    assert level("seal-9", "depot-2")["installed"] == 1, "a site belongs to its nearest depot"
    hoses = level("hose")
    assert (hoses["source"], hoses["min"], hoses["target"], hoses["order"]) == ("fleet_file", 5, 30, 0)
    status, headers, csv = rig.ask("GET", "/api/v1/stock/levels?depot=depot-1", headers={"Accept": "text/csv"})
    assert status == 200 and headers["content-type"].startswith("text/csv") and csv.splitlines()[0].startswith("part,") and "installed" in csv.splitlines()[0] and len(csv.splitlines()) == 6
    bought = rig.get("/vouchers?kind=purchase&depot=depot-1")["items"][0]  # the server has seen it by itself
    wanted = bought["lines"][0]["count"]
    assert (bought["asked_by"], bought["lines"][0]["part"], seals["order"], seals["coming"]) == ("heliograph", "seal-9", 0, wanted)
    more = voucher(rig, "purchase", depot="depot-1", lines=[{"part": "seal-9", "count": 2}])
    assert level("seal-9")["coming"] == wanted + 2
    act(rig, more["number"], "cancel", 422), act(rig, more["number"], "cancel", reason="enough")
    act(rig, bought["number"], "order", 409), act(rig, bought["number"], "approve", 403)
    act(rig, bought["number"], "approve", role="manager"), act(rig, bought["number"], "order")
    act(rig, bought["number"], "receive", 409, lines=[{"part": "seal-9", "count": 1000, "lot": "L2"}])
    part = act(rig, bought["number"], "receive", lines=[{"part": "seal-9", "count": 1, "lot": "L2", "unit_cost": 1.6}])
    assert part["state"] == ("ordered" if wanted > 1 else "received")
    if wanted > 1:
        assert act(rig, bought["number"], "receive", lines=[{"part": "seal-9", "count": wanted - 1, "lot": "L2", "unit_cost": 1.6}])["state"] == "received"
    assert {r["lot"]: r["state"] for r in rig.get("/stock?part=seal-9")["items"]}["L2"] == "quarantine"


def test_a_reserve_plan(rig):
    """S0-142 D-41: proposed from the installed base, changed and submitted by people, accepted by somebody else."""
    plan = voucher(rig, "reserve_plan", contract="con-1", days=180)
    line = next(l for l in plan["lines"] if l["part"] == "seal-9")
    assert line["count"] >= 1 and line["expected"] is not None
    submitted = act(rig, plan["number"], "submit", lines=[{"part": "seal-9", "count": line["count"] + 2}, {"part": "hose", "count": 7}])
    assert {l["part"]: l["count"] for l in submitted["lines"]}["hose"] == 7
    act(rig, plan["number"], "accept", 403), act(rig, plan["number"], "refuse", 422, role="manager")
    assert act(rig, plan["number"], "accept", role="manager")["state"] == "accepted"
    assert rig.get(f"/documents/reserve_plan/{plan['number']}")["form"] == "D-41"


def test_the_books_balance(rig):
    """Every rack is the sum of its moves, in pieces and in money."""
    racks, sums = rig.get("/stock?limit=1000")["items"], {}
    for move in moves(rig):
        key = (move["part"], move["depot"], move["lot"])
        count, held, value = sums.get(key, (0, 0, 0))
        sums[key] = (count + move["count"], held + move["reserved"], value + move["count"] * move["unit_cost"])
        assert 0 <= move["reserved_after"] <= move["count_after"] and sums[key][:2] == (move["count_after"], move["reserved_after"])
    for rack in racks:
        assert sums[rack["part"], rack["depot"], rack["lot"]] == (rack["count"], rack["reserved"], rack["count"] * rack["unit_cost"])
    depots = {d["id"]: d for d in rig.get("/depots")["items"]}
    assert depots["van-1"]["kind"] == "van" and not depots["old"]["usable"]
    for name, depot in depots.items():
        assert depot["value"] == sum(r["count"] * r["unit_cost"] for r in racks if r["depot"] == name)


def test_the_page_has_the_table_of_vouchers():
    """docs/parts.md says the same as models/stock/voucher.c."""
    import re
    from rig import ROOT
    source, page = (ROOT / "models/stock/voucher.c").read_text(), (ROOT / "docs/parts.md").read_text()
    kinds = re.search(r"voucher_kind_names.*?\{(.*?)NULL", source, re.S)[1].replace('"', "").replace(" ", "").replace("\n", "").strip(",").split(",")
    begins = re.findall(r'"(\w+)"', re.search(r"begins\[.*?\{(.*?)\};", source, re.S)[1])
    enums = [e.split(",")[0] for e in re.findall(r"VOUCHER_\w+(?=,)", (ROOT / "models/stock/voucher.h").read_text())][:len(kinds)]
    rows = re.findall(r'\{(VOUCHER_\w+), "(\w+)", \{(.*?)\}, (?:"(\w+)"|NULL), \w+, (true|false)\}', source)
    assert len(rows) > 25
    for kind, begin, enum in zip(kinds, begins, enums):
        told = "; ".join(f"`{action}`{' (another)' if another == 'true' else ''}: {', '.join(re.findall(r'[a-z]+', was))}{f' → {to}' if to else ''}"
                         for k, action, was, to, another in rows if k == enum)
        assert f"| `{kind}` | `{begin}` | {told} |" in page, f"| `{kind}` | `{begin}` | {told} |"
