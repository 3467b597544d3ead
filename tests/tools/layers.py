#!/usr/bin/env python3
"""Holds the tree's #include lines against the floors of the house; prints every arrow that is wrong.

Wrong is an arrow that points up or sideways, into another room's _int.h, from one program into the
other, from models/ to a header that is not pure C, to a library outside the module that stands for
it, or that closes a ring. Exit status 1 if there is any. Usage: layers.py [ROOT]
"""
import re
import sys
from pathlib import Path, PurePosixPath

# Lowest floor first. A room may use itself and every room on a floor below its own.
FLOORS = """
models/base
models/profile models/telemetry
models/fault
models/diag models/inspection models/paper models/service
models/stock models/training
host
agent/modbus agent/parcel server/store server/console server/replay
server/rack
agent/acquire agent/uplink server/fleet server/notice
server/alarm
server/case
server/stock server/dossier server/training
server/field server/inspection
server/visit server/relation
server/money
server/desk
server/care
server/ingest server/api
agent server
tests
"""
FLOOR = {room: n for n, line in enumerate(FLOORS.strip().splitlines()) for room in line.split()}

# All that models/ may ask of the C library: no clock, no threads, no machine.
PURE = {name + ".h" for name in """
    assert ctype errno float inttypes limits math stdarg stdbool stddef stdint stdio stdlib string
    """.split()}

# Who stands for a library: the module alone, or a whole folder.
KEEPERS = {
    "libfyaml.h": "models/base/yaml",
    "cjson/cJSON.h": "models/base/json",
    "sodium.h": "models/base/hash server/api/auth server/fleet/numbers",
    "MQTTAsync.h": "host/mqtt",
    "sqlite3.h": "host/db",
    "zstd.h": "host/file",
    "modbus/modbus.h": "agent/modbus/link_libmodbus",
    "libpq-fe.h": "server/store/sql_pg",
    "microhttpd.h": "server/api/http",
    "curl/curl.h": "server/notice/notify",
    "libical/ical.h": "server/visit/calendar",
    "qrencode.h": "server/field/label",
    "uthash.h": "models host agent server",
}
PROGRAMS = {"agent", "server"}
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def room_of(path):
    """agent/uplink/spool.c lives in agent/uplink, agent/main.c in agent, all of tests/ in tests."""
    parts = PurePosixPath(path).parts
    return "/".join(parts[:2]) if len(parts) > 2 and parts[0] != "tests" else parts[0]


def module_of(path):
    """x.c, its face x.h and its inside x_int.h are one module."""
    return str(PurePosixPath(path).with_suffix("")).removesuffix("_int")


def keeps(module, header):
    return any(module == keeper or module.startswith(keeper + "/")
               for keeper in KEEPERS[header].split())


def wrong_with_library(path, header):
    top = path.split("/")[0]
    if top == "tests":
        return None
    if header in KEEPERS:
        return None if keeps(module_of(path), header) else f"<{header}> belongs to {KEEPERS[header]}"
    if top == "models" and header not in PURE:
        return f"models/ is pure C without I/O, clock or threads: <{header}> is not"
    return None


def wrong_with_ours(path, target, root):
    here, there = room_of(path), room_of(target)
    for room in (here, there):
        if room not in FLOOR:
            return f"{room} is no room of this house (the list stands in tests/tools/layers.py)"
    if not (root / target).exists():
        return f'"{target}" does not exist'
    if here == there:
        return None
    if target.endswith("_int.h"):
        return f"{target} is for {there} alone"
    if {here.split("/")[0], there.split("/")[0]} == PROGRAMS:
        return "agent and server meet only through messages"
    if FLOOR[there] >= FLOOR[here]:
        return f"{here} may not look up or sideways to {there}"
    return None


def rings(edges):
    """The rings met by a walk depth first: one closes at a module that is still on the trail."""
    walked, found = set(), []

    def walk(module, trail):
        if module in trail:
            found.append(trail[trail.index(module):] + [module])
        elif module not in walked:
            for other in sorted(edges.get(module, ())):
                walk(other, trail + [module])
            walked.add(module)

    for module in sorted(edges):
        walk(module, [])
    return found


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2])
    complaints, edges, lines = [], {}, 0
    tops = sorted({room.split("/")[0] for room in FLOOR})
    for file in sorted(file for top in tops for file in (root / top).rglob("*.[ch]")):
        path = file.relative_to(root).as_posix()
        edges.setdefault(module_of(path), set())
        for n, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            lines += 1
            kind, target = match.groups()
            if path.startswith("tests/") and (file.parent / target).exists():
                target = f"{PurePosixPath(path).parent}/{target}"  # tests may name a neighbour shortly
            if kind == "<":
                wrong = wrong_with_library(path, target)
            else:
                wrong = wrong_with_ours(path, target, root)
                if module_of(target) != module_of(path):
                    edges[module_of(path)].add(module_of(target))
            if wrong:
                complaints.append(f"{path}:{n}: {wrong}")
    complaints += ["ring: " + " -> ".join(ring) for ring in rings(edges)]
    for complaint in complaints:
        print(complaint)
    if not complaints:
        print(f"layers: {len(edges)} modules, {lines} includes, no arrow points up")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
