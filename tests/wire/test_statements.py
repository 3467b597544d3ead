"""Every statement that the server's C code holds is understood by PostgreSQL too: each is prepared there, with
the types that its letters say, in a database that the server itself has made."""
import pathlib
import re
import subprocess

import pytest
from postgres import Postgres
from rig import ROOT, Rig

LITERAL = r'"(?:[^"\\]|\\.)*"'
LITERALS = rf"{LITERAL}(?:\s*{LITERAL})*"
CALL = re.compile(rf"\bsql_(?:run|find|find_int)\(\s*[^;]*?({LITERALS})\s*,\s*({LITERALS})\s*[,)]", re.S)
TYPES = {"i": "bigint", "d": "double precision", "t": "text", "b": "bytea", "n": "unknown"}


def words(literals):
    return "".join(part[1:-1].replace('\\"', '"').replace("\\n", "\n") for part in re.findall(LITERAL, literals, re.S))


FIGURE = re.compile(rf"({LITERALS})")


def expanded(path):
    """The file as the compiler sees it, so that a statement put together of macros is one."""
    flags = ["-E", "-P", "-D_GNU_SOURCE", '-DHELIOGRAPH_VERSION="0"', f"-I{ROOT}", "-I/usr/include/postgresql"]
    return subprocess.run(["gcc", *flags, path], capture_output=True, text=True, check=True).stdout


def statements():
    for path in sorted((ROOT / "server").rglob("*.c")):
        text, place = expanded(path), path.relative_to(ROOT)
        for match in CALL.finditer(text):
            statement, kinds = words(match.group(1)), words(match.group(2))
            if re.match(r"(SELECT|INSERT|UPDATE|DELETE|WITH)\b", statement):
                yield place, statement, kinds
        if path.name.startswith("figures_"):
            for match in FIGURE.finditer(text):
                if words(match.group(1)).startswith("WITH span"):
                    yield place, words(match.group(1)), "iiiiit"


@pytest.fixture(scope="module")
def postgres():
    postgres = Postgres()
    yield postgres
    postgres.close()


def test_postgresql_understands_every_statement(postgres, tmp_path):
    rig = Rig(tmp_path, database=postgres.database())
    made = rig.command("audit")  # a sub-command brings the tables
    assert made.returncode == 0, made.stderr
    all_, wrong = list(statements()), []
    assert sum(s.startswith("WITH span") for _, s, _ in all_) > 20, "the figures are no longer found"
    assert len(all_) > 150, "the statements are no longer found in the source"
    for number, (place, statement, kinds) in enumerate(all_):
        types = ", ".join(TYPES[kind] for kind in kinds)
        text = f"PREPARE s{number}{f'({types})' if types else ''} AS " + re.sub(r"\?(\d+)", r"$\1", statement)
        answer = subprocess.run(["psql", "-X", "-q", "-h", str(postgres.folder), "-U", "postgres", "-d", "heliograph_1",
                                 "-v", "ON_ERROR_STOP=1"], input=text + ";\n", capture_output=True, text=True)
        if answer.returncode:
            wrong.append(f"{place}: {statement[:200]}\n{answer.stderr.strip()}")
    assert not wrong, "\n".join(wrong)
