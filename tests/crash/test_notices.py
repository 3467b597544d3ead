"""No notice twice, none missing: the server is killed at random while its outbox sends to a real webhook and a real mail
server, which fail, hang up after they have read, and answer late. Whoever drops repeats by their key has every notice
exactly once. HELIOGRAPH_ROUNDS says how many kills (a third of it); HELIOGRAPH_SEED repeats the dice."""
import collections
import email
import email.policy
import http.server
import json
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "wire"))
from desk_rig import DeskRig  # noqa: E402
from receivers import Mail  # noqa: E402
from rig import wait_for  # noqa: E402

KILLS = max(4, int(os.environ.get("HELIOGRAPH_ROUNDS", "30")) // 3)
SEED = int(os.environ.get("HELIOGRAPH_SEED", str(random.randrange(1 << 30))))
SLICE = 50  # what the outbox sends between two commits: no more can come again after a kill


class Receiver(http.server.ThreadingHTTPServer):
    """A webhook with moods. got: every body that was read whole, also when the answer was never given."""
    daemon_threads = True

    def __init__(self, dice):
        self.got, self.answered, self.calm, self.lock = [], collections.Counter(), False, threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                key = self.headers["Idempotency-Key"]
                with receiver.lock:
                    mood = "ok" if receiver.calm else dice.choices(["ok", "fail", "late", "hang up"], [88, 4, 6, 2])[0]
                if mood == "fail":
                    self.send_error(503)
                    return
                with receiver.lock:
                    receiver.got.append((key, body))
                    receiver.answered[key] += mood != "hang up"
                if mood == "hang up":
                    self.close_connection = True
                    return
                if mood == "late":
                    time.sleep(0.05)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *words):
                pass
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_port}/hook"


class Desk(threading.Thread):
    """Somebody who opens tickets and does things with them, again until it is answered. done: (ticket, step) that must be told."""

    def __init__(self, rig, number, stop):
        super().__init__(daemon=True)
        self.rig, self.number, self.stop, self.done, self.tickets = rig, number, stop, set(), 0

    def ask(self, path, body):
        while not self.stop.is_set():
            try:
                status, answer = self.rig.call("POST", "/api/v1" + path, body)
                if status in (200, 201):
                    return answer
                assert status == 503, answer
            except OSError:
                pass
            time.sleep(0.03)
        return None

    def run(self):
        while not self.stop.is_set():
            name = f"d{self.number}-{self.tickets}"
            ticket = self.ask("/tickets", {"kind": "fault", "equipment": f"swh-{1 + self.tickets % 8:04}", "fault": name, "id": name})
            if not ticket:
                return
            number = ticket["number"]
            self.tickets += 1
            self.done.add((number, "opened"))
            for action in ("acknowledge", "respond"):
                if self.ask(f"/tickets/{number}/actions", {"action": action, "id": action}):
                    self.done.add((number, f"action.{action}.{action}"))
            self.stop.wait(0.05)  # as a pace, not for luck


def test_no_notice_twice_none_missing(tmp_path):
    print("seed", SEED)
    dice, rig, stop = random.Random(SEED), DeskRig(tmp_path), threading.Event()
    hook, mail = Receiver(random.Random(SEED + 1)), Mail()
    path = tmp_path / "server.yaml"
    path.write_text(path.read_text() + f"""
notify:
  smtp: {{url: "smtp://127.0.0.1:{mail.server_address[1]}", from: heliograph@example.cn, to: desk@example.cn}}
  webhooks: ["{hook.url}"]
""")
    desks = []
    try:
        rig.open()
        rig.call("GET", "/api/v1/tickets")  # makes the token
        desks = [Desk(rig, n, stop) for n in range(2)]
        for desk in desks:
            desk.start()
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.1, 0.9))  # the moment of the kill is the dice's
            rig.programs.pop().kill()
            rig.server()
        stop.set()
        for desk in desks:
            desk.join(30)
        hook.calm = True
        assert rig.programs[-1].process.poll() is None
        # what the plan's quiet hours hold back (attempts = 0, due much later) is not for tonight
        due = int(time.time() * 1000) + 45_000
        waiting = f"SELECT COUNT(*) FROM outbox WHERE state = 'waiting' AND (attempts > 0 OR next_ms <= {due})"
        wait_for(lambda: rig.rows(waiting) == [(0,)], 90, 0.2, words=f"the outbox is empty, seed {SEED}")
        rows = rig.rows("SELECT key, channel, body, state, customer FROM outbox WHERE state <> 'waiting'")
    finally:
        stop.set()
        rig.close()

    # webhook: what the outbox says is what the receiver has, word for word, and a repeat is the same under the same key
    outbox = {key: json.loads(body) for key, channel, body, _, _ in rows if channel == "webhook"}
    bodies = collections.defaultdict(list)
    for key, body in hook.got:
        bodies[key].append(body)
    assert set(bodies) == set(outbox), f"seed {SEED}: written and received differ"
    for key, all_of_it in bodies.items():
        assert all(body == outbox[key] for body in all_of_it), f"seed {SEED}: {key} came with two contents"
    # … and what was done at the desk is what was told: once per ticket and step
    steps = collections.Counter((body["ticket"], body["step"]) for body in outbox.values())
    done = set().union(*(desk.done for desk in desks))
    missing = done - set(steps)
    assert not missing, f"seed {SEED}: nobody was told of {sorted(missing)[:5]}"
    # digests are of no ticket: one for each kind of what is owed
    twice = {step: count for step, count in steps.items() if count > 1 and step[0]}
    assert not twice, f"seed {SEED}: told under two keys: {twice}"
    # a repeat is the price of "at least once": only what a kill caught between sending and writing down
    repeats = sum(count - 1 for count in hook.answered.values() if count > 1)
    assert repeats <= KILLS * SLICE, f"seed {SEED}"
    assert all(state == "sent" for _, channel, _, state, _ in rows if channel != "none"), f"seed {SEED}"

    # mail, to desk and customers: one Message-ID a notice, all there
    mails = collections.defaultdict(set)
    for to, data in mail.mails:
        told = email.message_from_bytes(data, policy=email.policy.default)
        mails[told["message-id"]].add((told["subject"], told.get_content(), str(to)))
    letters = [row for row in rows if row[1] == "smtp"]
    assert len(mails) == len(letters) and any(row[4] for row in letters), f"seed {SEED}: {len(mails)} of {len(letters)} mails"
    assert all(len(contents) == 1 for contents in mails.values()), f"seed {SEED}: one Message-ID, two contents"
    print(f"{len(outbox)} hooks, {len(letters)} mails, {repeats} repeats, {KILLS} kills, {sum(d.tickets for d in desks)} tickets, seed {SEED}")
    assert len(done) > 20
