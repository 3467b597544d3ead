"""docs/service-coverage.md: every row of the service terms, once, with a proof that exists."""
import json
import re

import pytest
from docs_tools import DOCS, ROOT, read_yaml
from test_docs_claims import names_in

TEXT = (DOCS / "service-coverage.md").read_text()
ROWS = [tuple(c.strip() for c in line.strip("|\n").split(" | ")) for line in TEXT.splitlines() if re.match(r"\| S\d-\d", line)]
ROWS = [(r + ("",))[:5] for r in ROWS]
DOCUMENTS = {0: 155, 1: 62, 2: 45, 3: 25}
KINDS = ("behaviour", "data", "document", "out of scope", "to come")


def test_no_row_is_missing_or_doubled():
    wanted = [f"S{d}-{n:02d}" for d, most in DOCUMENTS.items() for n in range(1, most + 1)]
    assert [r[0] for r in ROWS] == wanted and len(wanted) == 287


def test_every_row_says_where_it_ended():
    assert not [r[0] for r in ROWS if r[2] not in KINDS or not r[1]]
    assert not [r[0] for r in ROWS if r[2] == "out of scope" and len(r[3].split()) < 6], "a reason is a sentence"
    assert not [r[0] for r in ROWS if r[2] in ("behaviour", "data", "document") and not (r[3] and "`" in r[4])]


def test_the_count_is_right():
    counted = re.search(r"Counted: (.*)\.", TEXT).group(1)
    assert counted == ", ".join(f"{n} {k}" for k in KINDS for n in [sum(r[2] == k for r in ROWS)] if n)


def proofs():
    return {(r[0], p) for r in ROWS for p in re.findall(r"`([^`]+)`", r[4])}


def exists(proof, paths):
    if match := re.fullmatch(r"(tests/[\w/.]+)::(\w+)", proof):
        return (ROOT / match[1]).exists() and match[2] in names_in(match[1])
    if match := re.fullmatch(r"(GET|POST) (/\S+)", proof):
        return match[1].lower() in paths.get("/api/v1" + match[2], {})
    if match := re.fullmatch(r"(models/\S+\.yaml) (\S+)", proof):
        value = read_yaml((ROOT / match[1]).read_text())
        for part in match[2].split("/"):
            value = value.get(part) if isinstance(value, dict) else None
        return value is not None
    return (ROOT / proof).exists() if "/" in proof else False


def test_every_proof_exists():
    paths = json.loads((DOCS / "openapi.json").read_text())["paths"]
    missing = sorted((row, proof) for row, proof in proofs() if not exists(proof, paths))
    assert not missing


@pytest.mark.parametrize("proof", ["tests/wire/test_trail.py::test_none", "GET /nothing", "models/plans/swh_standard.yaml clocks/none", "docs/none.md"])
def test_a_wrong_proof_is_noticed(proof):
    assert not exists(proof, {})
