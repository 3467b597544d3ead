"""Brokers as they come: away, deaf, strict, old, behind TLS."""
import socket
import subprocess
import threading
import time

import pytest
from desk import Desk
from rig import free_port, wait_for
from roof import Roof

POINTS = [f"{{name: r{a}, every: 200ms, register: {{table: holding, address: {a}, type: uint16}}}}" for a in range(4)]


@pytest.fixture
def roof(tmp_path):
    roof = Roof(tmp_path, broker=False)
    roof.field.put(1, "holding", 0, *range(4))
    roof.profile(POINTS)
    roof.slave, roof.bus = roof.tcp()
    yield roof
    if roof.desk:
        assert not roof.desk.wrong and not roof.desk.doubles
    roof.close()


def polled(roof, times):
    count = len(roof.field.requests)
    wait_for(lambda: len(roof.field.requests) > count + times)


def test_a_broker_that_is_away_from_the_start(roof):
    roof.config([roof.bus], [("swh-0001", 0, 1, "p")])
    agent = roof.start()
    polled(roof, 10)
    wait_for(lambda: "no broker at" in agent.text())
    roof.rig.broker()
    roof.desk = roof.keep(Desk(roof.rig.mqtt_port))
    roof.last("r3", 3, seconds=40)
    assert min(m["seq"] for m in roof.desk.of("data")) == 1 and not roof.desk.missing(roof.desk.of("data")[0]["epoch"])


class Server:
    """Accepts at the broker's port and hands each connection to take(peer)."""

    def __init__(self, port, take):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(8)
        self.take, self.accepted = take, []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.accepted.append((time.monotonic(), peer))
            threading.Thread(target=self.take, args=(peer,), daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for _, peer in self.accepted:
            peer.close()


def test_a_broker_that_accepts_and_never_answers(roof):
    deaf = Server(roof.rig.mqtt_port, lambda peer: None)
    roof.config([roof.bus], [("swh-0001", 0, 1, "p")])
    agent = roof.start()
    wait_for(lambda: deaf.accepted)
    polled(roof, 20)
    wait_for(lambda: len(deaf.accepted) >= 2, 50, words="another attempt")
    assert deaf.accepted[1][0] - deaf.accepted[0][0] <= 31
    began = time.monotonic()
    assert agent.stop() == 0 and time.monotonic() - began < 10
    deaf.close()


def test_a_broker_that_takes_everything_and_acknowledges_nothing(roof):
    """PINGs are answered, PUBACKs never come: the connection is given up after a while."""
    def take(peer):
        data = b""
        while True:
            try:
                more = peer.recv(65536)
            except OSError:
                return
            if not more:
                return
            data += more
            reply = b""
            while len(data) >= 2:
                size, shift, at = 0, 0, 1
                while at < len(data) and data[at] & 0x80:
                    size |= (data[at] & 0x7F) << shift
                    shift, at = shift + 7, at + 1
                if at >= len(data):
                    break
                size |= data[at] << shift
                if len(data) < at + 1 + size:
                    break
                kind, body, data = data[0] >> 4, data[at + 1:at + 1 + size], data[at + 1 + size:]
                if kind == 1:
                    reply += b"\x20\x03\x00\x00\x00"
                elif kind == 8:
                    reply += b"\x90\x04" + body[:2] + b"\x00\x01"
                elif kind == 12:
                    reply += b"\xd0\x00"
            try:
                peer.sendall(reply)
            except OSError:
                return
    mute = Server(roof.rig.mqtt_port, take)
    roof.config([roof.bus], [("swh-0001", 0, 1, "p")])
    agent = roof.start()
    wait_for(lambda: "acknowledges nothing" in agent.text(), 50)
    wait_for(lambda: len(mute.accepted) >= 2, 30)
    mute.close()
    roof.rig.broker()
    roof.desk = roof.keep(Desk(roof.rig.mqtt_port))
    roof.last("r3", 3, seconds=60)
    assert agent.stop() == 0, agent.text()


@pytest.mark.parametrize("manner", ["connack 132", "old connack 1", "hangs up"])
def test_a_broker_that_knows_only_3_1_1(roof, manner):
    """In front of a real broker: MQTT 5 is refused in one of the three ways old brokers have."""
    inner = roof.rig.mqtt_port
    outer = free_port()

    def take(peer):
        first = peer.recv(65536)
        if first[2 + 2 + 4 if first[1] < 0x80 else 3 + 2 + 4] == 5:
            answer = {"connack 132": b"\x20\x03\x00\x84\x00", "old connack 1": b"\x20\x02\x00\x01"}.get(manner)
            if answer:
                peer.sendall(answer)
            peer.close()
            return
        other = socket.create_connection(("127.0.0.1", inner))
        other.sendall(first)

        def pump(a, b):
            try:
                while data := a.recv(65536):
                    b.sendall(data)
            except OSError:
                pass
            for one in (a, b):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        threading.Thread(target=pump, args=(other, peer), daemon=True).start()
        pump(peer, other)

    roof.rig.broker()
    roof.desk = roof.keep(Desk(inner))
    old = Server(outer, take)
    roof.config([roof.bus], [("swh-0001", 0, 1, "p")], broker=f'url: "mqtt://127.0.0.1:{outer}"')
    agent = roof.start()
    roof.last("r3", 3, seconds=60)
    assert "MQTT 3.1.1" in agent.text()
    key = roof.desk.command("read", args={"points": ["r1"]})
    assert wait_for(lambda: roof.desk.reply(key))["state"] == "done"
    assert agent.stop() == 0
    wait_for(lambda: roof.desk.statuses[-1][0]["online"] is False)
    old.close()


def test_wrong_and_right_passwords(roof):
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(roof.folder / "users"), "boiler", "right"], check=True, capture_output=True)
    (roof.folder / "mosquitto.conf").write_text(
        f"listener {roof.rig.mqtt_port} 127.0.0.1\nallow_anonymous false\npassword_file {roof.folder}/users\nuser root\n")
    (roof.folder / "secret").write_text("wrong\n")
    roof.rig.broker()
    roof.config([roof.bus], [("swh-0001", 0, 1, "p")],
                broker=f'url: "mqtt://127.0.0.1:{roof.rig.mqtt_port}", user: boiler, password_file: {roof.folder}/secret')
    agent = roof.start()
    wait_for(lambda: "no broker at" in agent.text())
    assert "uthori" in agent.text() or "password" in agent.text(), agent.text()
    polled(roof, 5)
    assert agent.stop() == 0
    (roof.folder / "secret").write_text("right\r\n")
    roof.start()
    roof.desk = roof.keep(Desk(roof.rig.mqtt_port, user=("boiler", "right")))
    roof.last("r3", 3, seconds=20)


def authority(folder, name):
    run = lambda *words: subprocess.run(words, check=True, capture_output=True, cwd=folder)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key",
        "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")
    return name


def certificate(folder, ca, name, names="IP:127.0.0.1"):
    run = lambda *words: subprocess.run(words, check=True, capture_output=True, cwd=folder)
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key",
        "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
    run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
        "-out", f"{name}.pem", "-days", "2", "-extfile", f"{name}.ext")


def test_tls_with_an_authority_of_its_own(roof):
    folder, plain = roof.folder, free_port()
    authority(folder, "ca")
    authority(folder, "other")
    certificate(folder, "ca", "broker")
    certificate(folder, "ca", "gw-1")
    certificate(folder, "other", "stranger")
    (folder / "mosquitto.conf").write_text(f"""per_listener_settings true
user root
listener {roof.rig.mqtt_port} 127.0.0.1
cafile {folder}/ca.pem
certfile {folder}/broker.pem
keyfile {folder}/broker.key
require_certificate true
use_identity_as_username true
listener {plain} 127.0.0.1
allow_anonymous true
""")
    roof.rig.broker()
    tls = lambda ca, cert, host="127.0.0.1": (
        f'url: "mqtts://{host}:{roof.rig.mqtt_port}", ca: {folder}/{ca}.pem, cert: {folder}/{cert}.pem, key: {folder}/{cert}.key')
    for broker, words in ((tls("other", "gw-1"), "a broker nobody vouches for"), (tls("ca", "stranger"), "a stranger"),
                          (tls("ca", "gw-1", "localhost"), "another name"), (tls("ca", "nowhere"), "no file")):
        agent = roof.start(roof.config([roof.bus], [("swh-0001", 0, 1, "p")], broker=broker))
        wait_for(lambda: "no broker at" in agent.text(), words=words)
        assert "connected" not in agent.text(), words
        assert agent.stop() == 0
        if words == "no file":
            assert "nowhere.pem" in agent.text(), agent.text()
    roof.start(roof.config([roof.bus], [("swh-0001", 0, 1, "p")], broker=tls("ca", "gw-1")))
    roof.desk = roof.keep(Desk(plain))
    roof.last("r3", 3, seconds=20)
    key = roof.desk.command("inspect")  # S0-10: it says how long its certificate holds
    health = wait_for(lambda: roof.desk.reply(key), 15, words="reply to inspect")["result"]["health"]
    days = health["agent"]["certificate"]["not_after"] / 86400e3 - time.time() / 86400
    assert 1.9 < days <= 2, health
