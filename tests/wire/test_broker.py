"""broker-config/ on the real mosquitto: who may say and hear what, asserted on what is delivered, never on SUBACK."""
import os
import shutil
import socket
import ssl
import subprocess
import time

import paho.mqtt.client as mqtt
import pytest
from rig import ROOT, BUILD, Program, Rig, can_connect, free_port, wait_for
from tls import CONFIG, SERVER, SPY, Client, TlsBroker

BOTH = pytest.mark.parametrize("version", [mqtt.MQTTv311, mqtt.MQTTv5], ids=["3.1.1", "5"])
OWN = ("status", "data", "event", "reply")
HEARD = ("ack", "command", "config")


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    broker = TlsBroker(tmp_path_factory.mktemp("tls"), agents=("dev-a", "dev-b", "dev-x", "dev-y")).start()
    yield broker
    broker.stop()


@pytest.fixture
def clients(broker):
    opened = []

    def connect(name, **more):
        opened.append(broker.connect(name, **more))
        return opened[-1]
    yield connect
    for client in opened:
        client.close()


def unique(words):
    return f"{words}-{time.monotonic_ns()}"


@BOTH
def test_an_agent_is_heard_only_below_its_own_id(broker, clients, version):
    spy = clients(SPY).subscribe("#", "$SYS/broker/clients/total")
    agent = clients("dev-a", version=version)
    foreign = unique("foreign")
    places = [f"heliograph/1/dev-b/{c}" for c in OWN + HEARD] + [f"heliograph/1/dev-a/{c}" for c in HEARD]
    places += [f"heliograph/1/dev-a/{c}/deeper" for c in OWN]
    places += ["heliograph/1/dev-a", "heliograph/1/dev-a/other", "heliograph/1/dev-aa/data", "heliograph/1/heliograph-server/data",
               "heliograph/2/dev-a/data", "other", "/heliograph/1/dev-a/data", "$SYS/broker/x"]
    for place in places:
        agent.publish(place, foreign)
    for channel in OWN:
        own = unique(channel)
        agent.publish(f"heliograph/1/dev-a/{channel}", own)
        assert spy.expect(own) == [f"heliograph/1/dev-a/{channel}"]
    assert spy.has(foreign) == []


@BOTH
def test_an_agent_hears_only_what_is_said_to_it(broker, clients, version):
    wildcards = ["#", "+", "+/+/+/+", "heliograph/#", "heliograph/1/#", "heliograph/1/+/ack", "heliograph/1/+/data", "heliograph/1/dev-b/#",
                 "heliograph/1/dev-a/#", "$SYS/#", "$SYS/broker/version", "$CONTROL/#", "$share/x/heliograph/1/+/data", "$share/x/#",
                 "heliograph/1/dev-b/command", "heliograph/1/dev-a/data"]
    agent = clients("dev-a", version=version).subscribe(*wildcards, *(f"heliograph/1/dev-a/{c}" for c in HEARD))
    other, server, spy = clients("dev-b"), clients(SERVER), clients(SPY)
    foreign = unique("foreign")
    for channel in OWN:
        other.publish(f"heliograph/1/dev-b/{channel}", foreign)
        agent.publish(f"heliograph/1/dev-a/{channel}", foreign)  # not even its own words come back
    for channel in HEARD:
        server.publish(f"heliograph/1/dev-b/{channel}", foreign)
    spy.publish("heliograph/1/dev-a/ack/deeper", foreign)
    for channel in HEARD:
        own = unique(channel)
        server.publish(f"heliograph/1/dev-a/{channel}", own)
        assert set(agent.expect(own)) == {f"heliograph/1/dev-a/{channel}"}
    assert agent.has(foreign) == []
    assert agent.topics() == {f"heliograph/1/dev-a/{c}" for c in HEARD}


@BOTH
def test_retained_words_of_others_stay_unheard(broker, clients, version):
    server, secret = clients(SERVER), unique("secret")
    server.publish("heliograph/1/dev-b/config", secret, retain=True)
    agent = clients("dev-a", version=version).subscribe("#", "heliograph/1/+/config", "heliograph/1/dev-b/config")
    own = unique("own")
    server.publish("heliograph/1/dev-a/ack", own)
    agent.expect(own)
    assert agent.has(secret) == []
    server.publish("heliograph/1/dev-b/config", "", retain=True)


@BOTH
def test_the_servers_session_cannot_be_stolen(broker, clients, version):
    server = clients(SERVER).subscribe("heliograph/1/+/data")
    thief = clients("dev-a", version=version, client_id=SERVER).subscribe("heliograph/1/+/data")
    other, words = clients("dev-b"), unique("reading")
    other.publish("heliograph/1/dev-b/data", words)
    server.expect(words)
    assert not server.down.is_set() and thief.has(words) == []
    # nor another agent's
    victim = clients("dev-y").subscribe("heliograph/1/dev-y/ack")
    clients("dev-a", version=version, client_id="dev-y")
    own = unique("ack")
    server.publish("heliograph/1/dev-y/ack", own)
    victim.expect(own)
    assert not victim.down.is_set()


def test_the_server_hears_every_agent_and_says_only_its_own_part(broker, clients):
    spy = clients(SPY).subscribe("#")
    server = clients(SERVER).subscribe(*(f"heliograph/1/+/{c}" for c in OWN))
    agent, wrong = clients("dev-a"), unique("wrong")
    for channel in OWN:
        words = unique(channel)
        agent.publish(f"heliograph/1/dev-a/{channel}", words)
        server.expect(words)
        server.publish(f"heliograph/1/dev-a/{channel}", wrong)
    own = unique("own")
    server.publish("heliograph/1/dev-a/ack", own)
    spy.expect(own)
    assert spy.has(wrong) == []


@BOTH
def test_wills_stand_under_the_same_rules(broker, clients, version):
    spy = clients(SPY).subscribe("heliograph/#")
    foreign, own = unique("foreign"), unique("own")
    clients("dev-a", version=version, will=("heliograph/1/dev-b/status", foreign, 1, True)).cut()
    clients("dev-a", version=version, will=("heliograph/1/dev-a/status", own, 1, True)).cut()
    assert spy.expect(own) == ["heliograph/1/dev-a/status"]
    assert spy.has(foreign) == []
    late = clients(SPY, client_id="x").subscribe("heliograph/1/+/status")
    late.expect(own)
    assert late.has(foreign) == []


@pytest.mark.parametrize("level, clean, refusal", [(4, 2, b"\x02"), (4, 0, b"\x02"), (5, 2, b"\x80\x00"), (5, 0, b"\x80\x00")])
def test_a_client_without_an_id_is_refused(broker, level, clean, refusal):
    context = ssl.create_default_context(cafile=str(broker.ca))
    context.load_cert_chain(f"{broker.certificate('dev-a')}.crt", f"{broker.certificate('dev-a')}.key")
    body = b"\0\4MQTT" + bytes([level, clean, 0, 60]) + (b"\0" if level == 5 else b"") + b"\0\0"
    with socket.create_connection(("127.0.0.1", broker.port), 10) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped:
        wrapped.sendall(b"\x10" + bytes([len(body)]) + body)
        answer = wrapped.recv(100)  # paho would try again with an id of its own
        assert answer[:1] == b"\x20" and answer[3:] == refusal


def test_who_cannot_prove_its_name_stays_outside(broker, tmp_path):
    assert Client(broker, None).is_refused()  # no certificate
    other = tmp_path / "other"
    broker.pki("init", other)
    broker.pki("client", other, "dev-a")
    assert Client(broker, other / "clients/dev-a").is_refused()  # the same name from another authority
    assert Client(broker, broker.issue("dev-old", begin="-400 days", end="-1 days")).is_refused()
    assert Client(broker, broker.issue("dev-early", begin="+1 days")).is_refused()
    assert Client(broker, broker.issue("dev-role", role="broker")).is_refused()  # a broker's certificate is no agent's
    assert not Client(broker, broker.certificate("dev-a")).is_refused()


def test_old_tls_is_refused(broker):
    def shake(least, most):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = least, most
        context.load_cert_chain(f"{broker.certificate('dev-a')}.crt", f"{broker.certificate('dev-a')}.key")
        with socket.create_connection(("127.0.0.1", broker.port), 10) as plain, context.wrap_socket(plain) as wrapped:
            return wrapped.version()
    v = ssl.TLSVersion
    assert shake(v.TLSv1_2, v.TLSv1_2) == "TLSv1.2" and shake(v.TLSv1_3, v.TLSv1_3) == "TLSv1.3"
    for old in (v.TLSv1, v.TLSv1_1):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            shake(old, old)
    assert socket.create_connection(("127.0.0.1", broker.port), 5).close() is None  # still there


@BOTH
def test_names_that_reach_deeper_say_nothing_to_the_server(broker, clients, version):
    server, agent = clients(SERVER).subscribe(*(f"heliograph/1/+/{c}" for c in OWN)), clients("dev-b")
    for number, name in enumerate(("dev-a/data", "dev-a/x", "+", "#", "dev a")):
        file = broker.issue(name, file=f"bad-{number}-{version}")
        client = Client(broker, file, client_id="x", version=version)
        try:
            client.connect()
        except (AssertionError, OSError):
            continue  # refused outright: as good
        for place in ("heliograph/1/dev-a/data", "heliograph/1/dev-b/data", f"heliograph/1/{name}/data"):
            if "+" in place or "#" in place:
                continue
            client.publish(place, f"deep-{version}", wait=False)
        client.close()
    own = unique("own")
    agent.publish("heliograph/1/dev-b/data", own)
    server.expect(own)
    assert [t for t in server.has(f"deep-{version}") if t.split("/")[2] in ("dev-a", "dev-b")] == []


@BOTH
def test_an_oversized_packet_ends_its_connection_only(broker, clients, version):
    spy = clients(SPY).subscribe("heliograph/#")
    agent, whole = clients("dev-a", version=version), "w" * 65536
    agent.publish("heliograph/1/dev-a/data", whole)
    spy.expect(whole)
    agent.publish("heliograph/1/dev-a/data", "o" * 200000, wait=False)
    assert agent.down.wait(20)
    own = unique("own")
    clients("dev-b").publish("heliograph/1/dev-b/data", own)
    spy.expect(own)
    assert spy.has("o" * 200000) == []
    agent.client.loop_stop()


def test_a_revoked_agent_falls_silent_at_once_and_stays_outside(broker, clients):
    spy, server = clients(SPY).subscribe("heliograph/#"), clients(SERVER)
    agent, other = clients("dev-x").subscribe("heliograph/1/dev-x/command"), clients("dev-y")
    before = unique("before")
    server.publish("heliograph/1/dev-x/command", before)
    agent.expect(before)
    agent.publish("heliograph/1/dev-x/data", before + "-up")
    spy.expect(before + "-up")
    answer = broker.pki("revoke", broker.pki_folder, "dev-x", "--acl", broker.acl)
    assert "revoked" in answer.stdout and (broker.acl.stat().st_mode & 0o777) == 0o600
    shutil.copy(broker.pki_folder / "crl.pem", broker.folder / "crl.pem")
    broker.reload()
    after, fence = unique("after"), unique("fence")
    server.publish("heliograph/1/dev-x/command", after)
    agent.publish("heliograph/1/dev-x/data", after, wait=False)
    agent.publish("heliograph/1/dev-x/status", after, retain=True, wait=False)
    # what the broker had taken of it before now would be here by the time these two are
    assert Client(broker, broker.certificate("dev-x")).is_refused()
    server.publish("heliograph/1/dev-y/command", fence)
    other.publish("heliograph/1/dev-y/data", fence)
    spy.expect(fence)
    wait_for(lambda: len(spy.has(fence)) == 2)
    assert spy.has(after) == ["heliograph/1/dev-x/command"] and agent.has(after) == []
    assert broker.pki("client", broker.pki_folder, "dev-x", check=False).returncode == 2  # the name is burnt
    broker.pki("revoke", broker.pki_folder, "dev-x", "--acl", broker.acl)  # twice is once
    assert broker.acl.read_text().count("user dev-x\n") == 1
    assert "revoked" in [line.split()[0] for line in broker.pki("list", broker.pki_folder).stdout.splitlines() if line.endswith(" dev-x")]


def test_pki_refuses_names_that_reach_further(broker, tmp_path):
    bad = ["", "a/b", "a+b", "#", "+", "a#", "a b", " a", "a ", "a%u", "%u", "ä", "名", "a.b", "a,b", "a=b", "CN=a", "a\n", "a\tb", "$SYS", "a\\b",
           "..", "a:b", "a;b", "'a'", '"a"', "`a`", "x" * 65, "heliograph-server", "heliograph-spy", "HELIOGRAPH-X", "Heliograph-x"]
    count = len(broker.pki("list", broker.pki_folder).stdout.splitlines())
    for name in bad:
        result = broker.pki("client", broker.pki_folder, name, check=False)
        assert result.returncode == 2 and result.stderr.startswith(("pki: ", "pki init")), (name, result.stderr)
    assert len(broker.pki("list", broker.pki_folder).stdout.splitlines()) == count
    for good in ("A", "x" * 64, "dev_1-B", "heliograph"):
        broker.pki("client", broker.pki_folder, good)
    assert oct((broker.pki_folder / "ca.key").stat().st_mode & 0o777) == "0o600"
    assert oct(broker.certificate("A").with_suffix(".key").stat().st_mode & 0o777) == "0o600"
    assert broker.pki("init", broker.pki_folder, check=False).returncode == 2  # never a second authority over the first


def test_pki_signs_a_gateways_own_request_under_the_given_name(broker, tmp_path):
    run = lambda *words: subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, text=True)
    key, csr = tmp_path / "own.key", tmp_path / "own.csr"
    run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    run("req", "-new", "-key", key, "-subj", "/CN=heliograph-server", "-out", csr)
    broker.pki("client", broker.pki_folder, "dev-csr", "--csr", csr)
    subject = run("x509", "-in", f"{broker.certificate('dev-csr')}.crt", "-noout", "-subject", "-ext", "basicConstraints,extendedKeyUsage").stdout
    assert "CN = dev-csr" in subject and "heliograph-server" not in subject and "CA:FALSE" in subject and "TLS Web Client" in subject
    shutil.copy(key, f"{broker.certificate('dev-csr')}.key")
    assert not Client(broker, broker.certificate("dev-csr")).is_refused()
    weak, weak_csr = tmp_path / "weak.key", tmp_path / "weak.csr"
    run("genrsa", "-out", weak, "1024")
    run("req", "-new", "-key", weak, "-subj", "/CN=x", "-out", weak_csr)
    assert broker.pki("client", broker.pki_folder, "dev-weak", "--csr", weak_csr, check=False).returncode == 2


def test_two_authorities_are_trusted_while_one_replaces_the_other(broker, tmp_path):
    new = TlsBroker(tmp_path, agents=("dev-n",))
    bundle = broker.pki_folder / "agent-ca-bundle.pem"
    before, crl = bundle.read_text(), (broker.folder / "crl.pem").read_text()
    try:
        bundle.write_text(before + new.ca.read_text())
        (broker.folder / "crl.pem").write_text(crl + (new.pki_folder / "crl.pem").read_text())
        broker.restart()  # this version reads the authorities at its start only
        assert not Client(broker, broker.certificate("dev-a")).is_refused()
        assert not Client(broker, new.certificate("dev-n")).is_refused()
    finally:
        bundle.write_text(before)
        (broker.folder / "crl.pem").write_text(crl)
        broker.restart()
    assert Client(broker, new.certificate("dev-n")).is_refused()


# ------------------------------------------------------------------ the programs through it

def configure(rig, broker, agent="dev-a", host="127.0.0.1"):
    certificates = lambda name: f"ca: {broker.ca}, cert: {broker.certificate(name)}.crt, key: {broker.certificate(name)}.key"
    rig.write("server.yaml", f"""
broker: {{url: "mqtts://127.0.0.1:{broker.port}", {certificates(SERVER)}}}
database: "sqlite:{rig.folder}/server.db"
http: {{listen: "127.0.0.1:{rig.http_port}"}}
profiles: models/equipment
plans: models/plans
time_zone: Asia/Shanghai
""")
    return rig.write("agent.yaml", f"""
agent: {{id: {agent}}}
broker: {{url: "mqtts://{host}:{broker.port}", {certificates(agent)}}}
spool: {{path: {rig.folder}/agent.spool, max_bytes: 16MiB}}
buses: [{{name: lan, tcp: "127.0.0.1:{rig.modbus_port}"}}]
equipment: [{{id: swh-0001, bus: lan, unit_id: 1, profile: swh-basic}}]
profiles: models/equipment
""")


def test_agent_and_server_work_through_it(broker, tmp_path):
    rig = Rig(tmp_path)
    path = configure(rig, broker)
    try:
        rig.fleet(["swh-0001"], agent="dev-a")
        rig.server()
        rig.plant(1)
        agent = rig.keep(Program([BUILD / "heliograph-agent", "--config", path], "ready"))
        value = wait_for(lambda: [p for p in rig.get("/equipment/swh-0001")["points"] if p["name"] == "setpoint"], 40)[0]
        assert value["value"] == 55 and value["quality"] == "good"
        answer = rig.call("POST", "/api/v1/equipment/swh-0001/commands", {"name": "read", "args": {"points": ["level"]}})[1]
        wait_for(lambda: rig.get("/commands/" + answer["id"])["state"] == "done", 20, words="a command goes down and its reply up")
        assert agent.stop() == 0
        wait_for(lambda: "pending=0" in rig.command("audit").stdout)
        wait_for(lambda: rig.get("/equipment/swh-0001")["status"] == "offline")
    finally:
        rig.close()


def test_the_agent_trusts_no_broker_of_another_name_or_authority(broker, tmp_path):
    rig = Rig(tmp_path)
    (tmp_path / "false").mkdir()
    (tmp_path / "named").mkdir()
    false = TlsBroker(tmp_path / "false", agents=("dev-a",)).start()  # another authority
    shutil.rmtree(tmp_path / "named")
    shutil.copytree(broker.folder, tmp_path / "named")
    named = TlsBroker.__new__(TlsBroker)  # the same authority, but a certificate for another host
    named.folder, named.pki_folder, named.port, named.ca = tmp_path / "named", tmp_path / "named/pki", free_port(), broker.ca
    named.pki("server", named.pki_folder, "broker", "--host", "elsewhere.example")
    named.conf = tmp_path / "named.conf"
    named.conf.write_text(broker.conf.read_text().replace(str(broker.folder), str(named.folder)).replace(f"listener {broker.port}", f"listener {named.port}"))
    named.start()
    try:
        for wrong in (false, named):
            path = rig.write("agent.yaml", configure(rig, broker).read_text().replace(f":{broker.port}", f":{wrong.port}"))
            agent = Program([BUILD / "heliograph-agent", "--config", path], "ready")
            try:
                wait_for(lambda: any("OpenSSL" in line or "rror" in line for line in wrong.program.lines), 20, words="the agent has tried")
                assert not any("as dev-a" in line for line in wrong.program.lines), wrong.program.text()
            finally:
                agent.stop()
    finally:
        false.stop()
        named.stop()
        rig.close()


# ------------------------------------------------------------------ the loopback broker, the guard, the drop-in

def test_the_loopback_broker_serves_this_machine_only(tmp_path):
    port = free_port()
    conf = tmp_path / "test.conf"
    text = (CONFIG / "test.conf").read_text()
    assert "listener 1883 127.0.0.1\n" in text
    conf.write_text(text.replace("listener 1883 ", f"listener {port} "))
    program = Program([shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", conf])
    try:
        wait_for(lambda: can_connect(port), words="the broker listens")
        got, client = [], mqtt.Client("x")
        client.on_message = lambda c, u, m: got.append(m.payload)
        client.connect("127.0.0.1", port)
        client.loop_start()
        client.subscribe("heliograph/1/+/data", 1)
        wait_for(lambda: client.publish("heliograph/1/a/data", b"w" * 65536, 1) and got, words="a message comes back")
        listeners = subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True, text=True)
        if listeners.returncode == 0:
            assert all(f"127.0.0.1:{port}" in line for line in listeners.stdout.splitlines()) and listeners.stdout
        client.disconnect()
        client.loop_stop()
    finally:
        program.stop()


def saved_database(folder):
    """A mosquitto.db as the real broker writes it: a retained message and a session with a waiting one."""
    port = free_port()
    conf = folder / "db.conf"
    conf.write_text(("user root\n" if os.geteuid() == 0 else "") + f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n")
    program = Program([shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", conf])
    wait_for(lambda: can_connect(port), words="the broker listens")
    client = mqtt.Client("keeper", clean_session=False)
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe("a", 1)
    client.publish("b", "kept", 1, True).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()
    program.stop()
    return folder / "mosquitto.db", conf, port


def test_the_guard_moves_only_an_unreadable_database(tmp_path):
    path, conf, port = saved_database(tmp_path)
    whole = path.read_bytes()
    guard = lambda: subprocess.run(["perl", CONFIG / "mosquitto-db-guard", path], capture_output=True, text=True)
    aside = lambda: sorted(tmp_path.glob("mosquitto.db.unreadable-*"))
    for bytes in (whole, None):
        if bytes is None:
            path.unlink()
        assert guard().returncode == 0 and aside() == []
    wrong = {"cut": whole[:-7], "short": whole[:10], "empty": b"", "nul": b"\0" * len(whole), "nul tail": whole[:len(whole) // 2] + b"\0" * (len(whole) - len(whole) // 2),
             "text": b"hello world, this is not a database\n" * 20}
    for name, bytes in wrong.items():
        path.write_bytes(bytes)
        result = guard()
        assert result.returncode == 0 and not path.exists(), name
        assert "moved to" in result.stderr and aside()[0].read_bytes() == bytes, name
        aside()[0].unlink()
        program = Program([shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", conf])
        wait_for(lambda: can_connect(port), words=f"the broker starts after the guard ({name})")
        program.stop()
        path.unlink(missing_ok=True)


def test_systemd_takes_the_drop_in(tmp_path):
    unit = "/lib/systemd/system/mosquitto.service"
    if not shutil.which("systemd-analyze") or not os.path.exists(unit):
        pytest.skip("systemd-analyze or Debian's mosquitto.service is not on this machine")
    shutil.copy(unit, tmp_path / "mosquitto.service")
    shutil.copytree(CONFIG / "mosquitto.service.d", tmp_path / "mosquitto.service.d")
    drop = tmp_path / "mosquitto.service.d/heliograph.conf"
    guard = tmp_path / "mosquitto-db-guard"
    shutil.copy(CONFIG / "mosquitto-db-guard", guard)
    drop.write_text(drop.read_text().replace("/usr/lib/heliograph/mosquitto-db-guard", str(guard)))
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / "mosquitto.service"], capture_output=True, text=True, timeout=60)
    about = [line for line in result.stderr.splitlines() if "mosquitto.service" in line or "heliograph.conf" in line]
    assert about == [], result.stderr


def test_the_page_names_every_channel():
    page = (CONFIG / "README.md").read_text()
    for channel in OWN + HEARD:
        assert f"| `{channel}` |" in page
