"""--check: every key, every mistake with its place, all at once, profiles included."""
import re
import subprocess

import pytest
from rig import BUILD, ROOT

PROFILE = """profile: p
title: {en: Test, zh: 测试}
points:
  - {name: temp, register: {table: holding, address: 0, type: int16}}
"""
GOOD = """agent: {id: gw-1}
broker: {url: "mqtts://broker.example:8883", ca: ca.pem, cert: gw-1.pem, key: gw-1.key, user: gw-1, prefix: heliograph/1, first_delay: 30s}
spool: {path: spool.db, max_bytes: 256MiB, full: thin_oldest}
buses:
  - {name: roof, serial: {device: /dev/serial/by-id/usb-1, baud: 9600, parity: none, stop: 1}}
  - {name: attic, serial: {device: /dev/ttyS0, baud: 19200, parity: even, stop: 2}}
  - {name: lan, tcp: "192.0.2.10:502"}
  - {name: shed, rtu_over_tcp: "gateway.example:4001"}
equipment:
  - {id: swh-0001, bus: roof, unit_id: 1, profile: p}
  - {id: swh-0002, bus: roof, unit_id: 2, profile: p}
  - {id: swh-0003, bus: lan, unit_id: 255, profile: p}
  - {id: swh-0004, bus: shed, profile: p}
profiles: PROFILES
"""


@pytest.fixture
def check(tmp_path):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "p.yaml").write_text(PROFILE)

    def run(text, name="agent.yaml"):
        path = tmp_path / name
        path.write_text(text.replace("PROFILES", f"{tmp_path}/profiles"))
        done = subprocess.run([str(BUILD / "heliograph-agent"), "--config", str(path), "--check"], capture_output=True, text=True,
                              cwd=ROOT, timeout=20)
        places = [(int(a), int(b)) for a, b in re.findall(rf"^{re.escape(str(path))}:(\d+):(\d+): error: expected .+, found .+$",
                                                          done.stderr, re.M)]
        return done.returncode, places, done.stderr
    run.folder = tmp_path
    return run


def test_every_key_is_taken(check):
    assert check(GOOD)[0:2] == (0, [])


def test_the_sample_is_good():
    done = subprocess.run([str(BUILD / "heliograph-agent"), "--config", "agent/agent.yaml", "--check"], capture_output=True, text=True,
                          cwd=ROOT, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")


MISTAKES = [  # (what is replaced, by what, line, text whose column is meant)
    ("id: gw-1}", "id: gw/1}", 1, "gw/1"),
    ("id: gw-1}", "id: " + "x" * 65 + "}", 1, "x" * 65),
    ("agent: {id", "agent: {name: a, id", 1, "name"),
    ("mqtts://broker", "http://broker", 2, '"http'),
    ("first_delay: 30s", "first_delay: 30", 2, "30}"),
    ("user: gw-1,", "password_file: /nowhere/secret,", 2, "/nowhere"),
    ("256MiB", "512KiB", 3, "512KiB"),
    ("256MiB", "lots", 3, "lots"),
    ("thin_oldest", "thin", 3, "thin"),
    ("path: spool.db, ", "", 3, "{"),
    ("baud: 9600", "baud: fast", 5, "fast"),
    ("parity: none", "parity: odder", 5, "odder"),
    ("stop: 1}", "stop: 3}", 5, "3}"),
    ("device: /dev/serial/by-id/usb-1, ", "", 5, "{baud"),
    ('tcp: "192.0.2.10:502"', 'tcp: "192.0.2.10"', 7, '"192'),
    ('tcp: "192.0.2.10:502"', 'tcp: "192.0.2.10:70000"', 7, '"192'),
    (', tcp: "192.0.2.10:502"', "", 7, "{name"),
    ("name: lan", "name: roof", 7, "roof"),
    ("bus: roof, unit_id: 1", "bus: cellar, unit_id: 1", 10, "cellar"),
    ("unit_id: 2", "unit_id: 1", 11, "1, profile"),
    ("unit_id: 2", "unit_id: 248", 11, "248"),
    ("unit_id: 2", "unit_id: 0", 11, "0, profile"),
    ("unit_id: 255", "unit_id: 256", 12, "256"),
    ("id: swh-0002", "id: swh-0001", 11, "swh-0001"),
    ("unit_id: 2, profile: p", "unit_id: 2, profile: q", 11, "q}"),
    ("unit_id: 2, profile: p", "unit_id: 2", 11, "{id"),
    ("profiles: PROFILES", "profile: PROFILES", 14, "profile:"),
    ("unit_id: 2,", "unit_id: 2, unit_id: 3,", 11, "unit_id: 3"),
]


@pytest.mark.parametrize("old,new,line,at", MISTAKES, ids=[f"{m[2]}-{m[1][:24]}" for m in MISTAKES])
def test_a_mistake_has_its_place(check, old, new, line, at):
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    status, places, words = check(text)
    column = text.splitlines()[line - 1].index(at) + 1
    assert status == 2 and (line, column) in places, words


def test_all_mistakes_at_once_profiles_included(check):
    (check.folder / "profiles" / "bad.yaml").write_text(PROFILE.replace("profile: p", "profile: bad").replace("int16", "int17")
                                                        .replace("table: holding", "table: drawer"))
    text = GOOD.replace("gw-1}", "gw 1}", 1).replace("thin_oldest", "thin").replace("unit_id: 255, profile: p", "unit_id: 255, profile: bad")
    text += "colour: blue\n"
    status, places, words = check(text)
    assert status == 2 and {p[0] for p in places} >= {1, 3, 15}, words
    assert len(re.findall(r"bad\.yaml:4:\d+: error: expected", words)) == 2, words


def test_a_missing_file_a_torn_file_and_no_file(check):
    for arguments in (["--config", "/nowhere/agent.yaml", "--check"], ["--check"], ["--config"], ["--what"]):
        done = subprocess.run([str(BUILD / "heliograph-agent"), *arguments], capture_output=True, text=True, timeout=20)
        assert done.returncode == 2 and done.stderr
    for junk in ("agent: {id: gw-1", "- a\n- b\n", "", "\t", "agent: &a [*a]\n", "\x00\x01", "agent: {id: \"gw\n"):
        status, places, words = check(junk)
        assert status == 2 and re.search(r"agent\.yaml:\d+:\d+: error: ", words), (junk, words)


def test_a_refused_configuration_does_not_start(check):
    path = check.folder / "agent.yaml"
    path.write_text(GOOD.replace("thin_oldest", "thin"))
    done = subprocess.run([str(BUILD / "heliograph-agent"), "--config", str(path)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "error: expected" in done.stderr and not list(check.folder.glob("spool*"))
