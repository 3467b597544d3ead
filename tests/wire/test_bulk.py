"""Files in and out: YAML and CSV, several as one, all or nothing, the same again without change; lists as sheets."""
import csv
import io

import pytest
from desk_rig import DeskRig, Gateway
from docs_tools import read_yaml, schema
from rig import wait_for


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = DeskRig(tmp_path_factory.mktemp("bulk")).open(heaters=5)
    yield rig
    rig.close()


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_what_was_imported_is_exported_and_imports_as_the_same(rig):
    out = rig.command("export")
    assert out.returncode == 0, out.stderr
    assert read_yaml(out.stdout) == read_yaml(rig.fleet_text)
    again = rig.command("import", rig.write("again.yaml", out.stdout))
    assert again.stdout == "imported: 0 rows new or changed\n", again.stderr
    every = schema("fleet")["properties"]
    assert set(rig.get("/fleet")) == set(every) and all(rig.command("export", name).returncode == 0 for name in every)
    names = list(read_yaml(out.stdout))
    files = []
    for name in names:
        sheet = rig.command("export", name)
        assert sheet.returncode == 0, sheet.stderr
        files.append(rig.write(f"{name}.csv", sheet.stdout))
    again = rig.command("import", *files)
    assert (again.returncode, again.stdout) == (0, "imported: 0 rows new or changed\n"), again.stderr


def test_a_sheet_as_people_write_it(rig):
    sheet = 'id,customer,name,address,time_zone,lat,lon\nsite-7,cust-7,"Roof, east",7 Lane,Asia/Shanghai,31.1,121.2\n'
    people = "id,name,phone\ncust-7,Wu Min,+86 21 5550 7777\n"
    result = rig.command("import", rig.write("customers.csv", people), rig.write("sites.csv", sheet))
    assert (result.returncode, result.stdout) == (0, "imported: 2 rows new or changed\n"), result.stderr
    site = {r["id"]: r for r in rows(rig.command("export", "sites").stdout)}["site-7"]
    assert (site["name"], site["customer"], site["lat"]) == ("Roof, east", "cust-7", "31.1")


def test_all_or_nothing_and_told_where(rig):
    """A wrong cell of the second file: nothing of either; file, line and column of each."""
    people = "id,name\ncust-8,Zhou\n"
    sheet = "id,customer,time_zone,lat\nsite-8,cust-8,Asia/Shanghai,91\nsite-9,nobody,Moon/Crater,1\n"
    result = rig.command("import", rig.write("customers.csv", people), rig.write("sites.csv", sheet))
    lines = result.stderr.splitlines()
    assert result.returncode == 2 and len(lines) == 3
    assert sorted(line[line.index("sites.csv"):].split(" ")[0] for line in lines) == ["sites.csv:2:29:", "sites.csv:3:15:", "sites.csv:3:8:"]
    assert "cust-8" not in rig.command("export", "customers").stdout
    wrong = rig.command("import", rig.write("poems.csv", "id\n1\n"))
    assert wrong.returncode == 2 and "called after a section" in wrong.stderr


def test_over_http(rig):
    status, headers, text = rig.ask("GET", "/api/v1/fleet?format=yaml")
    assert status == 200 and headers["content-type"] == "application/yaml" and "site-1" in text
    status, headers, text = rig.ask("GET", "/api/v1/fleet?format=csv&section=technicians")
    assert headers["content-type"].startswith("text/csv") and {r["id"] for r in rows(text)} == {"tech-1", "tech-2"}
    assert rig.get("/fleet?format=json&section=depots")["depots"][0]["id"] == "depot-1"
    assert rig.ask("GET", "/api/v1/fleet?format=csv")[0] == 422 and rig.ask("GET", "/api/v1/fleet?section=poems")[0] == 422
    more = {"Content-Type": "application/octet-stream"}
    sheet = b"id,name\ncust-9,Xu\n"
    status, _, text = rig.ask("POST", "/api/v1/fleet?name=customers.csv", raw=sheet, headers=more)
    assert (status, text) == (200, '{"changed":1,"warnings":[]}')
    assert rig.ask("POST", "/api/v1/fleet?name=customers.csv", raw=sheet, headers=more)[2] == '{"changed":0,"warnings":[]}'
    status, _, text = rig.ask("POST", "/api/v1/fleet?name=sites.csv", raw=b"id,customer\ns,nobody\n", headers=more)
    assert status == 422 and "sites.csv:2:3: error: expected a customer" in text
    viewer = rig.role_token("viewer")
    assert rig.ask("GET", "/api/v1/fleet", token=viewer)[0] == 403


def test_lists_as_sheets(rig):
    gateway = Gateway(rig, heaters=5)
    for n in (1, 2, 3):
        gateway.fault(equipment=f"swh-000{n}", fault="tank_leak")
    wait_for(lambda: len(rig.tickets("?fault=tank_leak")) == 3)
    status, headers, text = rig.ask("GET", "/api/v1/tickets?fault=tank_leak&limit=2", headers={"Accept": "text/csv"})
    assert status == 200 and headers["content-type"].startswith("text/csv")
    first = rows(text)
    assert len(first) == 2 and first[0]["fault"] == "tank_leak" and first[0]["title.zh"] and first[0]["clocks.0.kind"]
    _, headers, text = rig.ask("GET", f"/api/v1/tickets?fault=tank_leak&limit=2&cursor={headers['next-cursor']}", headers={"Accept": "text/csv"})
    assert len(rows(text)) == 1 and "next-cursor" not in headers
    assert {r["number"] for r in first + rows(text)} == {t["number"] for t in rig.tickets("?fault=tank_leak")}
    assert rig.ask("GET", "/api/v1/work-orders", headers={"Accept": "text/csv, application/json;q=0.5"})[1]["content-type"].startswith("text/csv")
    assert rig.ask("GET", "/api/v1/work-orders", headers={"Accept": "*/*"})[1]["content-type"] == "application/json"
    assert rig.ask("GET", f"/api/v1/tickets/{first[0]['number']}", headers={"Accept": "text/csv"})[0] == 406
