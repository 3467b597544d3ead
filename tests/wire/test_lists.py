"""Lists narrowed down by one filter and by any two give what the whole list, sifted by the client, gives."""
import itertools
import time

import pytest
from rig import Rig
from test_figures import Edge, act

TICKETS = {"state": ("open", "closed", "registered", "acknowledged"), "grade": (1, 2, 3), "equipment": ("swh-0001", "swh-0002", "nobody"),
           "kind": ("fault", "consultation", "none"), "fault": ("pump_no_flow", "tank_empty"), "site": ("site-1", "site-9"), "agent": ("gw-1", "x")}
ORDERS = {"state": ("open", "proposed", "cancelled", "dispatched"), "ticket": None, "team": ("team-1", "none"), "technician": ("tech-1", "none"),
          "kind": ("corrective", "preventive"), "equipment": ("swh-0001", "swh-0002"), "site": ("site-1", "none")}
VISITS = {"state": ("planned", "skipped"), "equipment": ("swh-0001", "nobody"), "site": ("site-1", "none"), "from": ("2027-01-01",), "to": ("2027-06-30",)}


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("lists"))
    rig.broker()
    rig.server()
    rig.fleet()
    edge, now = Edge(rig), int(time.time() * 1000)
    for equipment in ("swh-0001", "swh-0002"):
        for fault, grade in (("pump_no_flow", 2), ("tank_empty", 1), ("sensor_implausible", 3)):
            edge.fault("raised", fault, grade, now - 60000, equipment)
    for i in range(4):
        assert rig.call("POST", "/api/v1/tickets", {"kind": "consultation", "site": "site-1", "note": f"question {i}"})[0] < 300
    numbers = [t["number"] for t in rig.tickets()]
    for number in numbers[::4]:
        act(rig, number, "acknowledge")
    for number in numbers[1::4]:
        act(rig, number, "close", resolution="it was the fuse")
    act(rig, numbers[4], "dispatch", team="team-1")
    yield rig
    rig.close()


def whole(rig, path, query=""):
    rows, cursor = [], ""
    while cursor is not None:
        page = rig.get(f"{path}?limit=3{query}{cursor}")
        rows += page["items"]
        cursor = page["next"] and f"&cursor={page['next']}"
    return rows


def fits(row, name, value):
    if name == "state" and value == "open":
        return row["state"] not in ("closed", "done", "cancelled")
    if name in ("from", "to"):
        return row["due_on"] >= value if name == "from" else row["due_on"] <= value
    if name == "site":
        return row.get("site", "site-1") == value
    return row.get(name) == value


@pytest.mark.parametrize("path,filters", [("/tickets", TICKETS), ("/work-orders", ORDERS), ("/visits", VISITS)])
def test_one_filter_and_any_two(rig, path, filters):
    rows = whole(rig, path)
    assert len(rows) >= (4 if path == "/visits" else 6)
    filters = dict(filters)
    if "ticket" in filters:
        filters["ticket"] = (rows[0]["ticket"], "T-NONE")
    hits = 0
    single = [(name, value) for name, values in filters.items() for value in values]
    for asked in [(one,) for one in single] + [p for p in itertools.combinations(single, 2) if p[0][0] != p[1][0]]:
        found = whole(rig, path, "".join(f"&{name}={value}" for name, value in asked))
        expected = [r for r in rows if all(fits(r, *one) for one in asked)]
        key = lambda r: r.get("number") or (r["equipment"], r["sequence"])
        assert [key(r) for r in found] == [key(r) for r in expected], asked
        hits += bool(expected)
    assert hits > 10, "the filters find something"


def test_wrong_words(rig):
    for path in ("/tickets?state=moon", "/tickets?grade=9", "/work-orders?state=moon", "/visits?from=moon", "/tickets?cursor=moon"):
        assert rig.call("GET", "/api/v1" + path)[0] == 422, path
