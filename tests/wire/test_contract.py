"""A client that knows only the outer contract: its own profile under a shipped name, its own fleet, plain bodies."""
import subprocess

import pytest
from rig import BUILD, ROOT, Rig

PROFILE = """profile: swh-basic
version: 1
title: {en: Solar water heater, zh: 太阳能热水器}
points:
  - name: collector_temp
    unit: °C
    role: collector_temperature
    register: {table: input, address: 0, type: int16, scale: 0.1}
    invalid: [32767]
    range: [-40, 250]
    every: 10s
    deadband: 0.2
  - name: setpoint
    register: {table: holding, address: 10, type: uint16, scale: 0.5}
    write: {range: [38, 70], budget: 1000, rate: 10m}
  - name: pump_on
    register: {table: holding, address: 3, type: bits, mask: 0x0002, shift: 1}
  - name: flow
    register: {table: input, address: 1, type: uint16, scale: 0.1}
faults:
  - id: pump_no_flow
    title: {en: Pump runs without flow, zh: 循环泵运行无流量}
    when: "pump_on == 1 and flow < 0.5"
    for: 60s
    clear: "flow >= 0.5 or pump_on == 0"
    grade: 2
    ladder: [{after: 10m, grade: 1}]
    domain: hardware
    component: electrical
    causes: [{cause: pump_stopped, odds: 0.6, parts: [pump-15-60], skill: electrician}]
"""


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("contract"))
    (rig.folder / "profiles").mkdir()
    rig.write("profiles/swh-basic.yaml", PROFILE)
    path = rig.folder / "server.yaml"
    path.write_text(path.read_text().replace("models/equipment", f"{rig.folder}/profiles"))
    rig.broker()
    rig.fleet()
    rig.server()
    yield rig
    rig.close()


def test_own_profile_under_a_shipped_name(rig):
    """The job plans beside the shipped plans know more points and faults than a profile of one's own has."""
    answer = rig.command("--check")
    assert answer.returncode == 0, answer.stderr
    named = rig.write("named.yaml", (rig.folder / "server.yaml").read_text() + "jobs: models/jobs\n")
    answer = subprocess.run([BUILD / "heliograph-server", "--config", named, "--check"], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 2 and "error: expected a point of profile swh-basic, found" in answer.stderr
