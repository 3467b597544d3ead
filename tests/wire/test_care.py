"""The life of an agreement, a customer who leaves, and the care of data: S2-37, S2-39, S2-40, S2-41, S2-45, S3-01, D-53."""
import hashlib
import io
import json
import sqlite3
import tarfile
import time
import urllib.request

import paho.mqtt.client as mqtt
import pytest
from gateway import Gateway, now_ms
from rig import Rig, wait_for

# what of the person stands in the fleet, in the ticket, on the form
PERSON = ["Zebulon Quince", "555010998", "zq@quince.example", "77 Marmalade Row"]
CALLER = "Ottoline Quince"
GONE = ["Mordecai Plumtree", "666020887", "mp@plumtree.example", "9 Gooseberry Steps"]


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("care"))
    with open(rig.folder / "server.yaml", "a") as file:
        file.write(f"exports: {{folder: {rig.folder}/exports, bytes: 64MiB}}\nkeep: {{contacts: 0s}}\n")
    rig.broker()
    rig.fleet()
    text = (rig.folder / "fleet.yaml").read_text()
    rig.write("fleet.yaml", text.replace("Li Xiaoming", PERSON[0]).replace("+86 21 5550 1234", PERSON[1]).replace("li@example.cn", PERSON[2])
              .replace("88 Zhangyang Road", PERSON[3]).replace("depots:", "  - {id: con-draft, customer: cust-1, sites: [site-1], plan: swh_standard, draft: true, "
                       "confidential: [drawings], protect: 5y}\ndepots:"). replace("contracts: [{", "contracts:\n  - {").replace('"2029-03-05"}]', '"2029-03-05"}'))
    assert rig.command("import", rig.folder / "fleet.yaml").returncode == 0
    rig.write("gone.yaml", f"""
customers: [{{id: cust-2, name: {GONE[0]}, phone: "{GONE[1]}", email: {GONE[2]}}}]
sites: [{{id: site-2, customer: cust-2, name: Villa, address: "{GONE[3]}", time_zone: Asia/Shanghai}}]
equipment: [{{id: swh-0003, site: site-2, profile: swh-basic, agent: gw-2, acceptance_date: "2024-03-06"}}]
contracts: [{{id: con-2, customer: cust-2, sites: [site-2], plan: swh_standard, start: "2024-03-06", end: "2026-10-31"}}]
""")
    assert rig.command("import", rig.folder / "gone.yaml").returncode == 0
    rig.heard = []
    rig.spy = mqtt.Client("spy")
    rig.spy.on_message = lambda c, u, m: rig.heard.append((m.topic, m.payload))
    rig.spy.connect("127.0.0.1", rig.mqtt_port)
    rig.spy.subscribe("#", 1)
    rig.spy.loop_start()
    rig.server()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    rig.gateway = Gateway(rig)
    rig.gateway.birth(["swh-0001", "swh-0002"])
    rig.gateway.wait_ack(rig.gateway.data("swh-0001", {"pump_on": [[0, 1], [60000, 1]], "flow": [[0, 0.0], [60000, 0.0]],
                                                       "tank_top": [[0, 50.5], [60000, 51.25]]}, t0=now_ms() - 90_000))
    wait_for(lambda: rig.tickets("?fault=pump_no_flow"))
    yield rig
    rig.spy.loop_stop()
    rig.gateway.close()
    rig.close()


def act(rig, agreement, action, status=200, **more):
    got, body = rig.call("POST", f"/api/v1/agreements/{agreement}/actions", {"action": action, **more})
    assert got == status, (got, body)
    return body


def leave(rig, number, action, status=200, **more):
    got, body = rig.call("POST", f"/api/v1/off-boardings/{number}/actions", {"action": action, **more})
    assert got == status, (got, body)
    return body


def test_a_draft_is_signed_renewed_and_changed(rig):
    """S2-02, S2-37, S3-01: the term is the plan's; the file follows; an older file does not take back what was agreed."""
    draft = rig.get("/agreements/con-draft")
    assert draft["state"] == "draft" and draft["actions"] == ["sign", "cover", "note"] and draft["equipment"] == []
    act(rig, "con-draft", "renew", 409)
    act(rig, "con-draft", "sign", 422, start="tomorrow")
    signed = act(rig, "con-draft", "sign", start="2090-01-01", id="sign-1")
    assert signed["state"] == "signed" and signed["end"] == "2090-12-31" and [t["number"] for t in signed["terms"]] == [1]
    assert act(rig, "con-draft", "sign", start="2091-01-01", id="sign-1")["start"] == "2090-01-01", "the same id is done once"
    running = rig.get("/agreements/con-1")
    assert running["state"] == "running" and running["confidential"]["scope"][0] == "personal_data" and running["confidential"]["until"] == "2031-03-05"
    assert draft["confidential"]["scope"] == ["drawings"] and draft["confidential"]["protect"] == "5y"
    covered = act(rig, "con-1", "cover", equipment="swh-0002", until="2026-01-01")
    assert {e["id"]: e["to"] for e in covered["equipment"]} == {"swh-0001": "2029-03-05", "swh-0002": "2026-01-01"}
    ticket = rig.call("POST", "/api/v1/tickets", {"equipment": "swh-0002", "note": "cold"})[1]
    assert rig.rows("SELECT contract FROM ticket WHERE number = ?", ticket["number"])[0][0] is None, "it is no longer covered"
    open_ticket = rig.tickets("?fault=pump_no_flow")[0]["number"]
    before = rig.rows("SELECT plan_hash, contract FROM ticket WHERE number = ?", open_ticket)
    renewed = act(rig, "con-1", "renew", plan="tiered_abc", service_level="B", end="2032-03-05")
    assert renewed["end"] == "2032-03-05" and [(t["plan"], t["from"]) for t in renewed["terms"]] == [("swh_standard", "2025-03-06"), ("tiered_abc", "2029-03-06")]
    assert renewed["plan"] == "swh_standard", "the new term has not begun"
    assert rig.rows("SELECT plan_hash, contract FROM ticket WHERE number = ?", open_ticket) == before
    assert rig.command("import", rig.folder / "fleet.yaml").returncode == 0
    assert rig.get("/agreements/con-1")["end"] == "2032-03-05"
    assert 'end":"2032-03-05' in rig.command("export").stdout.replace(" ", "")


def test_notice_is_kept_and_a_cancellation_taken_back(rig):
    act(rig, "con-1", "cancel", 422, by="customer")
    act(rig, "con-1", "cancel", 422, by="customer", note="moves", end=time.strftime("%Y-%m-%d"))
    cancelled = act(rig, "con-1", "cancel", by="customer", note="moves")
    assert cancelled["cancel_reason"] == "moves" and "withdraw" in cancelled["actions"] and cancelled["owed"]["tickets"]
    assert act(rig, "con-1", "withdraw")["end"] == "2032-03-05"


def test_the_paper_says_what_is_confidential(rig):
    """S2-39: scope and period are printed."""
    text = json.dumps(rig.get("/documents/agreement/swh-0001"))
    assert "personal_data, usage_data, technical_secrets" in text and "2y" in text


def test_who_looked_is_on_record(rig):
    """S2-41, D-53: a line a person, customer, route, object and hour; nobody changes it."""
    number = rig.tickets("?fault=pump_no_flow")[0]["number"]
    for _ in range(2):
        rig.get(f"/tickets/{number}")
    lines = [line for line in rig.get("/access?customer=cust-1&limit=1000")["items"] if line["object"] == number]
    assert len(lines) == 1 and lines[0]["who"] == "tests" and lines[0]["route"] == "/api/v1/tickets/{number}"
    assert rig.get("/access?who=nobody")["items"] == []
    viewer = rig.command("token", "add", "eyes", "--role", "viewer").stdout.split()[-1]
    assert rig.call("GET", "/api/v1/access", token=False, headers={"Authorization": f"Bearer {viewer}"})[0] == 403
    assert {c["class"]: c["days"] for c in rig.get("/retention")["items"]} == {
        "readings": 3650, "photos": 1825, "notices": 730, "logs": 400, "access": 1095, "exports": 30, "contacts": None}


def test_nothing_of_a_person_goes_over_the_broker(rig):
    """S2-40: every topic was watched while a gateway reported, people called, orders and commands went."""
    rig.call("POST", "/api/v1/tickets", {"equipment": "swh-0001", "channel": "phone", "note": f"{CALLER} says it is cold",
                                         "contact": {"name": CALLER, "phone": PERSON[1], "address": PERSON[3]}})
    assert rig.call("POST", "/api/v1/equipment/swh-0001/inspections", {})[0] in (200, 201, 202)
    wait_for(lambda: any(topic.endswith("/command") for topic, _ in rig.heard))
    assert {topic.split("/")[-1] for topic, _ in rig.heard} >= {"status", "data", "ack", "command"}
    for topic, payload in rig.heard:
        for word in [*PERSON, CALLER, "cust-1", "site-1"]:
            assert word.encode() not in payload and word not in topic, (topic, payload)


def test_a_customer_leaves(rig):
    """S2-45: settled, exported, shut out, handed over; then the person's data goes and the trail still holds."""
    assert rig.call("POST", "/api/v1/off-boardings", {"agreement": "con-1", "reason": "moves"})[0] == 409
    act(rig, "con-draft", "cancel", by="both", note="moves")
    act(rig, "con-1", "cancel", by="both", note="moves away")
    status, begun = rig.call("POST", "/api/v1/off-boardings", {"agreement": "con-1", "reason": "moves", "id": "leave-1"})
    assert status == 201 and [s["step"] for s in begun["steps"]] == ["settle", "export", "access", "credentials", "hand_over"]
    number = begun["number"]
    leave(rig, number, "settle", 409)
    leave(rig, number, "settle", note=f"{CALLER} wants them finished")
    leave(rig, number, "finish", 409)
    leave(rig, number, "hand_over", 409, name="X")
    leave(rig, number, "export")
    done = wait_for(lambda: (lambda e: e if e["state"] != "running" else None)(rig.get("/exports")["items"][0]))
    assert done["state"] == "done" and done["steps_done"] == done["steps"] and done["why"] is None
    check_archive(rig, done)
    shut_out(rig, number)
    wait_for(lambda: rig.get(f"/off-boardings/{number}")["steps"][1]["state"] == "done")
    leave(rig, number, "hand_over", name=CALLER)
    ended = leave(rig, number, "finish")
    assert ended["state"] == "done" and {s["state"] for s in ended["steps"]} == {"done"}
    paper = rig.call("POST", f"/api/v1/documents/off_boarding/{number}", {})
    assert paper[0] == 201, paper


def check_archive(rig, done):
    """Read back: every entry has the sum that stands in SHA256SUMS; nobody else reads the file."""
    path = rig.folder / "exports" / f"{done['number']}.tar"
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    request = urllib.request.Request(f"http://127.0.0.1:{rig.http_port}/api/v1/exports/{done['number']}/content", headers={"Authorization": f"Bearer {rig.token}"})
    whole = urllib.request.urlopen(request, timeout=20).read()
    assert whole == path.read_bytes() and len(whole) == done["bytes"]
    tar = tarfile.open(fileobj=io.BytesIO(whole))
    entries = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}
    sums = entries.pop("SHA256SUMS")
    assert hashlib.sha256(sums).hexdigest() == done["hash"]
    assert {line[66:]: line[:64] for line in sums.decode().splitlines()} == {name: hashlib.sha256(body).hexdigest() for name, body in entries.items()}
    assert PERSON[0] in json.dumps(json.loads(entries["fleet.json"]), ensure_ascii=False)
    assert len([n for n in entries if n.startswith("tickets/")]) == 2 and "agreements/con-1.json" in entries
    readings = [body.decode() for name, body in entries.items() if name.startswith("readings/swh-0001/tank_top/")]
    assert sum(body.count("\n") - 1 for body in readings) == 2 and any(",51.25,0" in body for body in readings), readings
    for name, body in entries.items():
        assert not name.endswith(".json") or json.loads(body) is not None


def shut_out(rig, number):
    """Tokens, calendars, track codes refuse afterwards; gateways are listed for the broker until somebody confirms."""
    theirs = rig.command("token", "add", "customer-app", "--role", "viewer").stdout.split()[-1]
    assert rig.command("token", "give", "customer-app", "cust-1").returncode == 0
    feed = rig.call("POST", "/api/v1/feeds", {"kind": "site", "name": "site-1"})[1]["url"]
    ticket = rig.tickets("?fault=pump_no_flow")[0]["number"]
    code = rig.rows("SELECT track_code FROM ticket WHERE number = ?", ticket)[0][0]
    track, bearer = f"/api/v1/track/{ticket}?code={code}", {"Authorization": f"Bearer {theirs}"}
    looks = [("/api/v1/tickets", bearer, 401), (feed, {}, 404), (track, {}, 404)]
    assert [rig.call("GET", path, token=False, headers=head)[0] for path, head, _ in looks] == [200, 200, 200]
    leave(rig, number, "revoke")
    assert [rig.call("GET", path, token=False, headers=head)[0] for path, head, _ in looks] == [status for _, _, status in looks]
    assert rig.command("revocations").stdout.split() == ["gw-1"]
    leave(rig, number, "confirm", 422, agent="gw-9")
    confirmed = leave(rig, number, "confirm", agent="gw-1")
    assert confirmed["steps"][3]["state"] == "done" and rig.command("revocations").stdout == ""


def test_after_the_end(rig):
    """S2-45, S2-02: ended, nothing new is owed, tickets are still taken; who reports on is on record and told once."""
    other = Gateway(rig, "gw-2")
    other.birth(["swh-0003"])
    other.wait_ack(other.data("swh-0003", {"tank_top": [[0, 40.0]]}))
    other.close()
    assert rig.command("import", rig.write("again.yaml", (rig.folder / "gone.yaml").read_text().replace("2026-10-31", "2026-10-30"))).returncode == 0
    ended = wait_for(lambda: (lambda a: a if a["equipment"][0]["heard_after_end"] else None)(rig.get("/agreements/con-2")), 90)
    assert ended["state"] == "ended" and ended["owed"]["after_care_until"] == "2027-01-28"
    assert [e["action"] for e in ended["timeline"]] == ["end", "heard"]
    assert len([n for n in rig.get("/notices?limit=1000")["items"] if "con-2" in json.dumps(n)]) <= 2, "once each"
    assert [d for d in rig.get("/duties?limit=1000")["items"] if d["subject"] == "swh-0003" and d["kind"] != "warranty"] == []
    status, ticket = rig.call("POST", "/api/v1/tickets", {"equipment": "swh-0003", "channel": "phone", "note": f"{GONE[0]} is cold",
                                                          "contact": {"name": GONE[0], "phone": GONE[1]}})
    assert status == 201 and rig.get(f"/tickets/{ticket['number']}")["contract"] is None


def test_then_the_person_is_gone(rig):
    """Words about the person are gone wherever they stood; what happened stays; the trail verifies all the same (S2-39, S2-41)."""
    assert rig.call("POST", "/api/v1/removals", {"kind": "customer", "subject": "cust-1", "reason": "asked for"})[0] == 409, "an agreement runs"
    assert rig.call("POST", "/api/v1/removals", {"kind": "customer", "subject": "nobody", "reason": "asked for"})[0] == 422
    before = rig.get("/trail/state")
    for kind, subject in ("customer", "cust-2"), ("technician", "tech-1"):
        status, body = rig.call("POST", "/api/v1/removals", {"kind": kind, "subject": subject, "reason": "asked for"})
        assert status == 201, body
    done = wait_for(lambda: (lambda items: items if all(r["done_at"] for r in items) else None)(rig.get("/removals")["items"]))
    assert all(r["rows"] > 0 for r in done)
    if rig.url.startswith("sqlite:"):
        file = sqlite3.connect(f"file:{rig.url[7:]}?mode=ro", uri=True, timeout=10)
        left = [line[:300] for line in file.iterdump() if any(word in line for word in [*GONE, "Wang Jun"])]
        file.close()
        assert left == []
    assert rig.get("/fleet")["customers"][1]["name"] == "removed" and rig.get("/tickets?equipment=swh-0003")["items"]
    state = rig.get("/trail/state")
    assert state["intact"] and state["removed"] > before["removed"] and rig.command("trail", before["head"]).returncode == 0
