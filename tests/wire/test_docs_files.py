"""Files that people write: schema, program and shipped file say the same. The schemas stand in docs/schema; the programs
say which keys they know when they meet one that they do not."""
import re

import pytest
from docs_tools import (BUILD, DOCS, FILES, GOLDEN, ROOT, Bench, changed, findings, is_valid, place, read_yaml, schema, walk,
                        write_yaml, wrong_documents)

# A limit is one leaf or one a level: the program asks for 'value' to see which.
EITHER_FORM = {"value"}
PAGES = {"profile": "profile-format.md", "plan": "plan-format.md", "job": "job-format.md", "paper": "paper-format.md", "course": "training.md", "codes": "job-format.md", "checklist": "inspections.md", "fleet": "fleet-format.md",
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
    # a limit is either one leaf or one a level; a bus has one kind of wire, a trigger one form; both forms stand in the file
    assert not {m for m in missing if not re.search(r"/(value|origin|ids|note|A|B|C)$|^buses/|^identity/register/|^firmware/|^items/visits/triggers/|targets/.*/(all|g1|g2|g3|emergency|remote_area|target|cap_onsite|warn|calendar|complexity|needs)$", m)}, missing


@pytest.mark.parametrize("name", FILES)
def test_the_program_and_the_schema_know_the_same_keys(bench, name):
    whole, maps, told = golden(name), {}, {}
    closed = [(path, node) for path, value, node in walk(schema(name), whole) if isinstance(value, dict) and node.get("additionalProperties") is False]
    assert closed
    for first in range(0, len(closed), 100):  # the program tells 200 mistakes at most
        document = whole
        for path, node in closed[first:first + 100]:
            key = f"zz{len(maps)}"
            document = changed(document, path, {**value_at(document, path), key: 1})
            maps[key] = (path, set(node.get("properties", {})))
        status, lines = bench.opinion_of(name, document)
        assert status == 2
        told |= {m[2]: set(m[1].split()) for line in lines
                 if (m := re.search(r"expected a known key, one of (.*), found '(zz\d+)'$", line))}
    differ = {"/".join(map(str, path)) or "the whole": (sorted(told.get(key, {"(not refused)"}) - keys), sorted(keys - told.get(key, set())))
              for key, (path, keys) in maps.items() if told.get(key, {"nothing"}) - EITHER_FORM != keys - EITHER_FORM}
    assert not differ, f"keys that only the program has, keys that only the schema has: {differ}"


def value_at(document, path):
    for key in path:
        document = document[key]
    return document


def check_lines(lines, path, where):
    """What is said against one wrong file: nothing, something ill-formed or elsewhere, or all is well (None)."""
    mine = [re.match(rf"{re.escape(path)}:(\d+):(\d+): error: expected .+, found .+$", line) for line in lines]
    if not mine:
        return "taken"
    if None in mine:
        return f"ill-formed: {lines}"
    return None if where in {(int(m[1]), int(m[2])) for m in mine} else f"told elsewhere than at {where}: {lines}"


def opinions_alone(bench, name, wrong):
    for what, where, document in wrong:
        status, lines = bench.opinion_of(name, document)
        yield what, check_lines(lines, bench.path(name), place(write_yaml(document), where)) if status == 2 else "taken"


def opinions_together(bench, name, wrong):
    """Profiles and plans: one folder, one run of at most 500; each file has an id of its own where it has one."""
    if len(wrong) > 500:
        yield from opinions_together(bench, name, wrong[:500])
        yield from opinions_together(bench, name, wrong[500:])
        return
    places = []
    for old in (bench.folder / f"{name}s").glob("m[0-9]*.yaml"):
        old.unlink()
    for i, (what, where, document) in enumerate(wrong):
        if isinstance(document, dict) and document.get(name) == "golden":
            document = {**document, name: f"m{i:04}"}
        (bench.folder / f"{name}s" / f"m{i:04}.yaml").write_text(write_yaml(document))
        places.append(place(write_yaml(document), where))
    _, lines = bench.opinion(name)
    for i, (what, _, _) in enumerate(wrong):
        path = f"{name}s/m{i:04}.yaml"
        yield what, check_lines([line for line in lines if line.startswith(path)], path, places[i])


@pytest.mark.parametrize("name", FILES)
def test_what_is_wrong_is_refused_by_both(bench, name):
    """And told where it stands: a wrong value there, a wrong key at the key, a missing key at the map."""
    wrong = list(wrong_documents(schema(name), golden(name)))
    assert len(wrong) > 40
    taken = [what for what, _, document in wrong if is_valid(name, document)]
    assert not taken, f"the schema takes: {taken}"
    opinions = (opinions_together if name in ("profile", "plan", "job", "paper", "course") else opinions_alone)(bench, name, wrong)
    bad = {what: opinion for what, opinion in opinions if opinion}
    assert not bad, "\n".join(f"{what}: {opinion}" for what, opinion in bad.items())


def shipped():
    yield from (("profile", p) for p in sorted((ROOT / "models/equipment").glob("*.yaml")))
    yield from (("plan", p) for p in sorted((ROOT / "models/plans").glob("*.yaml")))
    yield from (("job", p) for p in sorted((ROOT / "models/jobs").glob("*.yaml")))
    yield from (("paper", p) for p in sorted((ROOT / "models/papers").glob("*.yaml")) if p.name != "words.yaml")
    yield from (("course", p) for p in sorted((ROOT / "models/courses").glob("*.yaml")))
    yield from (("checklist", p) for p in sorted((ROOT / "models/inspections").glob("*.yaml")))
    yield "codes", ROOT / "models/codes.yaml"
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
    for folder, kind in (("models/equipment", "profiles"), ("models/plans", "plans"), ("models/jobs", "jobs"), ("models/papers", "papers"), ("models/notices", "notices")):  # what the examples speak of
        for path in (ROOT / folder).glob("*.yaml"):
            (bench.folder / kind / path.name).write_text(path.read_text())
    text = re.sub(r"(profiles|plans|jobs|papers|inspections|notices): models/\w+", r"\1: \1", text)
    status, lines = bench.opinion_of(name, write_yaml(document) if name == "plan" else text)
    assert (status, lines) == (0, [])


@pytest.mark.parametrize("name", FILES)
def test_the_page_names_every_key(name):
    page = (DOCS / PAGES[name]).read_text()
    words = set(re.findall(r"[A-Za-z0-9_]+", " ".join(re.findall(r"`([^`\n]+)`", page))))
    keys = {k for _, value, node in walk(schema(name), golden(name)) if isinstance(value, dict) for k in node.get("properties", {})}
    assert keys <= words, f"{PAGES[name]} says nothing of {sorted(keys - words)}"
