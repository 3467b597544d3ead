"""Files that people write are taken whole or not at all, with every finding at its place: fleet, calendars, rosters, plans, overlays."""
import re
import shutil

import pytest
from desk_rig import DeskRig
from rig import ROOT

BASE = """
customers: [{id: c, name: Li}]
calendars: [{id: k, time_zone: Asia/Shanghai, week: {mon: ["08:30-12:00"]}, holidays: ["2027-01-01"]}]
sites: [{id: s, customer: c, calendar: k}]
teams: [{id: t, name: Crew}]
technicians: [{id: ann, team: t}, {id: bob, team: t}]
rosters: [{id: r, time_zone: Asia/Shanghai, members: [ann, bob], rotation: 7d, first_day: "2026-01-05"}]
"""
TABLES = ("customer", "calendar", "site", "team", "technician", "roster", "contract", "equipment")


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = DeskRig(tmp_path_factory.mktemp("whole"))
    shutil.copytree(ROOT / "models/plans", rig.folder / "plans")
    text = (rig.folder / "server.yaml").read_text()
    (rig.folder / "server.yaml").write_text(text.replace("plans: models/plans", f"plans: {rig.folder}/plans"))
    assert rig.import_text(BASE).returncode == 0
    yield rig
    rig.close()


def all_rows(rig):
    return {table: rig.rows(f"SELECT * FROM {table} ORDER BY id") for table in TABLES}


def place(text, words):
    """line:column of what was put in"""
    before = text[:text.index(words)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


@pytest.mark.parametrize("changes", [
    # each with a right change beside the wrong ones, before and after them
    {"name: Li": "name: Zhou", "customer: c, calendar: k": "customer: nobody, calendar: zz", "name: Crew": "name: Team"},
    {"name: Li": "name: Zhou", '"08:30-12:00"': '"12:00-08:30"', '"2027-01-01"': '"2027-02-30"', "name: Crew": "name: Team"},
    {"name: Li": "name: Zhou", "[ann, bob]": "[ann, cem]", "rotation: 7d": "rotation: 7", '"2026-01-05"': "monday"},
], ids=["fleet", "calendar", "roster"])
def test_a_wrong_file_changes_nothing(rig, changes):
    text, wrong = BASE, []
    for old, new in changes.items():
        text = text.replace(old, new)
    for new in changes.values():
        for bad in re.findall(r"nobody|zz|\"12:00-08:30\"|\"2027-02-30\"|cem|(?<=rotation: )7$|monday", new):
            wrong.append(place(text, "7, first" if bad == "7" else bad + ("}" if bad == "zz" else "")))
    before = all_rows(rig)
    result = rig.import_text(text)
    assert result.returncode == 2 and len(wrong) >= 2
    lines = result.stderr.strip().splitlines()
    assert sorted(re.search(r"fleet\.yaml:(\d+:\d+): error: ", l)[1] for l in lines) == sorted(wrong), result.stderr
    assert all("expected" in l and "found" in l for l in lines)
    assert all_rows(rig) == before
    assert "imported: 0 rows" in rig.import_text(BASE).stdout


def test_one_wrong_plan_and_none_is_read(rig):
    """Every finding of every file at once; the server refuses to start, its database is not touched; mended, all is as before."""
    plans, before = rig.folder / "plans", all_rows(rig)
    changes = {"swh_standard.yaml": ("all: {value: 4h, origin: S, ids: [S0-49]}", "all: {value: 4, origin: S, ids: [S0-49]}"),
               "tiered_abc.yaml": ("origin: S, ids: [S0-116]", "origin: S"),
               "overlays/discipline.yaml": ("overlay: discipline", "overlay: disc ipline")}
    kept = {name: (plans / name).read_text() for name in changes}
    for name, (old, new) in changes.items():
        assert old in kept[name]
        (plans / name).write_text(kept[name].replace(old, new, 1))
    for words in (("--check",), ()):
        result = rig.command(*words)
        assert result.returncode == 2
        for name in changes:
            assert re.search(rf"{re.escape(str(plans / name))}:\d+:\d+: error: expected .*, found ", result.stderr), (name, result.stderr)
    refused = rig.import_text(BASE.replace("name: Li", "name: Zhou"))
    assert refused.returncode == 2 and all_rows(rig) == before
    for name, text in kept.items():
        (plans / name).write_text(text)
    check = rig.command("--check")
    assert check.returncode == 0, check.stderr


def test_an_overlay_that_does_not_fit(rig):
    """What an overlay breaks is told by the fleet file that names it, in the overlay's own lines; nothing of that file is applied."""
    over = rig.folder / "plans/overlays/fast.yaml"
    over.write_text("overlay: fast\nclocks:\n  targets:\n    onsite_l1:\n      all: {value: 20m, origin: S, ids: [S0-49]}\n      emergency: {value: 20m, origin: S, ids: [S0-49]}\n")
    before = all_rows(rig)
    text = BASE.replace("name: Li", "name: Zhou") + "contracts: [{id: con, customer: c, sites: [s], plan: swh_standard, overlays: [fast]}]\n"
    result = rig.import_text(text)
    assert result.returncode == 2 and f"fleet.yaml:{place(text, '[fast]')}: error: expected overlays that fit the plan" in result.stderr, result.stderr
    assert "C-25" in result.stderr and all_rows(rig) == before
