"""Who may do what: the page, the route and the programs tell the same."""
import os

import pytest
from docs_tools import DOCS
from rig import Rig

ROLES = ("viewer", "integration", "technician", "dispatcher", "manager", "admin")
PAGE = DOCS / "roles.md"


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("permissions"))
    rig.broker()
    rig.server()
    rig.fleet()
    yield rig
    rig.close()


def table(head, rows):
    ticks = lambda roles: " | ".join("yes" if r in roles else "" for r in ROLES)
    lines = [f"| {head} | " + " | ".join(ROLES) + " |", "|---" * (len(ROLES) + 1) + "|"]
    return "\n".join(lines + [f"| `{name}` | {ticks(roles)} |" for name, roles in rows]) + "\n"


def tables(told):
    routes = [(f"{r['method']} {r['path']}", ROLES if r["anybody"] else r["roles"]) for r in told["routes"]]
    actions = [(a["action"], a["roles"]) for a in told["ticket_actions"] if a["roles"]]
    return table("route", routes), table("action", actions)


def test_the_page_has_the_tables(rig):
    """HELIOGRAPH_WRITE=1 writes them into the page."""
    text = PAGE.read_text()
    parts = text.split("<!-- table -->\n")
    assert len(parts) == 5, "a table stands between two marks"
    routes, actions = tables(rig.get("/permissions"))
    wanted = "<!-- table -->\n".join([parts[0], routes, parts[2], actions, parts[4]])
    if os.environ.get("HELIOGRAPH_WRITE"):
        PAGE.write_text(wanted)
    assert text == wanted


def test_actions_are_refused_to_other_roles(rig):
    ticket = rig.call("POST", "/api/v1/tickets", {"equipment": "swh-0001", "note": "cold"})[1]["number"]
    told = rig.get("/permissions")["ticket_actions"]
    assert len([a for a in told if a["roles"]]) >= 14
    tokens = {r: rig.command("token", "add", f"p-{r}", "--role", r).stdout.split()[-1] for r in ROLES}
    for action in told:
        for role in ROLES:
            if role in action["roles"]:
                continue
            status, body = rig.call("POST", f"/api/v1/tickets/{ticket}/actions", {"action": action["action"], "id": "x", **dict.fromkeys(action["fields"], 1)},
                                    token=False, headers={"Authorization": f"Bearer {tokens[role]}"})
            assert status == (403 if action["roles"] or role == "viewer" else 422), (action["action"], role, status, body)
    assert len(rig.get(f"/tickets/{ticket}")["timeline"]) == 1, "nothing was done"
