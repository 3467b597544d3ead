"""What the wire tests, the crash rounds and the demo stand on: free ports, programs that are waited for and
ended by their id, a broker, a fleet, and a client of the API. No sleeps for luck: everything waits for a state."""
import atexit
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HELIOGRAPH_BUILD", ROOT / "build"))
if not BUILD.is_absolute():
    BUILD = ROOT / BUILD


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, seconds=20, every=0.05, words="the state that was waited for"):
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {words() if callable(words) else words}")
        time.sleep(every)


def can_connect(port):
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex(("127.0.0.1", port)) == 0


def _end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Program:
    def __init__(self, arguments, ready=None, stdin=None, cwd=ROOT, apart=False):
        """It ends with its parent. apart: a Ctrl-C at the terminal does not reach it."""
        self.lines = []
        self.process = subprocess.Popen([str(a) for a in arguments], cwd=cwd, stdin=stdin,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        errors="replace", start_new_session=apart,
                                        preexec_fn=_end_with_parent)
        threading.Thread(target=self._read, daemon=True).start()
        if ready:
            wait_for(lambda: ready in self.lines or self.process.poll() is not None, 40,
                     words=f"{arguments[0]} ready")
            assert ready in self.lines, "\n".join(self.lines)

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def text(self):
        return "\n".join(self.lines)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=15):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(seconds)


class Rig:
    """A folder of its own with a broker, a server, agents and plants in it."""
    postgres = None

    def __init__(self, folder, database=None):
        self.folder = pathlib.Path(folder)
        self.url = database or self.database()
        self.mqtt_port, self.http_port, self.modbus_port = free_port(), free_port(), free_port()
        self.programs = []
        self.token = None
        self.write("mosquitto.conf", f"listener {self.mqtt_port} 127.0.0.1\nallow_anonymous true\n"
                   "max_inflight_messages 200\nmax_queued_messages 10000\nset_tcp_nodelay true\n")
        self.write("server.yaml", f"""
broker: {{url: "mqtt://127.0.0.1:{self.mqtt_port}"}}
database: "{self.url}"
http: {{listen: "127.0.0.1:{self.http_port}"}}
profiles: models/equipment
plans: models/plans
time_zone: Asia/Shanghai
""")

    def database(self):
        """SQLite in the folder; with HELIOGRAPH_DATABASE=postgresql a new database of a PostgreSQL of our own."""
        if os.environ.get("HELIOGRAPH_DATABASE") != "postgresql":
            return f"sqlite:{self.folder}/server.db"
        from postgres import Postgres
        if not Rig.postgres:
            Rig.postgres = Postgres()
            atexit.register(Rig.postgres.close)
        return Rig.postgres.database()

    def rows(self, statement, *values):
        """Rows of the server's own database, whichever it is; ? stands for a value."""
        if self.url.startswith("sqlite:"):
            file = sqlite3.connect(f"file:{self.url[7:]}?mode=ro", uri=True, timeout=10)
            try:
                return file.execute(statement, values).fetchall()
            finally:
                file.close()
        for value in values:
            quoted = str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
            statement = statement.replace("?", quoted, 1)
        answer = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.url, "-c",
                                 f"SELECT COALESCE(json_agg(t), '[]') FROM ({statement}) t"], capture_output=True, text=True)
        assert answer.returncode == 0, answer.stderr
        return [tuple(row.values()) for row in json.loads(answer.stdout)]

    def stored_bytes(self):
        """All that stands in the database, to look for what must not."""
        if self.url.startswith("sqlite:"):
            return b"".join(path.read_bytes() for path in self.folder.glob("server.db*"))
        return subprocess.run(["pg_dump", "-d", self.url], capture_output=True, check=True).stdout

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def keep(self, program):
        self.programs.append(program)
        return program

    def close(self):
        for program in reversed(self.programs):
            if program.process.poll() is None:
                program.process.terminate()
        for program in reversed(self.programs):
            try:
                program.process.wait(15)
            except subprocess.TimeoutExpired:
                program.kill()

    def broker(self):
        exe = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        program = self.keep(Program([exe, "-c", self.folder / "mosquitto.conf"]))
        wait_for(lambda: can_connect(self.mqtt_port), words="the broker listens")
        return program

    def server(self):
        return self.keep(Program([BUILD / "heliograph-server", "--config", self.folder / "server.yaml"], "ready"))

    def command(self, *words, stdin=None):
        return subprocess.run([str(BUILD / "heliograph-server"), "--config", str(self.folder / "server.yaml"),
                               *map(str, words)], cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=60)

    def plant(self, heaters=2, *more):
        return self.keep(Program([BUILD / "heliograph-plant", "--tcp", f"127.0.0.1:{self.modbus_port}",
                                  "--heaters", heaters, *more], "ready", stdin=subprocess.PIPE))

    def agent(self, name="gw-1", units=((1, "swh-0001"), (2, "swh-0002")), profile="swh-basic", folder="models/equipment",
              bus=None, spool="256MiB", policy="drop_oldest"):
        rows = "".join(f"  - {{id: {e}, bus: lan, unit_id: {u}, profile: {profile}}}\n" for u, e in units)
        bus = bus or f'tcp: "127.0.0.1:{self.modbus_port}"'
        path = self.write(f"{name}.yaml", f"""
agent: {{id: {name}}}
broker: {{url: "mqtt://127.0.0.1:{self.mqtt_port}"}}
spool: {{path: {self.folder}/{name}.spool, max_bytes: {spool}, full: {policy}}}
buses:
  - {{name: lan, {bus}}}
equipment:
{rows}profiles: {folder}
""")
        return self.keep(Program([BUILD / "heliograph-agent", "--config", path], "ready"))

    def fleet(self, equipment=("swh-0001", "swh-0002"), agent="gw-1", profile="swh-basic"):
        rows = "".join(f"""  - {{id: {e}, title: Roof heater, site: site-1, profile: {profile}, agent: {agent}, serial: SN-{e},
     sale_date: "2025-03-01", invoice_date: "2025-03-01", manufacture_date: "2025-01-10", completion_date: "2025-03-05",
     acceptance_date: "2025-03-06", components: [{{class: tank, serial: T-1}}, {{class: electrical}}]}}
""" for e in equipment)
        path = self.write("fleet.yaml", f"""
customers: [{{id: cust-1, name: Li Xiaoming, phone: "+86 21 5550 1234", email: li@example.cn}}]
calendars:
  - {{id: cal-cn, time_zone: Asia/Shanghai, week: {{mon: ["08:30-12:00", "13:00-17:30"], tue: ["08:30-12:00", "13:00-17:30"]}}, holidays: ["2027-01-01"], workdays: ["2027-02-06"]}}
sites: [{{id: site-1, customer: cust-1, name: Home, address: "88 Zhangyang Road", time_zone: Asia/Shanghai, calendar: cal-cn, lat: 31.2, lon: 121.5}}]
teams: [{{id: team-1, name: Pudong crew, sites: [site-1], skills: [electrician], calendar: cal-cn}}]
technicians: [{{id: tech-1, name: Wang Jun, team: team-1, phone: "+86 139 0000 1111", certificates: [{{type: electrician, no: X1, valid_to: "2028-05-01"}}]}}]
equipment:
{rows}contracts: [{{id: con-1, customer: cust-1, sites: [site-1], plan: swh_standard, service_level: A, start: "2025-03-06", end: "2029-03-05"}}]
depots: [{{id: depot-1, name: Pudong depot, lat: 31.2, lon: 121.6}}]
parts: [{{id: pump-15-60, title: {{en: Circulation pump, zh: 循环泵}}, class: electrical, stock: [{{depot: depot-1, count: 4}}]}}]
""")
        result = self.command("import", path)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def call(self, method, path, body=None, headers=None, token=True):
        if token and not self.token:
            self.token = self.command("token", "add", "tests", "--role", "admin").stdout.split()[-1]
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode())
        if token:
            request.add_header("Authorization", f"Bearer {self.token}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                text, status = answer.read().decode(), answer.status
        except urllib.error.HTTPError as problem:
            text, status = problem.read().decode(), problem.code
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def get(self, path):
        status, body = self.call("GET", "/api/v1" + path)
        assert status == 200, (status, body)
        return body

    def tickets(self, query=""):
        return self.get("/tickets" + query)["items"]

    def metric(self, name):
        _, text = self.call("GET", "/metrics", token=False)
        for line in text.splitlines():
            if line.startswith(f"heliograph_{name} "):
                return int(line.split()[1])
        raise AssertionError(f"no metric {name}")
