"""docs/api.md run from top to bottom: every request is made, every answer has at least the keys and kinds that are shown."""
import json
import re
import time

import pytest
from docs_tools import DOCS
from gateway import Gateway, now_ms
from rig import Rig, wait_for

EXAMPLE = re.compile(r"^```http\n(.*?)^```\n```(json|text) (\d+)([^\n]*)\n(.*?)^```", re.M | re.S)
# These say what happened; the other values of an example are only of the right kind.
EXACT = {"state", "kind", "grade", "status", "fault", "equipment", "verdict", "role", "team", "technician"}


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("api"))
    rig.broker()
    rig.fleet()
    assert rig.command("user", "add", "wang", "--role", "dispatcher", stdin="a good long one\n").returncode == 0
    rig.server()
    wait_for(lambda: rig.metric("broker_connected") == 1)
    gateway = Gateway(rig)
    gateway.birth(["swh-0001"])
    gateway.wait_ack(gateway.data("swh-0001", {"pump_on": [[0, 1], [30000, 1], [60000, 1]],
                                               "flow": [[0, 0.0], [30000, 0.1], [60000, 0.0]]}, t0=now_ms() - 90_000))
    wait_for(lambda: rig.tickets("?fault=pump_no_flow"))
    yield rig
    gateway.close()
    rig.close()


def differences(shown, real, where="the answer"):
    """What of an example is not in the answer."""
    if isinstance(shown, dict):
        if not isinstance(real, dict):
            yield f"{where}: {real!r:.200} is no object"
            return
        for key, value in shown.items():
            if key not in real:
                yield f"{where}.{key} is missing"
            elif key in EXACT and not isinstance(value, (dict, list)) and value is not None:
                if real[key] != value:
                    yield f"{where}.{key} is {real[key]!r}, not {value!r}"
            else:
                yield from differences(value, real[key], f"{where}.{key}")
    elif isinstance(shown, list):
        if not isinstance(real, list) or (shown and not real):
            yield f"{where}: {real!r:.200} is no list of at least one"
        elif shown:
            yield from differences(shown[0], real[0], f"{where}[0]")
    elif isinstance(shown, bool) or isinstance(shown, str):
        if type(shown) is not type(real):
            yield f"{where}: {real!r:.200} is no {type(shown).__name__}"
    elif isinstance(shown, (int, float)) and not isinstance(real, (int, float)):
        yield f"{where}: {real!r:.200} is no number"


def pick(answer, path):
    for step in path.split("."):
        answer = answer[int(step)] if step.isdigit() else answer[step]
    return answer


def test_every_example_of_the_page(rig):
    page = (DOCS / "api.md").read_text()
    examples = EXAMPLE.findall(page)
    assert len(examples) == page.count("```http\n") and len(examples) > 20
    known, wrong = {}, []
    for request, form, status, captures, shown in examples:
        request = re.sub(r"\{(\w+)\}", lambda m: known.get(m[1], m[0]), request)
        request = re.sub(r'"at":"[^"]*"', time.strftime('"at":"%Y-%m-%dT%H:%M:%SZ"', time.gmtime()), request)
        head, _, body = request.partition("\n\n")
        line, *headers = head.strip().split("\n")
        method, path = line.split(" ", 1)
        got, answer = rig.call(method, path, json.loads(body) if body.strip() else None,
                               dict(h.split(": ", 1) for h in headers), token="/track/" not in path and "/login" not in path)
        if got != int(status):
            wrong.append(f"{line}: {got}, not {status}: {answer!r:.300}")
            continue
        wrong += [f"{line}: {d}" for d in (differences(json.loads(shown), answer) if form == "json"
                                           else () if answer.startswith(shown.strip()) else ("another text",))]
        known.update((name, str(pick(answer, where))) for name, where in (c.split("=") for c in captures.split()))
    assert not wrong, "\n".join(wrong)


def test_the_page_speaks_of_every_route():
    page = (DOCS / "api.md").read_text()
    paths = json.loads((DOCS / "openapi.json").read_text())["paths"]
    for path in paths:
        stem = re.sub(r"/\{[^}]*\}.*", "", path.removeprefix("/api/v1"))
        assert stem == "/" or stem in page or stem in ("/agents", "/logout", "/calendars"), path
