"""What a measurement stands on: a broker, a server and a flood of its own, the peer's packages, and CPU time from
/proc. Everything listens on free ports of 127.0.0.1 and is ended by its id."""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

import rig

HERE = pathlib.Path(__file__).resolve().parent
BUILD = rig.BUILD
TOOLS = BUILD / "bench"
PEER = BUILD / "bench" / "peer"
SEED = 20260101


def say(words):
    print(f"[{time.strftime('%H:%M:%S')}] {words}", flush=True)


def cpu(pid):
    """CPU-seconds of all threads, user and system: in nanoseconds for the threads that live, and in ticks with those
    that have ended; the larger is nearer to the truth."""
    alive = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            alive += int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return max(alive / 1e9, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))


def resident_mb(pid):
    """Resident memory now and at most since the start, in MB (10^6 bytes)."""
    words = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(words[key].split()[0]) * 1024 / 1e6 for key in ("VmRSS", "VmHWM"))


def median(values):
    return statistics.median(values)


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def tool(name, *words):
    """Runs one of the C programs of tests/bench; its last line is JSON."""
    done = subprocess.run([str(TOOLS / name), *map(str, words)], capture_output=True, text=True, cwd=rig.ROOT)
    if done.returncode:
        raise AssertionError(f"{name} {' '.join(map(str, words))} ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


class Stand(rig.Rig):
    """A rig whose broker drops nothing: a flood does not send again. Used with `with`."""

    def __init__(self):
        super().__init__(tempfile.mkdtemp(prefix="heliograph-bench-"))
        self.write("mosquitto.conf", f"listener {self.mqtt_port} 127.0.0.1\nallow_anonymous true\n"
                   "max_inflight_messages 200\nmax_queued_messages 0\nset_tcp_nodelay true\n")

    def __enter__(self):
        self.broker()
        return self

    def __exit__(self, *_):
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def flood(self, shape, messages, agents, edge=False, end_ms=None, spread_ms=1000, rate=0, seed=SEED, ahead=0, stored=None):
        """ahead: so many messages may be on their way, by what stored() says of those that have arrived."""
        flood = rig.Program([TOOLS / "flood", self.mqtt_port, shape, messages, agents, int(edge), end_ms or int(time.time() * 1000),
                             spread_ms, rate, seed, ahead], stdin=subprocess.PIPE)
        if ahead:
            threading.Thread(target=self._tell, args=(flood, stored), daemon=True).start()
        return flood

    @staticmethod
    def _tell(flood, stored):
        try:
            while flood.process.poll() is None:
                flood.process.stdin.write(f"{stored()}\n")
                flood.process.stdin.flush()
                time.sleep(0.1)
        except (OSError, AssertionError):
            pass  # one of the two has ended

    def heliograph(self):
        """The server, connected: a flood's first message finds its subscriptions."""
        server = self.server()
        rig.wait_for(lambda: self.metric("broker_connected") == 1, words="the server is connected")
        time.sleep(0.3)  # the SUBACKs: they are not counted anywhere
        return server

    def stored(self):
        return self.metric("readings_total")

    def until_stored(self, readings, seconds=120):
        rig.wait_for(lambda: self.stored() >= readings, seconds, 0.1,
                     f"{readings} readings stored, {self.stored()} are")
        assert self.stored() == readings, f"{self.stored()} readings are stored, {readings} were sent"

    def collector(self, shape):
        path = self.folder / "peer.db"
        program = self.keep(rig.Program(["node", PEER / "collector.js", self.mqtt_port, path, shape], "ready"))
        return program, path


def finished(flood, seconds=600):
    """What a flood says when it has ended."""
    assert flood.process.wait(seconds) == 0, flood.text()
    rig.wait_for(lambda: flood.lines, 5)
    return json.loads(flood.lines[-1])


# ---------------------------------------------------------------- the peer

def prepare_peer():
    """node and npm from Debian when there are none; the packages into the build folder, never 13 of better-sqlite3
    (it does not run on Debian's node)."""
    if not (shutil.which("node") and shutil.which("npm")):
        root = [] if os.geteuid() == 0 else ["sudo"]
        say("installing from Debian: nodejs npm")
        for words in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", "nodejs", "npm", "g++", "make"]):
            subprocess.run([*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *words], check=True,
                           stdout=subprocess.DEVNULL)
    PEER.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "collector.js", PEER / "collector.js")
    if not (PEER / "node_modules" / "better-sqlite3" / "build" / "Release" / "better_sqlite3.node").exists():
        say("installing from npm into build/: mqtt better-sqlite3@12 (a minute or two)")
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", PEER, "mqtt@5",
                        "better-sqlite3@12"], check=True, cwd=PEER)
    probe = subprocess.run(["node", "-e", "require('better-sqlite3')(':memory:')"], cwd=PEER, capture_output=True, text=True)
    if probe.returncode:
        raise AssertionError("the peer's better-sqlite3 cannot be loaded: " + probe.stderr.strip()[-300:])


def peer_versions():
    words = "const v=n=>require(n+'/package.json').version;console.log(JSON.stringify({node:process.version," \
            "'mqtt.js':v('mqtt'),'better-sqlite3':v('better-sqlite3'),'its SQLite':" \
            "require('better-sqlite3')(':memory:').prepare('select sqlite_version() v').get().v}))"
    if not (PEER.is_dir() and shutil.which("node")):
        return {}  # no benchmark that was run needed it
    done = subprocess.run(["node", "-e", words], cwd=PEER, capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def machine():
    words = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in words.splitlines() if line.startswith("model name")), "?")
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) // 1024 // 1024
    release = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line)

    def first(*words):
        try:
            return subprocess.run(words, capture_output=True, text=True).stdout.splitlines()[0]
        except (OSError, IndexError):
            return "?"
    import sqlite3
    return {"system": release.get("PRETTY_NAME", "?").strip('"'), "kernel": os.uname().release, "processor": model,
            "cores": os.cpu_count(), "memory_gib": memory, "load_before": round(os.getloadavg()[0], 2),
            "mosquitto": first(shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-h"), "compiler": first("gcc", "--version"),
            "sqlite": sqlite3.sqlite_version, "heliograph": first("git", "-C", str(rig.ROOT), "describe", "--always", "--dirty")}
