"""Claims and their proofs: every test that a page names exists, every file and folder that a page names is there."""
import functools
import re

import pytest
from docs_tools import DOCS, ROOT

PAGES = ("reliability.md", "security-claims.md")


@functools.cache
def names_in(path):
    text = (ROOT / path).read_text()
    if path.endswith(".py"):
        return set(re.findall(r"^def (test_\w+)\(", text, re.M))
    return set(re.findall(r"cmocka_unit_test\w*\(\s*(\w+)", text))


@pytest.mark.parametrize("page", PAGES)
def test_every_proof_exists(page):
    proofs = re.findall(r"`(tests/[\w/.]+)::(\w+)`", (DOCS / page).read_text())
    assert len(proofs) > 20
    missing = [f"{path}::{name}" for path, name in proofs if not (ROOT / path).exists() or name not in names_in(path)]
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_every_claim_has_a_proof(page):
    text = re.split(r"^## Not ", (DOCS / page).read_text(), flags=re.M)[0]
    claims = re.findall(r"^- (.*)$", text, re.M)
    assert claims and not [c for c in claims if "::" not in c]


@pytest.mark.parametrize("page", sorted(p.name for p in DOCS.glob("*.md")))
def test_every_place_that_is_named_is_there(page):
    named = re.findall(r"`((?:models|host|agent|server|tests|docs|broker-config)/[\w/.*-]*)", (DOCS / page).read_text())
    missing = {n for n in named if not (any(ROOT.glob(n.rstrip("/"))) or any(ROOT.glob(n + ".[ch]")))}
    # examples of what a reader makes
    assert not missing - {"models/equipment/my-heater.yaml"}
