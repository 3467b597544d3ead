"""People in the fleet file: certificates, absences, shifts, tiers, rosters, and the proof that the duty phone has no hole."""
import datetime
import re

import pytest
from desk_rig import DeskRig

PEOPLE = """
teams: [{id: t1, name: One, tier: 1, up: t2, lead: ann}, {id: t2, name: Two, tier: 2}]
technicians:
  - {id: ann, team: t1, certificates: [{type: electrician, no: A, valid_to: "2090-01-01"}], exam_due: "2030-01-01", vehicle: {name: van, speed: 50}}
  - {id: bob, team: t1, absences: [{from: "2090-01-01", to: "2090-02-01"}]}
rosters:
  - {id: duty, time_zone: Europe/Berlin, members: [ann, bob], rotation: 7d, first_day: "2026-01-05", hand_over: "09:00"}
"""
DAY = ', '.join(f'{d}: ["00:00-24:00"]' for d in ("mon", "tue", "wed", "thu", "fri"))


@pytest.fixture()
def rig(tmp_path):
    rig = DeskRig(tmp_path)
    yield rig
    rig.close()


def test_importing_twice_changes_nothing(rig):
    first, again = rig.import_text(PEOPLE), rig.import_text(PEOPLE)
    assert first.returncode == 0 and "imported: 5 rows" in first.stdout, first.stderr + first.stdout
    assert again.returncode == 0 and "imported: 0 rows" in again.stdout


@pytest.mark.parametrize("old,new,column,words", [
    ("tier: 2", "tier: 4", "tier: 4", "expected a tier from 1 to 3"),
    ("lead: ann", "lead: nobody", "lead: nobody", "expected a technician that is in technicians, found 'nobody'"),
    ("up: t2", "up: t9", "up: t9", "expected a team that is in teams, found 't9'"),
    ('to: "2090-02-01"', 'to: "2089-02-01"', 'to: "2089', "expected a day not before from"),
    ("speed: 50", "speed: 0", "speed: 0", "expected km/h from 1 to 300"),
    ("exam_due: \"2030-01-01\"", "exam_due: soon", "exam_due: soon", "expected a date such as"),
    ("members: [ann, bob]", "members: [ann, cem]", "cem]", "expected a technician that is in technicians, found 'cem'"),
    ("time_zone: Europe/Berlin", "time_zone: Mars", "time_zone: Mars", "expected a time zone"),
])
def test_a_wrong_row_is_told_where_it_stands(rig, old, new, column, words):
    text = PEOPLE.replace(old, new)
    result = rig.import_text(text)
    line = next(n for n, l in enumerate(text.split("\n"), 1) if column in l)
    at = text.split("\n")[line - 1].index(column) + (len(column.split(": ")[0]) + 3 if ": " in column else 1)
    assert result.returncode == 2 and re.search(rf"fleet.yaml:{line}:{at}: error: {re.escape(words)}", result.stderr), result.stderr
    assert "imported: 5 rows" in rig.import_text(PEOPLE).stdout, "nothing of the wrong file was applied"


def test_a_24x7_hotline_has_no_hole(rig):
    """S0-02, S0-110: working days only, or both members away on the same day, is refused with the first hole."""
    text = PEOPLE.replace("rotation: 7d", "rotation: 7d, week: {%s}" % DAY)
    result = rig.import_text(text)
    line = next(n for n, l in enumerate(text.split("\n"), 1) if "id: duty" in l)
    assert result.returncode == 2 and re.search(rf"fleet.yaml:{line}:5: error: expected somebody on call at every hour for plan \w+ "
                                                r"\(hotline 24x7\), found nobody from \d{4}-\d\d-\d\dT00:00:00\+0\d:00 to ", result.stderr), result.stderr
    assert "imported: 5 rows" in rig.import_text(PEOPLE).stdout
    day = (datetime.date.today() + datetime.timedelta(days=40)).isoformat()
    away = "technicians:\n" + "".join(f'  - {{id: {who}, team: t1, absences: [{{from: "{day}", to: "{day}"}}]}}\n' for who in ("ann", "bob"))
    result = rig.import_text(away)
    assert result.returncode == 2 and "fleet.yaml:2:35: error: " in result.stderr and f"from {day}T00:00:00" in result.stderr, result.stderr
    one = away.replace("id: bob, team: t1, absences", "id: cem, team: t1, absences")
    assert rig.import_text(one).returncode == 0, "bob is there"


def test_a_lapsed_certificate_is_a_hole(rig):
    """S0-110: experienced engineers: who has no valid certificate is not asked."""
    text = PEOPLE.replace("rotation: 7d", "rotation: 7d, skills: [electrician]")
    assert rig.import_text(text).returncode == 0
    end = datetime.date.today() + datetime.timedelta(days=100)
    result = rig.import_text(text.replace("2090-01-01\"}]", end.isoformat() + "\"}]"))
    assert result.returncode == 2 and f"from {end + datetime.timedelta(days=1)}T00:00:00" in result.stderr, result.stderr
