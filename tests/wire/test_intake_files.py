"""Files that people write and commands that people type, beside a running server and without one."""
import os
import re
import sqlite3
import subprocess
import time

import pytest
from gateway import Gateway, now_ms
from rig import BUILD, ROOT, Rig, wait_for


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("files"))
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def running(rig):
    rig.broker()
    rig.fleet()
    rig.server()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    return rig


def dump(rig):
    db = sqlite3.connect(f"file:{rig.folder}/server.db?mode=ro", uri=True)
    try:
        return {t: db.execute(f"SELECT * FROM {t}").fetchall() for t in
                ("customer", "calendar", "site", "team", "team_site", "technician", "equipment", "component", "contract",
                 "contract_site", "depot", "part", "stock", "visit")}
    finally:
        db.close()


def errors(result):
    return [tuple(map(int, m)) for m in re.findall(r"^\S+?:(\d+):(\d+): error: ", result.stderr, re.M)]


def check(config):
    return subprocess.run([BUILD / "heliograph-server", "--config", config, "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_the_first_import_makes_the_database_and_the_second_changes_nothing(rig):
    rig.fleet()
    before = dump(rig)
    result = rig.command("import", rig.folder / "fleet.yaml")
    assert result.returncode == 0 and re.search(r"\b0 rows", result.stdout), result.stdout
    assert dump(rig) == before


WRONG = """\
customers:
  - {id: c 1}
  - {id: c-2, phone: [1]}
  - {id: c-2}
sites:
  - {id: s-1, customer: nobody, time_zone: Mars/North, lat: 91}
  - {id: s-2, calendar: none, remote_area: perhaps, colour: red}
teams:
  - {id: t-1, sites: [s-1, s-9], skills: electrician}
technicians:
  - {id: x-1, team: t-9, certificates: [{type: a, valid_to: 2028-13-01}]}
equipment:
  - {id: e-1, site: s-1, profile: none, agent: "a b", sale_date: "01.03.2025"}
  - {title: nameless}
  - {id: e-2, acceptance_date: 2025-02-30, components: [{serial: 1}]}
contracts:
  - {id: k-1, plan: none, service_level: Z, start: soon}
  - {id: k-2, sites: [s-1]}
depots:
  - {id: d-1, lon: east}
parts:
  - {id: p-1, stock: [{depot: d-9, count: -1}]}
calendars:
  - {id: w-1, week: {mon: ["25:00-26:00"]}, time_zone: Asia/Shanghai}
"""


def test_all_errors_of_a_fleet_file_at_once_and_nothing_applied(rig):
    rig.fleet()
    before = dump(rig)
    path = rig.write("wrong.yaml", WRONG)
    result = rig.command("import", path)
    assert result.returncode == 2 and dump(rig) == before
    lines = WRONG.splitlines()
    at = lambda words, nth=0: [(n + 1, m.start() + 1) for n, l in enumerate(lines) for m in re.finditer(re.escape(words), l)][nth]
    found = errors(result)
    for words in ("c 1", "[1]", "nobody", "Mars/North", "91", "none, remote", "perhaps", "colour", "s-9", "electrician}", "t-9", "2028-13-01",
                  "none, agent", '"a b"', '"01.03', "2025-02-30", "none, service", "Z, start", "soon", "east", "d-9", "-1}", '"25:00'):
        assert at(words) in found, (words, at(words), result.stderr)
    assert at("c-2", 1) in found                      # the same id again
    assert at("{title: nameless}") in found           # a missing key: at the map
    assert at("{serial: 1}") in found and at("{id: k-2") in found
    assert len(found) == len(set(found)) == len(result.stderr.splitlines()) - 0
    for line in result.stderr.splitlines():
        assert line.startswith(f"{path}:") and "expected" in line and "found" in line, line


@pytest.mark.parametrize("text", ["", "[]", "a: b: c", "\t- x", "customers: 5", "customers: [", "*a", "&a [*a]", "customers:\n  - {id: a}\n  - {id: a}\n",
                                  "customers: [{id: [x]}, {id: {a: b}}, {id: a}]", "customers: [1, [], {id: }]", "sites: [{id: s, customer: [x]}]",
                                  "\xff\xfe", "customers: [{id: a, name: !!binary x}]"])
def test_no_fleet_file_breaks_the_import(rig, text):
    path = rig.folder / "odd.yaml"
    path.write_bytes(text.encode("latin-1"))
    result = rig.command("import", path)
    assert result.returncode in (0, 2)
    assert result.returncode == 0 or errors(result), result.stderr
    assert rig.command("import", rig.folder / "absent.yaml").returncode == 2


def test_a_large_fleet_is_imported_in_seconds(rig, tmp_path):
    big = Rig(tmp_path)
    rows = "".join(f"  - {{id: e-{k:05d}, site: s-{k % 3000:04d}, profile: swh-basic, agent: gw-{k // 2}}}\n" for k in range(6000))
    sites = "".join(f"  - {{id: s-{k:04d}, customer: c-{k:04d}}}\n" for k in range(3000))
    customers = "".join(f"  - {{id: c-{k:04d}}}\n" for k in range(3000))
    path = big.write("big.yaml", f"customers:\n{customers}sites:\n{sites}equipment:\n{rows}")
    result = big.command("import", path)
    assert result.returncode == 0, result.stderr[:500]
    again = big.command("import", path)
    assert re.search(r"\b0 rows", again.stdout)


def test_changes_of_a_fleet_file_are_applied_while_the_server_runs(running):
    path = running.write("one.yaml", "equipment:\n  - {id: swh-0001, title: Another title, site: site-1, profile: swh-basic, agent: gw-1}\n")
    result = running.command("import", path)
    assert result.returncode == 0 and "0 rows" not in result.stdout
    wait_for(lambda: running.get("/equipment/swh-0001")["title"] == "Another title")
    assert re.search(r"\b0 rows", running.command("import", path).stdout)
    # what the file does not name stays
    assert running.get("/equipment/swh-0002")["title"] == "Roof heater"
    # the gateway was replaced: only the new one may speak now
    path = running.write("two.yaml", "equipment:\n  - {id: swh-0002, agent: gw-2}\n")
    assert running.command("import", path).returncode == 0
    wait_for(lambda: running.get("/equipment/swh-0002")["agent"] == "gw-2")
    gw = Gateway(running, "gw-2")
    gw.data("swh-0002", {"flow": [[0, 3.25]]})
    gw.wait_have([[1, 1]])
    points = {p["name"]: p for p in running.get("/equipment/swh-0002")["points"]}
    assert points["flow"]["value"] == 3.25
    gw.close()


def test_users_and_tokens(running):
    for role in ("admin", "manager", "dispatcher", "technician", "viewer", "integration"):
        result = running.command("token", "add", f"t-{role}", "--role", role)
        assert result.returncode == 0
        token = result.stdout.split()[-1]
        assert running.call("GET", "/api/v1/equipment", headers={"Authorization": f"Bearer {token}"}, token=False)[0] == 200, role
        assert running.command("user", "add", f"u-{role}", "--role", role, stdin="a long enough password\n").returncode == 0
    assert running.command("token", "add", "x", "--role", "king").returncode == 2
    assert running.command("token", "add", "x").returncode == 2
    assert running.command("user", "add", "x", "--role", "viewer", stdin="").returncode == 2
    for words in (["nonsense"], ["import"], ["import", "a", "b"], ["user"], ["user", "add"], ["audit", "x"], ["backup"], ["token", "add", "a", "b"]):
        assert running.command(*words).returncode == 2, words


def test_a_backup_of_a_running_server_is_whole(running):
    gw = Gateway(running, "gw-1")
    sent = 0
    for k in range(200):
        gw.data("swh-0001", {"flow": [[i, k + i / 8] for i in range(20)]})
    path = running.folder / "copy.db"
    result = running.command("backup", path)
    assert result.returncode == 0
    gw.wait_have([[1, 200]])
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()
    assert oct(os.stat(path).st_mode & 0o077) == "0o0"  # it holds customers and password hashes
    # again to the same place: replaced
    assert running.command("backup", path).returncode == 0
    config = (running.folder / "server.yaml").read_text()
    running.write("restored.yaml", config.replace("/server.db", "/copy.db"))
    audit = subprocess.run([BUILD / "heliograph-server", "--config", running.folder / "restored.yaml", "audit"], cwd=ROOT, capture_output=True, text=True)
    assert audit.returncode == 0 and "agent=gw-1 " in audit.stdout
    # not over the database itself, not where nothing can be written; and nothing half is left behind
    for bad in (running.folder / "server.db", running.folder / "no" / "such", running.folder):
        result = running.command("backup", bad)
        assert result.returncode == 1 and "backup" in result.stderr, (bad, result)
    assert running.get("/equipment/swh-0001")["id"] == "swh-0001"
    assert not [n for n in os.listdir(running.folder) if n.endswith(".new")]
    gw.close()


def test_all_errors_of_all_files_at_once(tmp_path):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "plans").mkdir()
    (tmp_path / "profiles/a.yaml").write_text("profile: a\npoints: []\n")
    (tmp_path / "profiles/b.yaml").write_text("profile: b b\ntitle: {en: B}\npoints:\n  - {name: x, register: {table: input, address: -1, type: int99}}\n")
    (tmp_path / "plans/c.yaml").write_text("plan: [\n")
    (tmp_path / "plans/d.yaml").write_text("plan: d\nnonsense: 1\n")
    config = tmp_path / "server.yaml"
    config.write_text(f"broker: {{url: 'ftp://x', port: 1}}\ndatabase: 'mysql:x'\nhttp: {{listen: nowhere}}\nprofiles: {tmp_path}/profiles\nplans: {tmp_path}/plans\ntime_zone: Mars\ncome_back: 60\n")
    result = check(config)
    assert result.returncode == 2
    for name, at in (("server.yaml", (1, 15)), ("server.yaml", (1, 26)), ("server.yaml", (2, 11)), ("server.yaml", (3, 16)), ("server.yaml", (6, 12)),
                     ("server.yaml", (7, 12))):
        assert f"{tmp_path}/{name}:{at[0]}:{at[1]}: error: " in result.stderr, (name, at, result.stderr)
    for name in ("profiles/a.yaml", "profiles/b.yaml", "plans/c.yaml", "plans/d.yaml"):
        assert f"{tmp_path}/{name}:" in result.stderr, result.stderr
    config.write_text("database: 'sqlite:x'\n")
    result = check(config)
    assert result.returncode == 2 and errors(result) == [(1, 1)] * 3, result.stderr  # broker, profiles, plans are missing; nothing else is read
    config.write_text(f"broker: {{url: 'mqtt://x'}}\ndatabase: 'sqlite:x'\nprofiles: models/equipment\nplans: {tmp_path}/none\npreset_plan: x\n")
    assert check(config).returncode == 2
    config.write_text("broker: {url: 'mqtt://x'}\ndatabase: 'sqlite:x'\nprofiles: models/equipment\nplans: models/plans\npreset_plan: nothing\n")
    result = check(config)
    assert result.returncode == 2 and errors(result) == [(5, 14)]
    assert check(tmp_path / "absent.yaml").returncode == 2
    assert check("server/server.yaml").returncode == 0
    assert not (ROOT / "server.db").exists()
