"""The server on PostgreSQL: what is acked is stored once, also when the database is killed under it."""
import json
import os
import subprocess
import threading
import time

import paho.mqtt.client as mqtt
import pytest
from postgres import Postgres
from race import last_one_goes_once
from rig import BUILD, Rig, wait_for

EPOCH = "00000000000000aa"


@pytest.fixture(scope="module")
def postgres():
    postgres = Postgres()
    yield postgres
    postgres.close()


@pytest.fixture()
def rig(postgres, tmp_path):
    rig = Rig(tmp_path, database=postgres.database())
    rig.broker()
    rig.fleet()
    rig.server()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    yield rig
    rig.close()


class Sender:
    """Sends numbers 1 … most, again and again, until each is acked: what an agent does."""

    def __init__(self, rig, most):
        self.most, self.acked, self.lock = most, set(), threading.Lock()
        self.t0 = int(time.time() * 1000) - 1000 * most
        self.client = mqtt.Client("gw-1", protocol=mqtt.MQTTv311)
        self.client.on_message = self.take
        self.client.connect("127.0.0.1", rig.mqtt_port)
        self.client.subscribe("heliograph/1/gw-1/ack", 1)
        self.client.loop_start()

    def take(self, client, context, message):
        ack = json.loads(message.payload)
        with self.lock:
            if ack["epoch"] == EPOCH:
                self.acked |= {n for a, b in ack["have"] for n in range(a, b + 1)}

    def rest(self):
        with self.lock:
            return sorted(set(range(1, self.most + 1)) - self.acked)

    def send(self, numbers):
        for n in numbers:
            body = {"v": 1, "epoch": EPOCH, "seq": n, "t0": self.t0 + 1000 * n, "equipment": {"swh-0001": {"level": [[0, n]]}}}
            self.client.publish("heliograph/1/gw-1/data", json.dumps(body), 1).wait_for_publish()


def test_a_database_that_is_killed_loses_nothing(rig, postgres):
    sender = Sender(rig, 400)
    for kill in range(4):
        sender.send(range(100 * kill + 1, 100 * kill + 101))
        postgres.kill()
        sender.send(sender.rest()[:20])  # while it is away
        postgres.start()
        wait_for(lambda: rig.call("GET", "/readyz", token=False)[0] == 200, 30, words="the server has its database again")

    def done():
        sender.send(sender.rest())
        return not sender.rest()

    wait_for(done, 60, 1, "all numbers are acked")
    audit = rig.command("audit")
    assert audit.returncode == 0 and "agent=gw-1 accepted=400 stored=400 tombstoned=0 pending=0" in audit.stdout
    iso = lambda ms: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms // 1000))
    series = rig.get(f"/equipment/swh-0001/series?point=level&from={iso(sender.t0)}&to={iso(sender.t0 + 500_000)}&buckets=1")
    assert (series["count"], series["min"], series["max"]) == ([400], [1], [400])


def test_one_server_at_a_time_and_commands_beside_it(rig):
    second = rig.command()
    assert second.returncode == 2 and "held by another process" in second.stderr
    assert "0 rows" in rig.fleet()
    assert rig.command("token", "add", "x", "--role", "viewer").stdout.split()[-1].startswith("hg_")


def test_the_last_pieces_go_once(rig):
    last_one_goes_once(rig, 25, ("swh-0001", "swh-0002"))


def test_a_backup_is_written_while_it_runs(rig, tmp_path):
    result = rig.command("backup", tmp_path / "copy")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "copy").read_bytes()[:5] == b"PGDMP"


def test_a_wrong_address_is_told_without_its_password(tmp_path):
    rig = Rig(tmp_path, database="postgresql://someone:secret@127.0.0.1:1/nothing")
    result = rig.command()
    assert result.returncode == 2 and "cannot open the database" in result.stderr and "secret" not in result.stderr


def test_the_books_of_the_stock(postgres):
    """The same as the unit test on SQLite: thousands of random moves, and what the database refuses whoever writes."""
    program = BUILD / "tests/test_server_stock"
    if not program.exists():
        pytest.skip("the unit tests are not built here")
    told = subprocess.run([program], env={**os.environ, "HELIOGRAPH_POSTGRES": postgres.database()}, capture_output=True, text=True, timeout=120)
    assert told.returncode == 0 and "4 test(s) run" in told.stdout + told.stderr, told.stdout + told.stderr
