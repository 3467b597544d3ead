"""How lists find their rows, asked of SQLite itself: each list with each of its filters reads through an index, in the order
in which it gives the rows, so that a page costs the same at a million rows. The statements are those of the source."""
import re
import sqlite3

import pytest
from rig import ROOT, Rig
from test_statements import LITERAL, LITERALS, expanded, words

FILTERS = re.compile(r"const struct filters (\w+) = \{(.*?)\n?\s*\};", re.S)
ENTRY = re.compile(rf"\[(\w+)\] = \{{\s*(0|NULL|\(\(void ?\*\)\s*0\)|{LITERAL})\s*,\s*((?:{LITERALS}))\s*,\s*(0|NULL|\(\(void ?\*\)\s*0\)|{LITERALS})\s*,?\s*\}}", re.S)
# What a large part of the rows has: looking through them in order of their ids finds a page at once, an index would not help.
# A state of an alarm comes together with one of the filters that have an index, or with BY_GONE.
COMMON = {("alarms_route.c", "BY_STATE"), ("alarms_route.c", "BY_ANNOUNCED"), ("alarms_route.c", "BY_GONE"), ("windows_route.c", "W_OVER")}
# The visits of a site: a handful, in the order of days.
FEW = {("visits_route.c", "BY_PLACE")}


def lists():
    """(file, name of the list, select, order, [(filter, condition, among)])"""
    for path in sorted((ROOT / "server" / "api").glob("*_route.c")):
        text = expanded(path)
        for name, body in FILTERS.findall(text):
            select = words(re.search(rf"\.select = ({LITERALS})", body, re.S).group(1))
            order = words(re.search(rf"\.order = ({LITERALS})", body, re.S).group(1))
            entries = [(number, words(query) if query.startswith('"') else None, words(condition), words(among) if among.startswith('"') else None)
                       for number, query, condition, among in ENTRY.findall(body)]
            yield path.name, name, select, order, entries


def plain():
    """Statements of lists that are written out: SELECT id, … ORDER BY … LIMIT ?."""
    for path in sorted((ROOT / "server" / "api").glob("*_route.c")):
        for literals in re.findall(rf"sql_find\(\s*call->sql\s*,\s*&rows\s*,\s*({LITERALS})", expanded(path), re.S):
            statement = words(literals)
            if re.search(r"LIMIT \?\d", statement):
                yield path.name, statement


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("shapes"))
    assert rig.command("audit").returncode == 0  # makes the tables
    with sqlite3.connect(rig.folder / "server.db") as db:
        yield db


def plan(db, statement):
    """Of the statement itself, not of what it asks for beside each row."""
    return [line[3] for line in db.execute("EXPLAIN QUERY PLAN " + statement, [None] * max(map(int, re.findall(r"\?(\d+)", statement)))) if line[1] == 0]


def main_line(lines):
    return next(line for line in lines if re.match(r"(SCAN|SEARCH) ", line))


def test_each_filter_has_an_index_and_none_is_sorted(db):
    found, wrong = 0, []
    for file, name, select, order, entries in lists():
        found += 1
        assert entries or "filters" not in name, (file, name)
        for asked in [()] + [(e,) for e in entries] + [(a, b) for a in entries for b in entries if a[0] < b[0]]:
            conditions = "".join(" AND " + re.sub("#", "?4", e[2]) for e in asked)
            lines = plan(db, f"{select}{conditions} AND (?3 IS NULL OR ?3 >= 0) AND (?4 IS NULL OR 1 = 1) {order}")
            what = (file, name, [e[0] for e in asked], lines)
            if any("TEMP B-TREE" in line for line in lines):
                wrong += [] if {(file, e[0]) for e in asked} & FEW else [("sorted", *what)]
            elif main_line(lines).startswith("SCAN") and "USING" not in main_line(lines):
                wrong.append(("scanned", *what))
            elif len(asked) == 1 and (file, asked[0][0]) not in COMMON and "PRIMARY KEY (rowid>?)" in main_line(lines):
                wrong.append(("no index", *what))
    assert found >= 8, "the lists are no longer found in the source"
    assert not wrong, "\n".join(map(str, wrong))


def test_lists_that_are_written_out(db):
    all_, wrong = list(plain()), []
    assert len(all_) >= 25, "the statements are no longer found in the source"
    for file, statement in all_:
        lines = plan(db, statement)
        if any("TEMP B-TREE" in line for line in lines) or re.match(r"SCAN \w+$", main_line(lines)):
            wrong.append((file, statement, lines))
    assert not wrong, "\n".join(map(str, wrong))
