"""Notices leave the outbox at least once, each with its key, whatever the receivers do."""
import collections
import email
import email.policy
import json
import shutil
import time

import pytest
from desk_rig import DeskRig, Gateway
from receivers import Hook, Mail, SmsGateway
from rig import wait_for


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    rig = DeskRig(tmp_path_factory.mktemp("notices"))
    rig.hooks, rig.mail, rig.sms = [Hook(), Hook()], Mail(), SmsGateway()
    (rig.folder / "sms.key").write_text("s3cret \"key\"\n")
    shutil.copytree("models/plans", rig.folder / "plans")  # … without quiet hours: the tests run at any time of the day
    for plan in (rig.folder / "plans").glob("*.yaml"):
        plan.write_text("".join(line for line in plan.read_text().splitlines(True) if "quiet_hours" not in line))
    path = rig.folder / "server.yaml"
    path.write_text(path.read_text().replace("plans: models/plans", f"plans: {rig.folder}/plans\nnotices: models/notices\njobs: models/jobs\n"
                                             "codes: models/codes.yaml\npapers: models/papers") + f"""
notify:
  lost_after: 2s
  heartbeat: 1h
  smtp: {{url: "smtp://127.0.0.1:{rig.mail.server_address[1]}", from: heliograph@example.cn, to: desk@example.cn}}
  webhooks: ["{rig.hooks[0].url}", "{rig.hooks[1].url}"]
  sms:
    url: "{rig.sms.url}?ref={{id}}"
    body: '{{"to":"{{to}}","text":"{{text}}","ref":"{{id}}","key":"{{secret}}"}}'
    headers: ["Authorization: Bearer {{secret}}"]
    secret_file: {rig.folder}/sms.key
    accepts: '"accepted":true'
    segments: 2
    timeout: 1s
    to: "+86 139 0000 9999"
""")
    rig.open()
    yield rig
    rig.close()


def told(hook, number, step=None):
    return [(key, body) for key, _, body in hook.got if body.get("ticket") == number and (step is None or body["step"] == step)]


def test_everybody_is_told(world):
    number = world.report("swh-0001", fault="a", title="热水器 cold")["number"]
    for hook in world.hooks:
        (key, body), = wait_for(lambda: told(hook, number, "opened"))
        assert number in key and body["grade"] == 3 and body["title_en"] == "热水器 cold"
    wait_for(lambda: any(number.encode() in data for _, data in world.mail.mails))
    to, data = next((to, data) for to, data in world.mail.mails if number.encode() in data)
    mail = email.message_from_bytes(data, policy=email.policy.default)
    assert b"desk@example.cn" in to[0] and mail["subject"] == f"[{number}] grade 3: 热水器 cold"
    assert mail["from"] == "heliograph@example.cn" and mail["date"] and mail["message-id"]
    assert number in mail.get_content() and "热水器 cold" in mail.get_content()
    assert all(len(line) <= 998 and not line.endswith(b"\n\n") for line in data.split(b"\r\n"))
    wait_for(lambda: any("notice" in line and number in line for line in world.programs[-1].lines))


def test_failures_are_tried_again_with_the_same_key(world):
    first, second = world.hooks
    first.mode, world.mail.busy = "once", True
    number = world.report("swh-0002", fault="b")["number"]
    wait_for(lambda: told(second, number))
    (key, _), = wait_for(lambda: told(first, number))
    assert first.tries[key] == 2
    world.mail.busy = False
    wait_for(lambda: any(number.encode() in data for _, data in world.mail.mails), 30)
    first.mode = "ok"


def test_one_that_hangs_keeps_nobody_waiting_and_no_stop(world):
    first, second = world.hooks
    first.mode = "hang"
    numbers = [world.report(f"swh-000{k}", fault="c")["number"] for k in range(1, 6)]
    for number in numbers:
        wait_for(lambda: told(second, number, "opened"), 40)
    wait_for(lambda: first.tries)
    server = world.programs[-1]
    world.report("swh-0006", fault="c")
    began = time.monotonic()
    assert server.stop(15) == 0 and time.monotonic() - began < 10, "a stop waits for no receiver"
    first.mode = "ok"
    first.release.set()
    world.server()
    for number in numbers:
        wait_for(lambda: told(first, number, "opened"), 30)
        assert len({key for key, _ in told(first, number, "opened")}) == 1


def test_killed_in_between_nothing_is_lost(world):
    first, second = world.hooks
    first.mode = second.mode = "fail"
    numbers = [world.report("swh-0007", fault=f"k{k}")["number"] for k in range(5)]
    wait_for(lambda: sum(number in key for key in first.tries for number in numbers) >= 1)
    world.programs[-1].kill()
    first.mode = second.mode = "ok"
    world.server()
    for hook in world.hooks:
        for number in numbers:
            wait_for(lambda: told(hook, number, "opened"), 40)


def test_no_word_of_a_device_ends_a_header(world):
    evil = "x\r\nBcc: everybody@example.cn\r\nX-Injected: yes\r\n\r\nbody\n.\nQUIT"
    number = world.report("swh-0008", fault="z", title=evil, note=evil, id="id-%-ü")["number"]
    wait_for(lambda: any(number.encode() in data for _, data in world.mail.mails))
    data = next(data for _, data in world.mail.mails if number.encode() in data)
    mail = email.message_from_bytes(data, policy=email.policy.default)
    assert mail["bcc"] is None and mail["x-injected"] is None and number in mail["subject"]
    for hook in world.hooks:
        (key, body), = wait_for(lambda: told(hook, number, "opened"))
        headers = next(h for k, h, b in hook.got if k == key)
        assert body["title_en"] == evil and "X-Injected" not in headers and "Bcc" not in headers
    world.act(number, action="note", id="note-%-ü ☀".replace(" ", "_"))
    (key, body), = wait_for(lambda: told(world.hooks[0], number, "action.note.note-%-ü_☀"))
    assert key.isascii() and "%25" in key


def test_what_a_slip_lacks_is_told_by_itself(world):
    """S0-29: once, to every hook, and to no customer."""
    number = world.report("swh-0006", fault="lukewarm")["number"]
    assert world.ticket(number)["missing"] == ["wishes"]
    for hook in world.hooks:
        (_, body), = wait_for(lambda: told(hook, number, "data_incomplete"))
        assert "lacks: wishes." in body["message"] and "维修反馈单" in body["message"]
    assert world.act(number, action="amend", id="w", wishes="before noon")["missing"] == []
    assert number not in {t["number"] for t in world.get("/tickets?missing=true")["items"]}
    wait_for(lambda: told(world.hooks[0], number, "action.amend.w"))
    assert len(told(world.hooks[0], number, "data_incomplete")) == 1
    customers = [n for n in world.get(f"/notices?ticket={number}")["items"] if n["audience"] == "customer"]
    assert customers and not [n for n in customers if "slip" in json.dumps(n)]


def test_each_step_once(world):
    gateway = Gateway(world)
    gateway.fault(equipment="swh-0003", fault="pump_no_flow")
    ticket, = wait_for(lambda: world.tickets("?equipment=swh-0003&fault=pump_no_flow"))
    number = ticket["number"]
    for _ in range(3):
        world.act(number, action="acknowledge", id="a")
    gateway.fault(equipment="swh-0003", fault="pump_no_flow", state="regraded", grade=1)
    gateway.fault(equipment="swh-0003", fault="pump_no_flow", state="cleared", grade=1)
    wait_for(lambda: any(b["step"].startswith("cleared") for _, b in told(world.hooks[1], number)))
    steps = collections.Counter(body["step"].split(".")[0] for _, body in told(world.hooks[1], number))
    urgent = steps.pop("escalation", 0)  # grade 1 goes up at once, when the desk looks next
    assert steps == {"opened": 1, "action": 1, "regraded": 1, "cleared": 1}
    assert len({key for key, _ in told(world.hooks[1], number)}) == 4 + urgent
    gateway.client.loop_stop()
    gateway.client.disconnect()  # another one takes its name


def mails_of(world, number, address):
    found = []
    for to, data in world.mail.mails:
        if any(address.encode() in line for line in to):
            mail = email.message_from_bytes(data, policy=email.policy.default)
            if number in mail["subject"]:
                found.append(mail)
    return found


def test_the_customer_gets_mail_and_its_receipt_is_kept(world):
    """S1-23 S3-16 S1-31 S0-127: what the customer gets, once each; delivery and read receipts."""
    number = world.report("swh-0001", fault="cold", title="no hot water")["number"]
    world.act(number, action="respond", id="said")
    world.act(number, action="respond", id="said")
    world.act(number, action="close", id="done", resolution="a valve was shut")
    mails = wait_for(lambda: (m := mails_of(world, number, "li@example.cn")) and any("a valve was shut" in x.get_content() for x in m) and m, 30)
    first = next(m for m in mails if "no hot water" in m["subject"])
    assert number in first.get_content() and "工单" in first["subject"], "both languages: the fleet file names none"
    assert len({m["message-id"] for m in mails}) == len(mails)
    listed = world.get(f"/notices?ticket={number}&limit=1000")["items"]
    mine = [n for n in listed if n["audience"] == "customer"]
    assert {n["notice"] for n in mine} >= {"registered", "result"} and {n["customer"] for n in mine} == {"cust-1"}
    assert all(n["address"] is None or n["channel"] == "smtp" for n in listed)
    one = next(n for n in mine if n["notice"] == "registered")
    path = f"/notices/{one['id']}/receipt"
    assert world.post(path, {"state": "failed"})["receipt"] == "failed"
    assert world.post(path, {"state": "delivered"})["receipt"] == "delivered"
    assert world.post(path, {"state": "failed"})["receipt"] == "delivered", "what has arrived has arrived"
    assert world.post(path, {"state": "read"})["receipt"] == "read"
    world.post(path, {"state": "eaten"}, expect=(422,))
    world.post("/notices/999999999/receipt", {"state": "read"}, expect=(404,))


def test_no_customer_is_told_of_another_ones(world):
    number = world.report("swh-0002", fault="other")["number"]
    wait_for(lambda: mails_of(world, number, "li@example.cn"))
    assert {n["address"] for n in world.get(f"/notices?ticket={number}")["items"] if n["audience"] == "customer"} == {"li@example.cn"}


def test_track_tells_the_way_and_is_not_guessed(world):
    """S1-23 S3-22: steps with times, what comes next; no names; a wrong code and no ticket alike, and not for ever."""
    ticket = world.report("swh-0005", fault="track")
    number, code = ticket["number"], ticket["track"]["code"]
    world.act(number, action="respond", id="r", note="Li Xiaoming called")
    status, _, text = world.ask("GET", f"/api/v1/track/{number}?code={code}", token="")
    told = json.loads(text)
    assert status == 200 and [h["step"] for h in told["history"]] == ["register", "respond"]
    assert told["next"]["en"] and told["next"]["zh"] and "Li Xiaoming" not in text
    answers = {n: [world.ask("GET", f"/api/v1/track/{n}?code=x", token="")[0] for _ in range(70)] for n in (number, "T-NOTHING1")}
    for got in answers.values():
        assert got[0] == 404 and 429 in got and set(got) == {404, 429}


def test_a_contact_that_an_import_changes_is_told_once(world):
    """S0-100: by an import while the server runs; the same file again does nothing; whose plan does not owe it hears nothing."""
    fleet = """
customers: [{id: cust-9, name: Bo, email: bo@example.cn}]
sites: [{id: site-9, customer: cust-9, name: Hotel, time_zone: Asia/Shanghai}]
contracts: [{id: con-9, customer: cust-9, sites: [site-9], plan: swh_standard, overlays: [guarantee_maintenance], start: "2026-01-01"}]
contacts: [{id: hotline, name: Hotline, phone: "%s"}]
"""
    ask = "SELECT c.name, o.body FROM outbox o JOIN customer c ON c.id = o.customer WHERE o.notice = 'contact'"
    assert world.import_text(fleet % "400 1").returncode == 0
    assert world.import_text(fleet % "400 2").returncode == 0
    (name, body), = wait_for(lambda: world.rows(ask))
    assert name == "cust-9" and "400 2" in body
    assert world.import_text(fleet % "400 2").returncode == 0
    assert world.import_text(fleet % "400 3").returncode == 0
    got = wait_for(lambda: len(rows := world.rows(ask)) > 1 and rows)
    assert len(got) == 2 and {name for name, _ in got} == {"cust-9"}
    duties = world.get("/duties?kind=contact_change&state=all")["items"]
    assert [d["name"] for d in duties] == ["cust-9", "cust-9"]


def test_a_way_that_stops_answering_is_told_by_the_others(world):
    """S0-02 S2-10: once, counted, told again when it is back; every way has had its heartbeat."""
    first, second = world.hooks
    beats = [b for hook in world.hooks for _, _, b in hook.got if b["step"] == "heartbeat"]
    assert len(beats) >= 2 and any("heartbeat" in data.decode() for _, data in world.mail.mails)
    lost = world.metric("notice_ways_lost_total")  # other tests have made one fail for a while
    before = len([b for _, _, b in second.got if b["step"] == "way_lost"])
    back = len([b for _, _, b in second.got if b["step"] == "way_back"])
    first.mode = "fail"
    for k in range(3):
        world.report("swh-0004", fault=f"way{k}")
    says = wait_for(lambda: [b for _, _, b in second.got if b["step"] == "way_lost"][before:], 30)
    assert len(says) == 1 and says[0]["way"] == f"webhook http://127.0.0.1:{first.server_port}", "the address without its path"
    assert "无响应" in says[0]["message"] or "无法送达" in says[0]["message"]
    wait_for(lambda: world.metric("notice_ways_lost_now") == 1)
    assert world.metric("notice_ways_lost_total") == lost + 1
    first.mode = "ok"
    wait_for(lambda: len([b for _, _, b in second.got if b["step"] == "way_back"]) == back + 1, 30)
    wait_for(lambda: world.metric("notice_ways_lost_now") == 0)
    assert len([b for _, _, b in second.got if b["step"] == "way_lost"]) == before + 1
    assert not [b for _, _, b in first.got if b["step"] in ("way_lost", "way_back") and str(first.server_port) in b["way"]]


PHONES = """
customers:
  - {id: cust-sms, name: Hu, phone: "+86 (139) 1111-2222", language: en}
  - {id: cust-both, name: He, phone: "139 3333 4444", email: he@example.cn, language: zh, channels: [sms, email]}
  - {id: cust-none, name: Ha, phone: "ask next door", language: en}
sites:
  - {id: site-sms, customer: cust-sms, name: Flat, time_zone: Asia/Shanghai}
  - {id: site-both, customer: cust-both, name: Flat, time_zone: Asia/Shanghai}
  - {id: site-none, customer: cust-none, name: Flat, time_zone: Asia/Shanghai}
equipment:
  - {id: sms-1, title: Roof heater, site: site-sms, profile: swh-basic, agent: gw-9}
  - {id: sms-2, title: Roof heater, site: site-both, profile: swh-basic, agent: gw-9}
  - {id: sms-3, title: Roof heater, site: site-none, profile: swh-basic, agent: gw-9}
"""


def sms_of(world, number):
    return [n for n in world.get(f"/notices?ticket={number}&limit=1000")["items"] if n["channel"] == "sms"]


def test_a_customer_without_mail_gets_short_messages(world):
    """S1-31 S3-16: by the company's gateway, once, within the segments; by both ways where the customer wants both."""
    assert world.import_text(PHONES).returncode == 0
    title = 'tank "leaks" \\ 漏水' + "很" * 120
    number = world.report("sms-1", fault="leak", title=title)["number"]
    key, headers, body = wait_for(lambda: next((g for g in world.sms.got if number in g[0] and "registered" in g[0]), None))
    assert body["to"] == "+8613911112222" and body["key"] == 's3cret "key"' and headers["Authorization"] == 'Bearer s3cret "key"'
    assert body["text"].startswith(f'Ticket {number} registered: tank "leaks" \\ 漏水很很') and body["text"].endswith("...")
    notice = next(n for n in sms_of(world, number) if n["notice"] == "registered")
    assert notice["address"] == "+8613911112222" and str(notice["id"]) == body["ref"]
    assert notice["sms"] == {"text": body["text"], "coding": "ucs2", "units": 134, "segments": 2}
    assert world.post(f"/notices/{notice['id']}/receipt", {"state": "delivered"})["receipt"] == "delivered"
    both = world.report("sms-2", fault="leak", title="cold")["number"]
    wait_for(lambda: any(both in g[0] for g in world.sms.got) and mails_of(world, both, "he@example.cn"))
    nobody = world.report("sms-3", fault="leak", title="cold")["number"]
    assert {n["channel"] for n in world.get(f"/notices?ticket={nobody}")["items"] if n["audience"] == "customer"} == {"none"}


def test_a_gateway_that_fails_refuses_is_late_or_hangs_up(world):
    """Tried again with the same key until it is taken; a refusal is the last word and no fault of the way."""
    for mode in ("fail", "busy", "hang_up", "late"):
        world.sms.mode = mode
        world.sms.release.clear()
        number = world.report("sms-1", fault=f"sms-{mode}", title=mode)["number"]
        key = wait_for(lambda: next((k for k in world.sms.tries if number in k), None))
        wait_for(lambda: sms_of(world, number)[0]["attempts"] >= 1, words=mode)
        notice = sms_of(world, number)[0]
        assert notice["state"] == "waiting" and notice["why"] and "s3cret" not in notice["why"], mode
        world.sms.mode = "ok"
        world.sms.release.set()
        wait_for(lambda: sms_of(world, number)[0]["state"] == "sent", 30)
        assert world.sms.tries[key] >= 2 and {g[2]["ref"] for g in world.sms.got if g[0] == key} == {str(notice["id"])}
    world.sms.mode = "refuse"
    number = world.report("sms-1", fault="sms-refused", title="refused")["number"]
    notice = wait_for(lambda: (n := sms_of(world, number)) and n[0]["state"] == "given_up" and n[0])
    assert notice["receipt"] == "failed" and "422" in notice["why"] and notice["attempts"] == 1
    world.sms.mode = "ok"


def test_a_lost_gateway_is_told_by_the_others_and_lost_ways_by_it(world):
    wait_for(lambda: world.metric("notice_ways_lost_now") == 0, 30)
    told_before = [b for _, _, b in world.sms.got if b["to"] == "+8613900009999"]
    assert told_before and any(str(world.hooks[0].server_port) in b["text"] for b in told_before), "the webhook that was lost above"
    second = world.hooks[1]
    before = len([b for _, _, b in second.got if b["step"] == "way_lost"])
    world.sms.mode = "fail"
    for k in range(2):
        world.report("sms-1", fault=f"sms-lost{k}", title="lost")
    says = wait_for(lambda: [b for _, _, b in second.got if b["step"] == "way_lost"][before:], 30)
    assert [b["way"] for b in says] == ["sms"]
    world.sms.mode = "ok"
    wait_for(lambda: world.metric("notice_ways_lost_now") == 0, 30)
