"""What the tests of the documents stand on: YAML as the programs read it, the schemas of docs/schema, the programs'
own opinion of a file, and files made wrong on purpose after their schema."""
import copy
import functools
import json
import pathlib
import re
import subprocess

import jsonschema
import yaml
from rig import BUILD, ROOT

DOCS = ROOT / "docs"
GOLDEN = ROOT / "tests" / "golden"
FILES = ("profile", "plan", "job", "paper", "course", "checklist", "codes", "fleet", "agent", "server")
MESSAGES = ("data", "event", "status", "reply", "ack", "command")


class Loader(yaml.SafeLoader):
    """YAML 1.2's words: on, off, yes and dates are texts; numbers are decimal, 0x and floats."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
        ("tag:yaml.org,2002:bool", r"^(true|false)$", "tf"),
        ("tag:yaml.org,2002:int", r"^[-+]?(0x[0-9a-fA-F]+|[0-9]+)$", "-+0123456789"),
        ("tag:yaml.org,2002:float", r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", "-+.0123456789"),
        ("tag:yaml.org,2002:null", r"^$", [""])):
    Loader.add_implicit_resolver(tag, re.compile(pattern), first)


def _int(loader, node):
    words = loader.construct_scalar(node)
    return int(words, 16 if "x" in words else 10)


Loader.add_constructor("tag:yaml.org,2002:int", _int)
Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(loader.construct_scalar(node)))


def _texts_as_keys(value):
    if isinstance(value, dict):
        return {str(k): _texts_as_keys(v) for k, v in value.items()}
    return [_texts_as_keys(v) for v in value] if isinstance(value, list) else value


def read_yaml(text):
    return _texts_as_keys(yaml.load(text, Loader))


def write_yaml(value):
    return yaml.dump(value, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), allow_unicode=True, sort_keys=False, width=10000)


def schema(name):
    return json.loads((DOCS / "schema" / f"{name}.schema.json").read_text())


@functools.cache
def _checker(name):
    return jsonschema.Draft202012Validator(schema(name))


def findings(name, value):
    """What the schema has against value; [] when it has nothing."""
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in _checker(name).iter_errors(value)]


def is_valid(name, value):
    return _checker(name).is_valid(value)


# ---------------------------------------------------------------- the programs' opinion

class Bench:
    """A folder with one file of each kind in which each may be exchanged, and the programs that read them."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for name in ("profiles", "plans", "jobs", "papers", "notices", "inspections", "courses"):
            (self.folder / name).mkdir()
        (self.folder / "plans" / "overlays").mkdir()  # what the golden fleet file lays over the golden plan
        (self.folder / "plans" / "overlays" / "golden-over.yaml").write_text("overlay: golden-over\n")
        (self.folder / "password").write_text("secret\n")
        for name in FILES:
            self.put(name, (GOLDEN / "files" / f"{name}.yaml").read_text())

    def path(self, name):
        return {"profile": "profiles/golden.yaml", "plan": "plans/golden.yaml", "job": "jobs/golden.yaml", "paper": "papers/golden.yaml", "course": "courses/golden.yaml", "checklist": "inspections/golden.yaml"}.get(name, f"{name}.yaml")

    def put(self, name, text):
        (self.folder / self.path(name)).write_text(text)

    def run(self, program, *words):
        return subprocess.run([str(BUILD / program), *words], cwd=self.folder, capture_output=True, text=True, timeout=60)

    def opinion(self, name):
        """(exit status, complaints) of the program that reads this kind of file."""
        if name == "agent":
            result = self.run("heliograph-agent", "--config", "agent.yaml", "--check")
        elif name == "fleet":
            result = self.run("heliograph-server", "--config", "server.yaml", "import", "fleet.yaml")
        else:
            result = self.run("heliograph-server", "--config", "server.yaml", "--check")
        assert result.returncode in (0, 2), (result.returncode, result.stderr)
        return result.returncode, result.stderr.splitlines()

    def opinion_of(self, name, value):
        self.put(name, value if isinstance(value, str) else write_yaml(value))
        return self.opinion(name)


# ---------------------------------------------------------------- walking a file along its schema

def _resolve(root, node):
    """node with its references followed and what applies to value merged in: properties and required of all parts."""
    if node is True or node is False:
        return {}
    while "$ref" in node:
        node = {**root["$defs"][node["$ref"].rsplit("/", 1)[1]], **{k: v for k, v in node.items() if k != "$ref"}}
    return node


def _holds(root, node, value):
    return jsonschema.Draft202012Validator({**_resolve(root, node), "$defs": root.get("$defs", {})}).is_valid(value)


def _join(one, other):
    """Two schemas of the same value as one."""
    joined = {**one, **other}
    for key in set(one) & set(other):
        if key == "properties":
            both = {k: (one[key].get(k), other[key].get(k)) for k in {**one[key], **other[key]}}
            joined[key] = {k: b if not a and a is not False else a if not b and b is not False else a if a == b else {"allOf": [a, b]}
                           for k, (a, b) in both.items()}
        elif key == "required":
            joined[key] = [*one[key], *(r for r in other[key] if r not in one[key])]
        elif key == "description":
            joined[key] = one[key]
    return joined


def _merge(root, node, value):
    """node as one flat schema: references followed, what applies to value joined in."""
    node = dict(_resolve(root, node))
    parts = node.pop("allOf", [])
    if "if" in node:
        branch, other = node.pop("then", {}), node.pop("else", {})
        parts = [*parts, branch if _holds(root, node.pop("if"), value) else other]
    if "anyOf" in node:
        part = next((p for p in node.pop("anyOf") if _holds(root, p, value)), {})
        node["$choice"] = True  # another kind of value, or another key, may do as well
        if set(part) != {"required"}:
            parts = [*parts, part]
    for part in parts:
        node = _join(node, _merge(root, part, value))
    return node


def walk(root, value, node=None, path=()):
    """(path, value, schema of it) of every value of a document that its schema speaks of."""
    node = _merge(root, root if node is None else node, value)
    yield path, value, node
    if isinstance(value, dict):
        for key, child in value.items():
            below = node.get("properties", {}).get(key, node.get("additionalProperties", True))
            if isinstance(below, dict):
                yield from walk(root, child, below, (*path, key))
    if isinstance(value, list):
        for i, child in enumerate(value):
            if isinstance(node.get("items"), dict):
                yield from walk(root, child, node["items"], (*path, i))


def at(document, path):
    for key in path:
        document = document[key]
    return document


def changed(document, path, value):
    document = copy.deepcopy(document)
    if not path:
        return value
    at(document, path[:-1])[path[-1]] = value
    return document


def without(document, path):
    document = copy.deepcopy(document)
    del at(document, path[:-1])[path[-1]]
    return document


def wrong_documents(root, document):
    """(what is wrong, where it must be told, document) for every way of being wrong that the schema knows, one at a time. Where:
    the path of the value; of the map that lacks a key; of the key that is too many, ending in KEY."""
    for path, value, node in walk(root, document):
        name = "/".join(map(str, path)) or "the whole"

        def other(what, wrong):
            return f"{name}: {what}", path, changed(document, path, wrong)
        if isinstance(value, dict):
            if node.get("additionalProperties") is False:
                yield f"{name}: a key too many", (*path, "zz", KEY), changed(document, path, {**value, "zz": 1})
            for key in node.get("required", []):
                yield f"{name}: no {key}", path, without(document, (*path, key))
            if path and "type" in node and "$choice" not in node:
                yield other("a word for a map", "zz")
        elif isinstance(value, list) and "type" in node:
            yield other("a word for a list", "zz")
            yield other("a map for a list", {"zz": 1})
        elif not isinstance(value, list) and set(node) - {"description", "$choice"}:
            yield other("a map for a word", {"zz": 1})
            yield other("a list for a word", ["zz"])
            if node.get("type") in ("integer", "number", "boolean"):
                yield other(f"a word for a {node['type']}", "zz")
            if node.get("type") == "integer":
                yield other("a fraction", 1.5)
            if "enum" in node or "pattern" in node:
                yield other("not of its form", "!zz")
            if "minimum" in node:
                yield other("too small", node["minimum"] - 1)
            if "maximum" in node:
                yield other("too large", node["maximum"] + (1 if node["maximum"] < 1e11 else node["maximum"]))


KEY = object()


def place(text, path):
    """Line and column, from 1, of the value (or key) at path in a YAML text."""
    node = yaml.compose(text, getattr(yaml, "CSafeLoader", Loader))
    for i, step in enumerate(path):
        if isinstance(node, yaml.SequenceNode):
            node = node.value[step]
            continue
        key, value = next((k, v) for k, v in node.value if k.value == step)
        node = key if path[i + 1:] == (KEY,) else value
        if node is key:
            break
    return node.start_mark.line + 1, node.start_mark.column + 1
