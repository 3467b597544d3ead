"""./run demo: a broker, a plant on Modbus, an agent and the server on this machine, and what happens."""
import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import time
from datetime import date, timedelta

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "wire"))
from rig import Rig, wait_for  # noqa: E402

SCENARIOS = {
    "storm": [(6, 1, "leak_current", True), (9, 2, "pump_stopped", True), (15, 3, "silent", True)],
    "quiet": [(10, 2, "pump_stopped", True)],
    "winter": [(6, 1, "low_pressure", True), (10, 2, "element_open", True)],
}


def say(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


def describe(rig, number):
    t = rig.get("/tickets/" + number)
    print(f"""
  ticket {t['number']}   grade {t['grade']}   {t['equipment']}
    {t['title']['en']} · {t['title']['zh']}
    onset {t['onset']}   registered {t['registered_at']}
    warranty: {t['warranty']['component']} {t['warranty']['verdict']} ({t['warranty']['rule']}; {t['warranty']['evidence']})
    likely: {', '.join(f"{c['cause']} {c['odds']:.0%}" for c in t['cause']) or 'unknown'}""")
    for c in t["clocks"]:
        print(f"    clock {c['kind']:<14} due {c['due_at']}  {c['state']}  (promise {c['limit']}, origin {c['origin']})")
    for w in t["work_orders"]:
        o = rig.get("/work-orders/" + w)
        parts = ", ".join(f"{p['part']} ({p['in_stock']} in stock)" for p in o["parts"]) or "none"
        print(f"    work order {o['number']} {o['state']} to {o['team']}; parts: {parts}", flush=True)


def calendar(rig):
    a = date.today()
    items = rig.get(f"/visits?from={a}&to={a + timedelta(365)}")["items"]
    print("\n  maintenance visits of the year ahead")
    for v in sorted(items, key=lambda v: v["due_on"]):
        print(f"    {v['due_on']}  {v['equipment']}  visit {v['sequence']}, window {v['window_start']} to {v['window_end']}")
    print(flush=True)


def main():
    options = argparse.ArgumentParser(prog="./run demo")
    options.add_argument("--for", dest="seconds", type=float, default=0, help="end by itself after so many seconds")
    options.add_argument("--scenario", choices=sorted(SCENARIOS), default="storm")
    options = options.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="heliograph-demo-"))
    rig, begun, seen = Rig(folder), time.monotonic(), set()
    steps = list(SCENARIOS[options.scenario])
    try:
        say("starting the broker, the server, three solar water heaters on Modbus and their agent")
        rig.broker()
        names = ["swh-0001", "swh-0002", "swh-0003"]
        rig.fleet(names)
        rig.server()
        plant = rig.plant(3, "--speed", "10")
        rig.agent(units=[(i + 1, n) for i, n in enumerate(names)])
        rig.tickets()
        say(f"API at http://127.0.0.1:{rig.http_port}/api/v1/  token {rig.token}")
        wait_for(lambda: any(e["points"] for e in rig.get("/equipment")["items"]), 30)
        say("first values have arrived")
        calendar(rig)
        while not options.seconds or time.monotonic() - begun < options.seconds:
            while steps and time.monotonic() - begun > steps[0][0]:
                _, unit, fault, on = steps.pop(0)
                say(f"heater {unit}: {fault} {'begins' if on else 'ends'}")
                plant.process.stdin.write(f"{'fault' if on else 'clear'} {unit} {fault}\n")
                plant.process.stdin.flush()
            for ticket in rig.tickets():
                key = (ticket["number"], ticket["grade"], ticket["cleared_at"])
                if key not in seen:
                    seen.add(key)
                    describe(rig, ticket["number"])
            time.sleep(0.5)
    except KeyboardInterrupt:
        print()
    finally:
        try:
            tickets = rig.tickets("?state=open")
            print("\nsummary")
            print(f"  readings stored {rig.metric('readings_total')}, messages {rig.metric('messages_stored_total')}, "
                  f"quarantined {rig.metric('quarantined_total')}")
            for t in tickets:
                print(f"  {t['number']}  grade {t['grade']}  {t['equipment'] or t['agent']}  {t['title']['en']}  {t['state']}")
            print(" ", rig.command("audit").stdout.strip())
        except Exception as problem:  # the programs may be gone already when somebody pressed Ctrl-C
            print(f"  no summary: {problem}")
        rig.close()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).resolve().parents[2])
    sys.exit(main())
