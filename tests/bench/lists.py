"""Pages of lists at a million tickets: the tables are filled by SQL, the real server answers."""
import http.client
import json
import sqlite3
import time

from measures import row
from stand import Stand, median, percentile, say

TICKETS = 1_000_000
EQUIPMENT = 10_000
BAR_MS = 50.0

# of every row: n is 1 … TICKETS; one in a hundred is open
FILL = f"""
PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA temp_store = MEMORY;
CREATE TEMP TABLE n (n INTEGER PRIMARY KEY);
INSERT INTO n WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {TICKETS}) SELECT n FROM c;
INSERT INTO site (name, title, time_zone, doc) SELECT 's-' || n, 'Site ' || n, 'Asia/Shanghai', '{{}}' FROM n WHERE n <= {EQUIPMENT} / 2;
INSERT INTO team (name, title, doc) SELECT 'team-' || n, 'Team ' || n, '{{}}' FROM n WHERE n <= 20;
INSERT INTO technician (name, title, team, doc) SELECT 'tech-' || n, 'Technician ' || n, (n - 1) / 10 + 1, '{{}}' FROM n WHERE n <= 200;
INSERT INTO agent (name, first_seen_ms, last_seen_ms) SELECT 'a-' || n, 1, 1 FROM n WHERE n <= {EQUIPMENT} / 10;
INSERT INTO equipment (name, title, site, profile, agent, claimed, created_ms)
 SELECT 'e-' || n, 'Heater ' || n, (n + 1) / 2, 'swh-basic', (n - 1) / 10 + 1, 1, 1 FROM n WHERE n <= {EQUIPMENT};
INSERT INTO ticket (number, cause_key, kind, equipment, agent, site, fault, grade, state, onset_ms, detected_ms, registered_ms,
 cleared_ms, closed_ms, title_en, title_zh, track_code, plan, service_level, time_zone)
 SELECT printf('T-%08d', n), 'c' || n, CASE WHEN n % 50 = 7 THEN 'communication' WHEN n % 50 = 8 THEN 'consultation' ELSE 'fault' END,
 n * 7919 % {EQUIPMENT} + 1, n * 7919 % {EQUIPMENT} / 10 + 1, n * 7919 % {EQUIPMENT} / 2 + 1, 'fault_' || (n * 31 % 25), n * 17 % 3 + 1,
 CASE WHEN n % 100 <> 5 THEN 'closed' WHEN n % 1000 = 5 THEN 'registered' WHEN n % 1000 = 105 THEN 'repairing' ELSE 'acknowledged' END,
 n * 30000, n * 30000, n * 30000, CASE WHEN n % 100 <> 5 THEN n * 30000 + 3600000 END, CASE WHEN n % 100 <> 5 THEN n * 30000 + 7200000 END,
 'Pump runs without flow', '循环泵运行无流量', printf('%016d', n), 'swh_standard', 'A', 'Asia/Shanghai' FROM n;
INSERT INTO work_order (number, kind, ticket, equipment, site, team, technician, state, created_ms)
 SELECT printf('W-%08d', n), CASE WHEN n % 10 = 3 THEN 'preventive' ELSE 'corrective' END, n, n * 7919 % {EQUIPMENT} + 1,
 n * 7919 % {EQUIPMENT} / 2 + 1, n % 20 + 1, n % 200 + 1,
 CASE WHEN n % 100 <> 5 THEN 'done' WHEN n % 1000 = 5 THEN 'proposed' ELSE 'assigned' END, n * 30000 FROM n;
INSERT INTO ticket_event (ticket, at_ms, stored_ms, who, action) SELECT n, n * 30000, n * 30000, 'heliograph', 'register' FROM n;
INSERT INTO ticket_event (ticket, at_ms, stored_ms, who, action) SELECT n, n * 30000 + 600000, n * 30000, 'li', 'respond' FROM n;
INSERT INTO ticket_event (ticket, at_ms, stored_ms, who, action) SELECT n, n * 30000 + 7200000, n * 30000, 'li', 'close' FROM n WHERE n % 100 <> 5;
INSERT INTO alarm (equipment, fault, grade, onset_ms, detected_ms, registered_ms, cleared_ms, acked_ms, ticket)
 SELECT n * 7919 % {EQUIPMENT} + 1, 'fault_' || (n * 31 % 25), n * 17 % 3 + 1, n * 30000, n * 30000, n * 30000,
 CASE WHEN n % 1000 <> 5 THEN n * 30000 + 3600000 END, CASE WHEN n % 1000 <> 7 THEN n * 30000 + 60000 END, n FROM n;
INSERT INTO outbox (key, channel, subject, body, ticket, created_ms, next_ms, state, sent_ms)
 SELECT 'k' || n, 'log', 'Pump runs without flow', '{{}}', n, n * 30000, n * 30000, 'sent', n * 30000 FROM n;
INSERT INTO escalation (number, ticket, condition, since_ms, opened_ms, closed_ms, outcome)
 SELECT printf('E-%08d', n), n, 'unacknowledged', n * 30000, n * 30000, CASE WHEN n % 1000 <> 5 THEN n * 30000 + 60000 END,
 CASE WHEN n % 1000 <> 5 THEN 'resolved' END FROM n;
"""

ROUTES = {
    "/tickets": ["", "state=open", "state=registered", "state=closed", "grade=1", "state=open&grade=1", "equipment=e-4711", "kind=consultation",
                 "fault=fault_7", "site=s-1234", "agent=a-321", "state=open&kind=fault&grade=2", "state=repairing&fault=fault_9",
                 "equipment=e-4711&state=open", "state=registered&kind=communication", "fault=none", "equipment=nobody"],
    "/work-orders": ["", "state=open", "state=proposed", "state=done", "team=team-3", "technician=tech-77", "kind=preventive",
                     "equipment=e-4711", "site=s-1234", "ticket=T-00500000", "state=open&team=team-3", "state=proposed&technician=tech-6"],
    "/alarms": ["", "active=true", "active=false", "state=UNACK", "state=ACKED", "state=RTNUN", "state=NORM", "grade=1", "equipment=e-4711",
                "fault=fault_7", "announced=false", "active=true&grade=1", "active=true&equipment=e-4711", "fault=fault_7&grade=2"],
    "/notices": ["", "ticket=T-00500000"],
    "/escalations": ["", "state=open", "ticket=T-00500000"],
}


def clocks(db):
    """Four clocks a ticket, whatever columns the table has grown."""
    known = {line[1] for line in db.execute("PRAGMA table_info(clock)")}
    subject = ("ticket",) if "ticket" in known else ("subject", "subject_id")
    values = "n" if len(subject) == 1 else "'ticket', n"
    for kind in ("response", "dispatch", "onsite_l1", "repair"):
        db.execute(f"INSERT INTO clock ({', '.join(subject)}, kind, stop, limit_text, origin, started_ms, met_ms) SELECT {values}, '{kind}',"
                   " 'response', '4h', 'S S0-49', n * 30000, CASE WHEN n % 100 <> 5 THEN n * 30000 + 600000 END FROM n")


def fill(stand):
    began = time.monotonic()
    assert stand.command("audit").returncode == 0  # makes the tables
    with sqlite3.connect(stand.folder / "server.db") as db:
        db.executescript(FILL)
        clocks(db)
        db.commit()
    say(f"  {TICKETS:,} tickets stand in the tables after {time.monotonic() - began:.0f} s")


class Asker:
    def __init__(self, stand):
        token = stand.command("token", "add", "bench", "--role", "viewer").stdout.split()[-1]
        self.headers = {"Authorization": f"Bearer {token}"}
        self.connection = http.client.HTTPConnection("127.0.0.1", stand.http_port, timeout=120)

    def ask(self, path):
        began = time.perf_counter()
        self.connection.request("GET", "/api/v1" + path, headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - began) * 1000
        assert answer.status == 200, (path, answer.status, body[:300])
        return took, json.loads(body)


def page_times(asker, route, query, rounds=4):
    """The first pages, and those far behind."""
    times, counts = [], 0
    for start in (None, 300_000, 700_000, 990_000):
        cursor = "" if start is None else f"&cursor={start}"
        asker.ask(f"{route}?{query}{cursor}")  # statements are prepared once
        for _ in range(rounds):
            took, page = asker.ask(f"{route}?{query}{cursor}")
            times.append(took)
            counts += len(page["items"])
            cursor = f"&cursor={page['next']}" if page["next"] else cursor
    return times, counts


def lists():
    rows = []
    with Stand() as stand:
        say(f"lists of {TICKETS:,} tickets, pages of 100")
        fill(stand)
        stand.server()
        asker = Asker(stand)
        for route, queries in ROUTES.items():
            worst, all_times = ("", 0.0), []
            for query in queries:
                times, counts = page_times(asker, route, query)
                all_times += times
                say(f"  {route}?{query}: median {median(times):.1f} ms, most {max(times):.1f} ms, {counts} rows")
                worst = max(worst, (query, max(times)), key=lambda w: w[1])
            rows.append(row(f"pages of 100 of {route} at {TICKETS:,}, slowest of all", worst[1], "ms", ratio=worst[1] / BAR_MS, bar="< 50 ms",
                            reached=worst[1] < BAR_MS, note=f"slowest: ?{worst[0]}; {len(queries)} filters, first pages and deep ones; p99 "
                            f"{percentile(all_times, 99):.1f} ms, median {median(all_times):.1f} ms"))
    return rows
