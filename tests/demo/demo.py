"""./run demo: a broker, a plant on Modbus, an agent and the server on this machine, and what happens as it happens."""
import argparse
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timedelta

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "wire"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fleet import fleet  # noqa: E402
from rig import BUILD, Program, Rig, can_connect, wait_for  # noqa: E402

HEATERS = ("swh-0001", "swh-0002", "swh-0003")
# seconds, heater, fault and why it shows when it does; options of the plant
SCENARIOS = {
    "storm": ("lightning: a leaking heating element, a dead pump, a controller that falls silent", ["--speed", "10"],
              [(2, 2, "pump_stopped", "seen when it has lasted 60 s, grade 1 after 10 minutes"), (6, 1, "leak_current", "dangerous: seen at the next poll"),
               (12, 3, "silent", "seen after three polls without an answer")]),
    "quiet": ("a fine day: nothing is wrong", ["--speed", "60", "--hour", "9"], []),
    "winter": ("a cold night, an hour a minute: the circulation against frost fails, and the back-up heater, and a joint bursts",
               ["--speed", "60", "--weather", "year", "--day", "10", "--hour", "20"],
               [(2, 1, "frost_off", "seen below 4.5 °C without circulation for 2 minutes"), (4, 2, "element_open", "seen when the tank wants heat and gets none"),
                (8, 3, "burst", "seen when the pressure has gone for 2 minutes")]),
}


class Ended(Exception):
    pass


def say(text=""):
    print(f"{time.strftime('%H:%M:%S')} {text}" if text else "", flush=True)


def when(text):
    """RFC 3339 as people say it."""
    return datetime.fromisoformat(text).strftime("%a %d %b %H:%M:%S") if text else "–"


def describe(rig, ticket, changed):
    ticket = rig.get("/tickets/" + ticket["number"])
    title = ticket["title"]
    print(f"""
  ┌ ticket {ticket['number']}   grade {ticket['grade']}{'   ' + changed if changed else ''}
  │ {ticket['equipment'] or ticket['agent']}: {title['en']} · {title['zh']}
  │ began {when(ticket['onset'])}, registered {when(ticket['registered_at'])} (Shanghai)   evidence {ticket['evidence'] or '–'}""")
    warranty = ticket["warranty"]
    if warranty and warranty.get("component"):
        print(f"  │ warranty: {warranty['component']} {warranty['verdict']}{(' since ' if warranty['verdict'] == 'expired' else ' until ') + warranty['until'] if warranty.get('until') else ''} ({warranty['rule']})")
    if ticket["cause"]:
        print("  │ likely: " + ", ".join(f"{c['cause'].replace('_', ' ')} {c['odds']:.0%}" for c in ticket["cause"]))
    for clock in ticket["clocks"]:
        print(f"  │ clock {clock['kind']:<12} due {when(clock['due_at'])}   {clock['state']}")
    for number in ticket["work_orders"]:
        order = rig.get("/work-orders/" + number)
        parts = ", ".join(f"{p['part']} ({p['in_stock']} in stock)" for p in order["parts"]) or "none"
        print(f"  │ work order {order['number']} {order['state']} to {order['team']}; parts to bring: {parts}")
    print("  └", flush=True)


def calendar(rig):
    today = date.today()
    print("\n  maintenance visits of the year ahead, two for each heater")
    for visit in sorted(rig.get(f"/visits?from={today}&to={today + timedelta(365)}")["items"], key=lambda v: (v["due_on"], v["equipment"])):
        print(f"    {visit['due_on']}  {visit['equipment']}   between {visit['window_start']} and {visit['window_end']}")
    print(flush=True)


def values(rig, name):
    points = {p["name"]: p for p in rig.get("/equipment/" + name)["points"]}
    wanted = ("collector_temp", "tank_top", "pump_on", "flow", "pressure", "level")
    return "  ".join(f"{n} {points[n]['value']} {points[n].get('unit') or ''}".rstrip() for n in wanted if n in points)


class Demo:
    def __init__(self, scenario):
        self.words, self.plant_options, steps = SCENARIOS[scenario]
        self.steps = list(steps)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="heliograph-demo-"))
        self.rig = Rig(self.folder)
        self.seen = {}

    def program(self, *words, ready="ready", stdin=None):
        return self.rig.keep(Program(words, ready, stdin=stdin, apart=True))

    def start(self):
        rig = self.rig
        say(f"scenario: {self.words}")
        conf = (pathlib.Path("broker-config") / "test.conf").read_text().replace("listener 1883 ", f"listener {rig.mqtt_port} ")
        # as another user it would not hear that the demo has died
        rig.write("mosquitto.conf", ("user root\n" if os.geteuid() == 0 else "") + conf)
        self.program(shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", self.folder / "mosquitto.conf", ready=None)
        wait_for(lambda: can_connect(rig.mqtt_port), words="the broker listens")
        say(f"mosquitto on 127.0.0.1:{rig.mqtt_port}")
        result = rig.command("import", rig.write("fleet.yaml", fleet("gw-1")))
        if result.returncode:
            raise RuntimeError(result.stderr)
        self.program(BUILD / "heliograph-server", "--config", self.folder / "server.yaml")
        say(f"heliograph-server on 127.0.0.1:{rig.http_port}; fleet: 2 customers, 3 heaters, 1 crew, 2 contracts")
        self.plant = self.program(BUILD / "heliograph-plant", "--tcp", f"127.0.0.1:{rig.modbus_port}", "--heaters", len(HEATERS), *self.plant_options,
                                  stdin=subprocess.PIPE)
        say(f"heliograph-plant: units 1 to 3 on Modbus TCP 127.0.0.1:{rig.modbus_port}")
        rows = "".join(f"  - {{id: {name}, bus: lan, unit_id: {i + 1}, profile: swh-basic}}\n" for i, name in enumerate(HEATERS))
        config = rig.write("agent.yaml", f"""agent: {{id: gw-1}}
broker: {{url: "mqtt://127.0.0.1:{rig.mqtt_port}"}}
spool: {{path: {self.folder}/gw-1.spool, max_bytes: 64MiB}}
buses: [{{name: lan, tcp: "127.0.0.1:{rig.modbus_port}"}}]
equipment:
{rows}profiles: models/equipment
""")
        self.program(BUILD / "heliograph-agent", "--config", config)
        say("heliograph-agent gw-1 polls them every 10 s")
        self.log_ins()

    def log_ins(self):
        rig = self.rig
        rig.tickets()  # makes the token
        print(f"\n  console  http://127.0.0.1:{rig.http_port}/")
        for name, role in (("admin", "admin"), ("dispatch", "dispatcher"), ("wang", "technician")):
            password = secrets.token_urlsafe(9)
            rig.command("user", "add", name, "--role", role, stdin=password + "\n")
            print(f"           {name:<9} password {password}   ({role})")
        print(f"  API      http://127.0.0.1:{rig.http_port}/api/v1/   described by openapi.json there\n"
              f"           curl -H 'Authorization: Bearer {rig.token}' http://127.0.0.1:{rig.http_port}/api/v1/tickets\n", flush=True)

    def first_values(self):
        wait_for(lambda: all(e["points"] for e in self.rig.get("/equipment")["items"]), 40, words="the first values")
        say("the first values have come all the way from the registers:")
        for name in HEATERS:
            print(f"    {name}  {values(self.rig, name)}")
        calendar(self.rig)

    def turn(self, seconds):
        while self.steps and seconds > self.steps[0][0]:
            _, unit, fault, words = self.steps.pop(0)
            say(f"in heater {unit} ({HEATERS[unit - 1]}) now: {fault}; {words}")
            self.plant.process.stdin.write(f"fault {unit} {fault}\n")
            self.plant.process.stdin.flush()
        for ticket in self.rig.tickets():
            state = (ticket["grade"], ticket["cleared_at"])
            before = self.seen.get(ticket["number"])
            if before != state:
                self.seen[ticket["number"]] = state
                describe(self.rig, ticket, "" if before is None else f"was {before[0]}" if before[0] != state[0] else "cleared")

    def summary(self):
        rig = self.rig
        tickets = rig.tickets("?state=open")
        print(f"\nsummary\n  readings stored {rig.metric('readings_total')}, messages {rig.metric('messages_stored_total')}, quarantined {rig.metric('quarantined_total')}, "
              f"open tickets {len(tickets)}")
        for t in tickets:
            late = [c["kind"] for c in t["clocks"] if c["state"] == "breached"]
            print(f"  {t['number']}  grade {t['grade']}  {t['equipment'] or t['agent']}  {t['title']['en']}  {t['state']}, work order {', '.join(t['work_orders']) or '–'}"
                  f"{', late: ' + ', '.join(late) if late else ''}")
        today = date.today()
        visits = rig.get(f"/visits?from={today}&to={today + timedelta(365)}")["items"]
        print(f"  {len(visits)} maintenance visits in the year ahead, the next on {min((v['due_on'] for v in visits), default='–')}")
        print("  " + rig.command("audit").stdout.strip(), flush=True)

    def close(self):
        self.rig.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def end(*_):
    raise Ended


def main():
    options = argparse.ArgumentParser(prog="./run demo")
    options.add_argument("--for", dest="seconds", type=float, default=0, metavar="SECONDS", help="end by itself after so many seconds")
    options.add_argument("--scenario", choices=sorted(SCENARIOS), default="storm", help="; ".join(f"{k}: {v[0]}" for k, v in SCENARIOS.items()))
    options = options.parse_args()
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    began, demo, status = time.monotonic(), None, 0
    try:
        demo = Demo(options.scenario)
        demo.start()
        demo.first_values()
        begun = time.monotonic()
        say("Ctrl-C ends it" if not options.seconds else f"ends {options.seconds:.0f} s after its start")
        while not options.seconds or time.monotonic() - began < options.seconds:
            demo.turn(time.monotonic() - begun)
            time.sleep(0.3)
    except Ended:
        print()
    except Exception as problem:
        status = 1
        say(f"something went wrong: {problem}")
        for program in demo.rig.programs if demo else []:
            print(f"--- {program.process.args[0]}, status {program.process.poll()}\n" + "\n".join(program.lines[-15:]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is ending already
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if demo:
        try:
            if len(demo.seen) or status == 0:
                demo.summary()
        except Exception as problem:
            print(f"  no summary: {problem}")
        demo.close()
    return status


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).resolve().parents[2])
    sys.exit(main())
