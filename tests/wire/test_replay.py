"""`heliograph-server replay`: a recording through the rules of a profile, without a configuration, in its own time."""
import gzip
import json
import subprocess

import pytest
from rig import BUILD, ROOT

PROFILE = """
profile: rig
version: 3
title: {en: Rig, zh: 台架}
points:
  - {name: temperature, unit: °C, register: {table: input, address: 0, type: int16}, every: 1m, range: [-40, 200]}
  - {name: pump, register: {table: coil, address: 0, type: bool}, every: 1m}
  - {name: level, unit: "%", register: {table: input, address: 1, type: uint16}, every: 1m}
faults:
  - {id: hot, title: {en: Too hot, zh: 过热}, when: "temperature > 90", for: 2m, clear: "temperature < 80", clear_for: 1m, grade: 3, component: tank,
     ladder: [{after: 5m, grade: 2}], causes: [{cause: valve, odds: 0.2}, {cause: pump_stopped, odds: 0.8, skill: electrician}]}
  - {id: dry, title: {en: Dry, zh: 缺水}, when: "level < 5", for: 0s, grade: 1, component: tank}
"""
HEATS = [70, 95, 95, 95, 96, 97, 98, 98, 98, 79, 78, 78]


def replay(*options, stdin=None):
    return subprocess.run([BUILD / "heliograph-server", "replay", *map(str, options)], capture_output=True, text=True, input=stdin, timeout=60)


@pytest.fixture
def rig(tmp_path):
    (tmp_path / "rig.yaml").write_text(PROFILE)
    rows = [f"2026-06-01 10:{i:02},{t},1" for i, t in enumerate(HEATS)]
    (tmp_path / "rig.csv").write_text("time,temperature,pump\n" + "\n".join(rows) + "\n")
    return tmp_path


def found(folder, *more, **stdin):
    done = replay("--profile", folder / "rig.yaml", "--json", *more, **stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_span_with_its_times(rig):
    """Onset, raising, the ladder and the clearing are the recording's times; causes are ranked, evidence is the row's."""
    told = found(rig, "--csv", rig / "rig.csv")
    one, = told["findings"]
    assert {k: one[k][11:16] for k in ("onset", "raised", "cleared")} == {"onset": "10:01", "raised": "10:03", "cleared": "10:09"}
    assert [(r["at"][11:16], r["grade"]) for r in one["regrades"]] == [("10:06", 2)] and (one["fault"], one["grade"], one["component"]) == ("hot", 2, "tank")
    assert [c["cause"] for c in one["causes"]] == ["pump_stopped", "valve"] and one["evidence"] == {"temperature": 95}
    assert (told["profile"], told["version"], told["rows"], told["skipped"], told["late"]) == ("rig", 3, 12, 0, 0)
    assert told["points_missing"] == ["level"] and told["never_judged"] == ["dry"], "what could not be judged is said"
    lines = replay("--profile", rig / "rig.yaml", "--csv", rig / "rig.csv").stdout
    assert [line.split()[1] for line in lines.splitlines() if line.startswith("2026")] == ["raised", "regraded", "cleared"]
    assert "never judged" in lines and "12 rows" in lines


def test_a_map_and_standard_input(rig):
    """Columns by other names, in other units, by a clock that is not UTC; - reads what comes."""
    (rig / "map.yaml").write_text("time: when\nzone_offset: 120\npoints:\n  t_f: {point: temperature, scale: 0.555555555555556, offset: -17.7777777777778}\n")
    rows = "".join(f'"2026-06-01T10:{i:02}:00",{t * 1.8 + 32},x\r\n' for i, t in enumerate(HEATS))
    told = found(rig, "--csv", "-", "--map", rig / "map.yaml", stdin="when,t_f,remark\r\n" + rows)
    one, = told["findings"]
    assert one["raised"] == "2026-06-01T10:03:00+02:00" and told["left_alone"] == ["remark"]
    assert one["evidence"]["temperature"] == pytest.approx(95)


def test_rows_that_are_no_use(rig):
    """Without a time, out of order, outside the range: counted, and no finding comes of them."""
    rows = ["2026-06-01 10:00,70", "yesterday,95", "2026-06-01 10:01,950", "2026-06-01 10:02,950", "2026-06-01 10:03,950", "2026-06-01 10:04,950",
            "2026-06-01 09:00,99", "2026-06-01T10:05:00Z,70", "1780308360,70", "2026-06-01 10:07,"]
    (rig / "rig.csv").write_text("timestamp,temperature\n" + "\n".join(rows) + "\n")
    told = found(rig, "--csv", rig / "rig.csv")
    assert told["findings"] == [] and (told["rows"], told["skipped"], told["late"], told["outside"]) == (9, 1, 1, 4)
    assert told["to"] == "2026-06-01T10:07:00+00:00"


@pytest.mark.parametrize("files,words", [
    ({"rig.csv": "hour,temperature\n1,2\n"}, "rig.csv:1:1: error: expected a column of times"),
    ({"rig.csv": "time,heat\n"}, "rig.csv:1:1: error: expected a column that is named as a point of rig"),
    ({"rig.csv": ""}, "rig.csv:1:1: error: expected a recording with a head line"),
    ({"map.yaml": "time: time\npoints:\n  temperature: warmth\n"}, "map.yaml:3:16: error: expected a point of the profile, found 'warmth'"),
    ({"map.yaml": "time: time\npoints:\n  heat: temperature\n"}, "map.yaml:3:3: error: expected a column of the recording, found 'heat'"),
    ({"rig.yaml": "profile: rig\n"}, "rig.yaml:1:1: error: expected"),
    ({"rig.csv": None}, "rig.csv:1:1: error: expected a recording that can be read"),
])
def test_what_is_wrong_is_told_where(rig, files, words):
    for name, text in files.items():
        (rig / name).unlink(missing_ok=True)
        if text is not None:
            (rig / name).write_text(text)
    more = ["--map", rig / "map.yaml"] if (rig / "map.yaml").exists() else []
    done = replay("--profile", rig / "rig.yaml", "--csv", rig / "rig.csv", *more)
    assert done.returncode == 2 and done.stdout == "" and words in done.stderr, done.stderr


def test_options(rig):
    for options, words in (([], "--profile FILE is missing"), (["--profile", "x"], "--csv FILE is missing"), (["--moon"], "found --moon")):
        done = replay(*options)
        assert done.returncode == 2 and words in done.stderr


def test_the_house(tmp_path):
    """The household recording: each spell without circulation is found, normal stagnation is no finding; and the same again."""
    data = ROOT.parent / "shared/data/solar_thermal_house"
    if not data.exists():
        pytest.skip("../shared/data/solar_thermal_house is not beside this repository")
    text = gzip.decompress(next(data.glob("minute*.gz")).read_bytes()).decode()
    run = lambda: replay("--profile", ROOT / "models/equipment/house-log.yaml", "--csv", "-", "--map", ROOT / "tests/plant/house-log.map.yaml", "--json", stdin=text)
    first = run()
    assert first.stdout == run().stdout
    told = json.loads(first.stdout)
    counts = {f: sum(x["fault"] == f for x in told["findings"]) for f in {x["fault"] for x in told["findings"]}}
    assert told["rows"] == 354712 and counts["pump_no_circulation"] == 12 and set(counts) == {"pump_no_circulation", "reverse_circulation"}
