"""Intake by the letter: what is acked, what is counted, what is kept, with gateways of both MQTT versions."""
import json
import threading
import time

import paho.mqtt.client as mqtt
import pytest
from gateway import Gateway, now_ms
from rig import Rig, wait_for


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("intake"))
    rig.broker()
    rig.fleet()
    server = rig.server()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    yield rig
    assert server.stop() == 0, server.text()  # 99: a sanitizer had something to say
    rig.close()


def audit(rig, agent):
    result = rig.command("audit")
    lines = [dict(f.split("=") for f in line.split()) for line in result.stdout.splitlines()]
    line = next(line for line in lines if line["agent"] == agent)
    return result.returncode, *(int(line[k]) for k in ("accepted", "stored", "tombstoned", "pending"))


def rows(rig, ask, *values):
    return rig.rows(ask, *values)


@pytest.mark.parametrize("version", [mqtt.MQTTv311, mqtt.MQTTv5])
def test_acks_say_what_is_stored(rig, version):
    gw = Gateway(rig, f"acks-{version}", version)
    for seq in (1, 2, 5, 4, 5, 2):
        gw.data("acks-1", {"x": [[0, seq]]}, t0=1790000000000, seq=seq)
    gw.wait_have([[1, 2], [4, 5]])
    gw.data("acks-1", {"x": [[0, 3]]}, t0=1790000000000, seq=3)
    gw.wait_have([[1, 5]])
    assert all(set(a) >= {"v", "epoch", "have"} and a["v"] == 1 for _, a in gw.acks)
    assert audit(rig, gw.name) == (0, 5, 5, 0, 0)
    gw.close()


def test_acks_keep_a_second_apart_and_come_again(rig):
    gw = Gateway(rig, "slow-acks")
    began = time.monotonic()
    while time.monotonic() - began < 3.5:
        gw.data("slow-1", {"x": [[0, 1]]})
        time.sleep(0.02)
    gw.wait_have([[1, gw.seq]])
    times = [at for at, _ in gw.acks]
    assert len(times) - 1 <= times[-1] - times[0] + 0.3, times  # each may be held up on its way
    count = len(gw.acks)
    gw.data("slow-1", {"x": [[0, 1]]}, seq=1, t0=5)  # the ack was lost: the message comes again, with another content
    wait_for(lambda: len(gw.acks) > count, words="an ack of a repeated message")
    assert gw.have() == [[1, gw.seq]]
    gw.close()


def test_a_birth_is_answered_for_every_epoch(rig):
    gw = Gateway(rig, "reborn")
    epochs = [f"{k:016x}" for k in range(1, 5)]
    for k, epoch in enumerate(epochs):
        for seq in range(1, k + 2):
            gw.data("reborn-1", {"x": [[0, 1]]}, seq=seq, epoch=epoch)
        gw.wait_have([[1, k + 1]], epoch)
    gw.acks.clear()
    gw.birth(["reborn-1"])
    for k, epoch in enumerate(epochs):
        gw.wait_have([[1, k + 1]], epoch)
    gw.close()


def test_numbers_that_are_none(rig):
    gw = Gateway(rig, "odd-numbers")
    top = 2**53 - 1  # beyond it two numbers look alike
    before = rig.metric("quarantined_total")
    odd = [0, -1, 1.5, 2**53, 2**53 + 1, "7", None, True, 1e300]
    for seq in odd:
        gw.send("data", {"v": 1, "epoch": gw.epoch, "seq": seq, "t0": 5, "equipment": {"odd-1": {"x": [[0, 1]]}}})
    wait_for(lambda: rig.metric("quarantined_total") == before + len(odd))
    gw.data("odd-1", {"x": [[0, 1]]}, seq=top)
    gw.data("odd-1", {"x": [[0, 1]]}, seq=1)
    gw.wait_have([[1, 1], [top, top]])
    assert audit(rig, gw.name) == (0, top, 2, 0, top - 2)
    gw.close()


def test_two_contents_under_one_number(rig):
    gw = Gateway(rig, "clone")
    t0 = now_ms()
    gw.data("clone-1", {"x": [[0, 1]]}, t0=t0, seq=1)
    gw.event(t0, 2, kind="capture", equipment="clone-1", capture="c-1", readings={})
    gw.wait_have([[1, 2]])
    before, duplicates = rig.metric("conflicts_total"), rig.metric("duplicates_total")
    gw.data("clone-1", {"x": [[0, 1]]}, t0=t0, seq=1)
    gw.event(t0, 2, kind="capture", equipment="clone-1", capture="c-1", readings={})
    wait_for(lambda: rig.metric("duplicates_total") == duplicates + 2)
    assert rig.metric("conflicts_total") == before
    gw.data("clone-1", {"x": [[0, 2]]}, t0=t0, seq=1)
    wait_for(lambda: rig.metric("conflicts_total") == before + 1)
    gw.event(t0, 2, kind="capture", equipment="clone-1", capture="c-2", readings={})
    wait_for(lambda: rig.metric("conflicts_total") == before + 2)
    gw.raw(json.dumps({"v": 1, "epoch": gw.epoch, "seq": 1, "t0": "x"}))  # unreadable under a number that is taken
    wait_for(lambda: rig.metric("conflicts_total") == before + 3)
    assert len(rows(rig, "SELECT 1 FROM quarantine WHERE agent = 'clone' AND epoch = ?", gw.epoch)) == 3
    assert rig.get("/equipment/clone-1")["points"][0]["value"] == 1
    assert audit(rig, "clone") == (0, 2, 2, 0, 0)
    gw.close()


def test_what_cannot_be_read_is_acked_only_by_its_own_number(rig):
    gw = Gateway(rig, "unreadable")
    head = f'{{"v":1,"epoch":"{gw.epoch}","seq":%d,"t0":1790000000000,'
    bad = [
        head % 1 + '"equipment":{"u-1":{"x":[[0,1]',                       # cut off
        head % 2 + '"equipment":{"u-1":{"x":[[0,1,"splendid"]]}}}',        # no such quality
        head % 3 + '"equipment":{"u 1":{"x":[[0,1]]}}}',                   # no id
        (head % 4 + '"equipment":{"u-1":{"x":[[0,"').encode() + b'\xff\xfe"]]}}}',  # not UTF-8
        head % 5 + '"equipment":{"u-1":{"x":[[0,null]]}}}',                # null, and no word why
        head % 6 + '"equipment":{"u-1":{"x":[' + ",".join(["[0,1]"] * 11000) + "]}}}",  # above 64 KiB
        head % 7 + '"equipment":{"u-1":{"x":' + "[" * 3000 + "]" * 3000 + "}}}",  # deep
        head % 8 + '"equipment":{"u-1":{"x":[[0,1e999]]}}}',               # no number
    ]
    stored, quarantined, oversized = (rig.metric(m) for m in ("messages_stored_total", "quarantined_total", "oversized_total"))
    for payload in bad:
        gw.raw(payload)
    gw.wait_have([[1, len(bad)]])
    # a number that stands deeper in the message is not its own
    gw.raw('{"v":1,"event":{"kind":"tombstone","epoch":"%s","seq":77,"from":0},"epoch":"%s","seq":20,"t0":5}' % ("a" * 16, gw.epoch), "event")
    gw.wait_ack(20)
    gw.raw('{"v":1,"equipment":{"u-1":{"seq":[[0,1]],"epoch":[[0,"%s"]]}},"x":{"epoch":"%s","seq":78},"t0":5' % ("a" * 16, "a" * 16))
    gw.raw("")
    gw.raw(b"\0\0\0")
    gw.raw("[]")
    gw.raw("x" * 65537)
    wait_for(lambda: rig.metric("quarantined_total") == quarantined + len(bad) + 6)
    assert gw.have("a" * 16) is None
    assert rig.metric("oversized_total") == oversized + 2
    assert rig.metric("messages_stored_total") == stored
    assert rows(rig, "SELECT COUNT(*) FROM quarantine WHERE agent = 'unreadable' AND seq IS NOT NULL") == [(9,)]
    # sent again, it is a duplicate and not kept twice
    duplicates = rig.metric("duplicates_total")
    gw.raw(bad[0])
    wait_for(lambda: rig.metric("duplicates_total") == duplicates + 1)
    assert audit(rig, "unreadable") == (0, 20, 9, 0, 11)
    assert not rows(rig, "SELECT 1 FROM stream WHERE epoch = ?", "a" * 16)
    gw.close()


def test_a_message_of_64_kib_is_taken(rig):
    gw = Gateway(rig, "large")
    body = json.dumps({**gw.envelope(5), "equipment": {"large-1": {"x": [[0, "y"]]}}})
    gw.raw(body.replace("y", "y" * (65536 - len(body) + 1)))
    gw.wait_have([[1, 1]])
    assert rows(rig, "SELECT 1 FROM quarantine WHERE agent = 'large'") == []
    gw.close()


def test_foreign_topics_and_retained_junk_are_ignored(rig):
    gw = Gateway(rig, "junk")
    before = rig.metric("messages_stored_total")
    body = json.dumps({**gw.envelope(5), "equipment": {"junk-1": {"x": [[0, 1]]}}})
    for topic in ("heliograph/1/junk/data/more", "heliograph/1/junk/nonsense", "heliograph/2/junk/data", "heliograph/1/data",
                  "heliograph/1/ju nk/data", "heliograph/1//data", "heliograph/1/" + "a" * 65 + "/data", "heliograph/1/junk/ack"):
        gw.raw(body, topic=topic)
    for channel in ("data", "event", "reply"):
        gw.raw(body, channel, retain=True)
        gw.raw("", channel, retain=True)
    gw.wait_have([[1, 1]])  # the first one of these was live and is taken: retain only asks the broker to keep it
    assert rig.metric("messages_stored_total") <= before + 1
    assert not rows(rig, "SELECT 1 FROM agent WHERE name NOT IN ('junk') AND name LIKE 'ju%'")
    gw.close()


def test_nobody_speaks_for_anothers_equipment(rig):
    gw = Gateway(rig, "thief")
    before = rig.get("/equipment/swh-0001")
    gw.send("data", {**gw.envelope(now_ms()), "equipment": {"own-1": {"x": [[0, 1]]}, "swh-0001": {"collector_temp": [[0, 999]]}}})
    gw.event(kind="fault", equipment="swh-0001", fault="pump_no_flow", state="raised", grade=1)
    gw.event(kind="bus", equipment=["swh-0001"], state="lost")
    gw.birth(["swh-0001"], profile="lg-therma-v")
    gw.wait_have([[1, 3]])
    after = rig.get("/equipment/swh-0001")
    assert after["points"] == before["points"] and after["agent"] == "gw-1" and after["profile"] == "swh-basic"
    assert rig.tickets("?equipment=swh-0001") == []
    assert audit(rig, "thief") == (0, 3, 3, 0, 0)
    gw.close()


def test_tombstones_fill_what_is_missing(rig):
    gw = Gateway(rig, "graves")
    old = "0" * 15 + "9"
    for seq in (1, 2, 8):
        gw.data("graves-1", {"x": [[0, 1]]}, seq=seq, epoch=old)
    gw.wait_have([[1, 2], [8, 8]], old)
    tomb = lambda a, b: gw.event(kind="tombstone", epoch=old, reason="full", count=b - a + 1, **{"from": a, "to": b})
    tomb(3, 5)
    tomb(2, 4)   # overlaps what is stored and what is given up
    tomb(8, 8)   # stored already
    tomb(10, 12)  # never seen
    gw.wait_have([[1, 4]])
    assert audit(rig, "graves") == (0, 16, 7, 6, 3)  # 1-4 of this epoch; of the old one 1 2 8, 3-5 10-12 given up, 6 7 9 missing
    gw.close()


def test_strangers_are_kept_and_claimed_with_their_history(rig):
    gw = Gateway(rig, "stranger", mqtt.MQTTv5)
    t0 = now_ms() - 60_000
    before = rig.metric("unclaimed_total")
    gw.data("found-1", {"collector_temp": [[0, 20.5], [30_000, 21.5]]}, t0=t0)
    gw.wait_have([[1, 1]])
    found = rig.get("/equipment/found-1")
    assert (found["status"], found["agent"], found["site"]) == ("unclaimed", "stranger", None)
    assert [i["id"] for i in rig.get("/equipment?status=unclaimed&limit=200")["items"] if i["id"] == "found-1"]
    assert rig.metric("unclaimed_total") == before + 1
    path = rig.write("more.yaml", "equipment:\n  - {id: found-1, title: Found, site: site-1, profile: swh-basic, agent: stranger}\n")
    assert rig.command("import", path).returncode == 0
    wait_for(lambda: rig.get("/equipment/found-1")["status"] == "ok")
    found = rig.get("/equipment/found-1")
    assert found["site"] in ("site-1", {"id": "site-1"}) or found["site"]["id"] == "site-1"
    gw.data("found-1", {"collector_temp": [[0, 22.5]]}, t0=t0 + 50_000)
    gw.wait_have([[1, 2]])
    stamp = lambda ms: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))
    series = rig.get(f"/equipment/found-1/series?point=collector_temp&from={stamp(t0 - 5000)}&to={stamp(t0 + 60_000)}&buckets=1")
    assert series["count"] == [3] and series["max"] == [22.5]
    gw.close()


def test_metrics_count_each_kind(rig):
    gw = Gateway(rig, "counted")
    names = ("messages_out_of_order_total", "readings_without_value_total", "messages_ignored_total", "readings_future_total")
    before = {n: rig.metric(n) for n in names}
    gw.data("counted-1", {"x": [[0, 1], [1, None, "timeout"], [2, 5, "range"]]}, seq=2)
    gw.data("counted-1", {"x": [[-10, 1]]}, seq=1)
    gw.raw("{}", topic="heliograph/1/" + "b" * 65 + "/data")
    gw.data("counted-1", {"x": [[0, 1]]}, seq=3, t0=now_ms() + 7200_000)
    gw.wait_have([[1, 3]])
    wait_for(lambda: all(rig.metric(n) > before[n] for n in names), words=str({n: rig.metric(n) - before[n] for n in names}))
    status, text = rig.call("GET", "/metrics", token=False)
    assert status == 200 and text.endswith("\n# EOF\n") and text.count("# EOF") == 1
    kinds = {}
    for line in text.splitlines()[:-1]:
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in kinds, "a family stands once"
            kinds[name] = kind
        elif not line.startswith("#"):
            name, value = line.split()
            family = name.removesuffix("_total") if name.endswith("_total") else name
            assert kinds[family] == ("counter" if name.endswith("_total") else "gauge")
            assert float(value) >= 0
    gw.close()


def test_many_gateways_and_readers_at_once(rig):
    """Run under the thread sanitizer as well; afterwards no thread and no descriptor has stayed."""
    pid = rig.programs[-1].process.pid
    import os
    fds = lambda: len(os.listdir(f"/proc/{pid}/fd"))
    threads = lambda: len(os.listdir(f"/proc/{pid}/task"))
    gateways = [Gateway(rig, f"busy-{k}", (mqtt.MQTTv311, mqtt.MQTTv5)[k % 2]) for k in range(4)]
    rig.get("/equipment")
    before = fds(), threads()
    stop, wrong = threading.Event(), []

    def read():
        while not stop.is_set():
            for path in ("/equipment?limit=50", "/tickets", "/equipment/busy-0-1/series?point=x&from=2026-01-01T00:00:00Z&to=2030-01-01T00:00:00Z&buckets=50"):
                status, body = rig.call("GET", "/api/v1" + path)
                if status not in (200, 404):
                    wrong.append((status, body))

    def write(gw):
        for _ in range(150):
            gw.data(f"{gw.name}-1", {"x": [[k, k] for k in range(20)]})
            gw.event(kind="capture", equipment=f"{gw.name}-1", capture="c")

    readers = [threading.Thread(target=read) for _ in range(3)]
    writers = [threading.Thread(target=write, args=(gw,)) for gw in gateways]
    [t.start() for t in readers + writers]
    [t.join() for t in writers]
    for gw in gateways:
        gw.wait_have([[1, 300]])
    stop.set()
    [t.join() for t in readers]
    assert not wrong
    wait_for(lambda: fds() <= before[0] + 4, words=f"descriptors as before: {before[0]} {fds()}")
    assert threads() <= before[1] + 2
    for gw in gateways:
        assert audit(rig, gw.name) == (0, 300, 300, 0, 0)
        gw.close()
