"""Files that people write: schema, program and shipped file say the same. The schemas stand in docs/schema; the programs
say which keys they know when they meet one that they do not."""
import re

import pytest
from docs_tools import (BUILD, DOCS, FILES, GOLDEN, ROOT, Bench, changed, findings, read_yaml, schema, walk, without,
                        write_yaml, wrong_documents)

# A limit is one leaf or one a level: the program asks for 'value' to see which.
EITHER_FORM = {"value"}
PAGES = {"profile": "profile-format.md", "plan": "plan-format.md", "fleet": "fleet-format.md",
         "agent": "configuration.md", "server": "configuration.md"}


@pytest.fixture()
def bench(tmp_path):
    return Bench(tmp_path)


def golden(name):
    return read_yaml((GOLDEN / "files" / f"{name}.yaml").read_text())


@pytest.mark.parametrize("name", FILES)
def test_the_golden_file_is_taken_by_both(bench, name):
    assert findings(name, golden(name)) == []
    status, lines = bench.opinion(name)
    assert (status, lines) == (0, [])


@pytest.mark.parametrize("name", FILES)
def test_the_golden_file_has_every_key_of_the_schema(name):
    used, known = set(), set()
    for path, value, node in walk(schema(name), golden(name)):
        if isinstance(value, dict):
            where = tuple(p for p in path if isinstance(p, str))
            used |= {(where, k) for k in value}
            known |= {(where, k) for k, v in node.get("properties", {}).items() if v is not False}
    missing = {"/".join((*w, k)) for w, k in known - used}
    # a limit is either one leaf or one a level; a bus has one kind of wire; both forms stand in the file
    assert not {m for m in missing if not re.search(r"/(value|origin|ids|note|A|B|C)$|^buses/|^identity/register/|targets/.*/(all|g1|g2|g3|emergency|remote_area|cap_onsite|warn|calendar)$", m)}, missing


@pytest.mark.parametrize("name", FILES)
def test_the_program_and_the_schema_know_the_same_keys(bench, name):
    document, maps = golden(name), {}
    for path, value, node in list(walk(schema(name), document)):
        if isinstance(value, dict) and node.get("additionalProperties") is False:
            key = f"zz{len(maps)}"
            document = changed(document, path, {**value_at(document, path), key: 1})
            maps[key] = (path, set(node.get("properties", {})))
    status, lines = bench.opinion_of(name, document)
    assert status == 2 and maps
    told = {m[2]: set(m[1].split()) for line in lines
            if (m := re.search(r"expected a known key, one of (.*), found '(zz\d+)'$", line))}
    differ = {"/".join(map(str, path)) or "the whole": (sorted(told.get(key, {"(not refused)"}) - keys), sorted(keys - told.get(key, set())))
              for key, (path, keys) in maps.items() if told.get(key, {"nothing"}) - EITHER_FORM != keys - EITHER_FORM}
    assert not differ, f"keys that only the program has, keys that only the schema has: {differ}"


def value_at(document, path):
    for key in path:
        document = document[key]
    return document


def refused_alone(bench, name, wrong):
    return {what for what, document in wrong if bench.opinion_of(name, document)[0] == 2}


def refused_together(bench, name, wrong):
    """Profiles and plans: one folder, one run; each file has an id of its own where it has one."""
    folder = bench.folder / f"{name}s"
    for i, (what, document) in enumerate(wrong):
        if isinstance(document, dict) and document.get(name) == "golden":
            document = {**document, name: f"m{i:04}"}
        (folder / f"m{i:04}.yaml").write_text(write_yaml(document))
    _, lines = bench.opinion(name)
    seen = {m[1] for line in lines if (m := re.match(rf"{name}s/(m\d+)\.yaml:\d+:\d+: error: expected ", line))}
    return {what for i, (what, _) in enumerate(wrong) if f"m{i:04}" in seen}


@pytest.mark.parametrize("name", FILES)
def test_what_is_wrong_is_refused_by_both(bench, name):
    wrong = list(wrong_documents(schema(name), golden(name)))
    assert len(wrong) > 40
    taken = [what for what, document in wrong if not findings(name, document)]
    assert not taken, f"the schema takes: {taken}"
    refused = (refused_together if name in ("profile", "plan") else refused_alone)(bench, name, wrong)
    assert not [what for what, _ in wrong if what not in refused], "the program takes these"


def shipped():
    yield from (("profile", p) for p in sorted((ROOT / "models/equipment").glob("*.yaml")))
    yield from (("plan", p) for p in sorted((ROOT / "models/plans").glob("*.yaml")))
    yield from (("agent", p) for p in sorted((ROOT / "agent").glob("*.yaml")))
    yield from (("server", p) for p in sorted((ROOT / "server").glob("*.yaml")))


@pytest.mark.parametrize("name,path", [pytest.param(*s, id=s[1].name) for s in shipped()])
def test_what_is_shipped_is_valid(name, path):
    assert findings(name, read_yaml(path.read_text())) == []


def test_the_shipped_files_pass_their_own_check():
    import subprocess
    for program in ("server", "agent"):
        result = subprocess.run([BUILD / f"heliograph-{program}", "--config", f"{program}/{program}.yaml", "--check"], cwd=ROOT,
                                capture_output=True, text=True, timeout=60)
        assert (result.returncode, result.stderr) == (0, "")


def examples():
    for page in sorted(DOCS.glob("*.md")):
        for number, (form, name, text) in enumerate(re.findall(r"^```(\w+) ?([^\n]*)\n(.*?)^```", page.read_text(), re.M | re.S)):
            yield pytest.param(page.name, form, name, text, id=f"{page.stem}-{number}-{form}-{name.split(' ')[0]}")


@pytest.mark.parametrize("page,form,name,text", examples())
def test_every_example_of_the_pages_is_true(bench, page, form, name, text):
    """YAML is read by schema and program; JSON and HTTP are held by test_docs_messages.py and test_docs_api.py, shell by
    test_docs_steps.py."""
    if form != "yaml":
        assert (page, form) in {("protocol.md", "json"), ("api.md", "json"), ("api.md", "http"), ("api.md", "text"), ("first-steps.md", "sh")}
        return
    if name == "plan-part":
        name, document = "plan", golden("plan")
        document["clocks"]["targets"].update(read_yaml(text))
    else:
        document = read_yaml(text)
    assert findings(name, document) == []
    for folder, kind in (("models/equipment", "profiles"), ("models/plans", "plans")):  # what the examples speak of
        for path in (ROOT / folder).glob("*.yaml"):
            (bench.folder / kind / path.name).write_text(path.read_text())
    text = re.sub(r"(profiles|plans): models/\w+", r"\1: \1", text)
    status, lines = bench.opinion_of(name, write_yaml(document) if name == "plan" else text)
    assert (status, lines) == (0, [])


@pytest.mark.parametrize("name", FILES)
def test_the_page_names_every_key(name):
    page = (DOCS / PAGES[name]).read_text()
    words = set(re.findall(r"[A-Za-z0-9_]+", " ".join(re.findall(r"`([^`\n]+)`", page))))
    keys = {k for _, value, node in walk(schema(name), golden(name)) if isinstance(value, dict) for k in node.get("properties", {})}
    assert keys <= words, f"{PAGES[name]} says nothing of {sorted(keys - words)}"
