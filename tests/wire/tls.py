"""The deployed broker for tests: mosquitto.conf and heliograph.acl of broker-config/ with their paths changed,
certificates made by pki, and clients that remember what was delivered to them."""
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import paho.mqtt.client as mqtt
from rig import ROOT, Program, can_connect, free_port, wait_for

CONFIG = ROOT / "broker-config"
SERVER = "heliograph-server"
SPY = "heliograph-spy"  # only in tests: sees all that the broker delivers


class Client:
    """A client with a certificate; got is what was delivered, in order."""

    def __init__(self, broker, certificate, client_id=None, version=mqtt.MQTTv5, will=None, tls=None):
        self.got, self.up, self.down, self.lock = [], threading.Event(), threading.Event(), threading.Lock()
        self.suback, self.reason = threading.Event(), None
        self.client = mqtt.Client(client_id if client_id is not None else pathlib.Path(certificate or "x").name, protocol=version,
                                  reconnect_on_failure=False, **({"clean_session": True} if version != mqtt.MQTTv5 else {}))
        self.client.on_message = self._message
        self.client.on_connect = self._connected
        self.client.on_disconnect = lambda *_: self.down.set()
        self.client.on_subscribe = lambda *_: self.suback.set()
        if will:
            self.client.will_set(*will)
        if tls:
            self.client.tls_set_context(tls)
        elif certificate:
            self.client.tls_set(str(broker.ca), f"{certificate}.crt", f"{certificate}.key")
        else:
            self.client.tls_set(str(broker.ca))
        self.port = broker.port
        forever = self.client.loop_forever

        def until_cut(*args, **words):
            try:
                forever(*args, **words)
            except (OSError, ValueError):
                self.down.set()
        self.client.loop_forever = until_cut  # what the client's thread runs

    def _message(self, client, user, message):
        with self.lock:
            self.got.append((message.topic, message.payload.decode("utf-8", "replace"), bool(message.retain)))

    def _connected(self, client, user, flags, reason, properties=None):
        self.reason = reason
        self.up.set() if reason == 0 else self.down.set()

    def connect(self):
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        assert self.up.wait(20), f"not connected: {self.reason}"
        return self

    def is_refused(self):
        """True when the broker lets this client not in, whether in the handshake or after it."""
        end = time.monotonic() + 20
        try:
            self.client.connect("127.0.0.1", self.port)
            while not self.up.is_set() and not self.down.is_set():
                assert time.monotonic() < end, "no answer to the connect"
                if self.client.loop(0.2) not in (mqtt.MQTT_ERR_SUCCESS, mqtt.MQTT_ERR_AGAIN):
                    break
        except OSError:  # a refusal in the handshake: with TLS 1.3 it comes with the first read
            return True
        refused = not self.up.is_set()
        self.client.disconnect()
        return refused

    def subscribe(self, *filters):
        for one in filters:
            self.suback.clear()
            self.client.subscribe(one, 1)
            assert self.suback.wait(20)
        return self

    def publish(self, topic, payload, retain=False, wait=True):
        info = self.client.publish(topic, payload, 1, retain)
        if wait:
            info.wait_for_publish(20)
            assert info.is_published()
        return self

    def has(self, payload):
        with self.lock:
            return [topic for topic, body, _ in self.got if body == payload]

    def expect(self, payload, seconds=20):
        return wait_for(lambda: self.has(payload), seconds, words=f"{payload!r} delivered")

    def topics(self):
        with self.lock:
            return {topic for topic, _, _ in self.got}

    def cut(self):
        """As if the cable were pulled: the broker sends the will."""
        self.client.loop_stop()
        self.client._sock_close()

    def close(self):
        try:
            self.client.disconnect()
        except OSError:  # the broker has cut it already
            pass
        self.client.loop_stop()


class TlsBroker:
    def __init__(self, folder, agents=("dev-a", "dev-b"), host=("127.0.0.1", "localhost")):
        self.folder, self.port = pathlib.Path(folder), free_port()
        self.pki_folder = self.folder / "pki"
        self.pki("init", self.pki_folder)
        self.pki("server", self.pki_folder, "broker", *(w for h in host for w in ("--host", h)))
        self.pki("collector", self.pki_folder)
        for name in agents:
            self.pki("client", self.pki_folder, name)
        self.ca = self.pki_folder / "ca.crt"
        self.acl = self.folder / "heliograph.acl"
        shutil.copy(CONFIG / "heliograph.acl", self.acl)
        self.acl.write_text(f"user {SPY}\ntopic readwrite #\ntopic read $SYS/#\n\n" + self.acl.read_text())
        self.acl.chmod(0o600)
        self.issue(SPY)
        shutil.copy(self.pki_folder / "crl.pem", self.folder / "crl.pem")
        text = (CONFIG / "mosquitto.conf").read_text()
        for old, new in (("/etc/mosquitto/heliograph.acl", self.acl), ("/etc/mosquitto/pki/agent-ca-bundle.pem", self.pki_folder / "agent-ca-bundle.pem"),
                         ("/etc/mosquitto/pki/broker.crt", self.pki_folder / "servers/broker.crt"), ("/etc/mosquitto/pki/broker.key", self.pki_folder / "servers/broker.key"),
                         ("/etc/mosquitto/pki/crl.pem", self.folder / "crl.pem"), ("/var/lib/mosquitto/", f"{self.folder}/"), ("listener 8883", f"listener {self.port} 127.0.0.1")):
            assert text.count(old) == 1, f"mosquitto.conf names {old} once"
            text = text.replace(old, str(new))
        if os.geteuid() == 0:
            text = "user root\n" + text
        self.conf = self.folder / "deployed.conf"
        self.conf.write_text(text)

    def pki(self, *words, check=True):
        result = subprocess.run([str(CONFIG / "pki"), *map(str, words)], capture_output=True, text=True, timeout=60)
        assert not check or result.returncode == 0, result.stderr + result.stdout
        return result

    def issue(self, name, begin="-48 hours", end="+30 days", role="agent", file=None):
        """A certificate behind pki's back: names and dates that pki would refuse."""
        file = self.pki_folder / "clients" / (file or name)
        stamp = lambda when: subprocess.run(["date", "-u", "-d", when, "+%Y%m%d%H%M%SZ"], capture_output=True, text=True, check=True).stdout.strip()
        run = lambda *words: subprocess.run(["openssl", *map(str, words)], cwd=self.pki_folder, check=True, capture_output=True,
                                            env={**os.environ, "PKI_HOSTS": "DNS:unused"})
        subject = "/CN=" + "".join("\\" + c if c in "/+#,=" else c for c in name)
        run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{file}.key")
        run("req", "-new", "-config", "openssl.cnf", "-key", f"{file}.key", "-subj", subject, "-out", f"{file}.csr")
        run("ca", "-batch", "-config", "openssl.cnf", "-extensions", role, "-subj", subject, "-notext", "-startdate", stamp(begin),
            "-enddate", stamp(end), "-in", f"{file}.csr", "-out", f"{file}.crt")
        return file

    def certificate(self, name):
        return self.pki_folder / "clients" / name

    def start(self):
        self.program = Program([shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", self.conf])
        wait_for(lambda: can_connect(self.port) or self.program.process.poll() is not None, words="the broker listens")
        assert self.program.process.poll() is None, self.program.text()
        return self

    def reload(self):
        """SIGHUP, and back when the broker has read its files again."""
        count = lambda: sum("Reloading config" in line for line in self.program.lines)
        before = count()
        self.program.process.send_signal(signal.SIGHUP)
        wait_for(lambda: count() > before, words="the broker reloads")

    def connect(self, name, **more):
        return Client(self, self.certificate(name), **more).connect()

    def stop(self):
        self.program.stop()

    def restart(self):
        self.stop()
        self.start()
