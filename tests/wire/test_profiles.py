"""Every shipped profile against raw registers: what a controller has on the wire, through the real agent and server, to the values and
tickets that people see. The registers are those of the makers' maps, written out here once more."""
import pytest
import yaml
from rig import ROOT, Rig, wait_for
from slave import Slave

SOLVIS = {
    "input": {
        2: 2, 32770: 32016, 32771: 20107,
        **{33024 + i: v for i, v in enumerate([612, 548, 401, 305, 2200, 2500, 213, 784, 55, -63, 2200, 2200, 2200, 2200, 2200, 2200])},
        33040: 4, 33041: 0, 33042: 15, 33043: 0, 33044: 100, 33045: 0b101,
        **{33280 + i: v for i, v in enumerate([1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1])},
        **{33294 + i: v for i, v in enumerate([0, 63, 40, 0, 0, 0])},
        33536: 1234, 33537: 10, 33538: 2000, 33539: 7, 33540: 500, 33541: 600, 33546: 0, 33547: 0, 33549: 25, 33550: 0, 33552: 4321, 33553: 12,
        33792: 1, **{33793 + i: v for i, v in enumerate([77, 1, 2, 5, 6] + [0] * 45)},
    },
    "holding": {33543: 34, 34304: 215, 34305: 0, 34306: 0, 2305: 50, 2322: 0},
}
SOLVIS_VALUES = {
    "circuits": 2, "version": 32016, "network_version": 20107, "store_top": 61.2, "hot_water": 54.8, "store_bottom": 40.1, "s4": 30.5, "s5": (None, "invalid"), "s6": (None, "invalid"),
    "s7": 21.3, "collector": 78.4, "s9": 5.5, "outdoor": -6.3, "s16": (None, "invalid"), "solar_flow": 4, "flow_2": 0, "analog_1": 1.5, "analog_3": 10, "sensor_faults": 5,
    "circulation_pump": 1, "burner": 1, "heater": 0, "diverter": 1, "solar_pump": 63, "solar_pump_2": 40, "solar_yield": 12340, "hp_heat": 100, "burner_heat": 20000, "dhw_heat": 5000,
    "circuit_heat": 6000, "solar_power": 3.4, "dhw_power": 2.5, "pump_hours": 4321, "pump_2_hours": 12, "messages": 1, "message_code": 77, "message_parameter": 5, "message_2_code": 0,
    "message_3_code": 0, "room_1": 21.5, "dhw_setpoint": 50, "dhw_reheat": 0,
}
LG = {
    "input": {**{i: v for i, v in enumerate([14, 2, 351, 402, 403, 487, 655, 212, 186, 330, 205, 2, -35, 17])}, 35: 900, 9997: 0x81, 9998: 0},
    "discrete": {i: v for i, v in enumerate([0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0])},
    "coil": {i: v for i, v in enumerate([1, 1, 0, 0, 0, 0])},
    "holding": {9: 2},
}
LG_VALUES = {
    "error_code": 14, "cycle": 2, "water_in": 35.1, "water_out": 40.2, "heater_out": 40.3, "tank": 48.7, "collector": 65.5, "room_1": 21.2, "flow": 18.6, "flow_temp_2": 33.0, "room_2": 20.5,
    "energy_input": 2, "outdoor": -3.5, "pressure": 1.7, "flow_low": 0, "pump_on": 1, "external_pump_on": 0, "compressor_on": 1, "defrost": 0, "dhw_heating": 1, "disinfection": 0,
    "silent_mode": 0, "cooling": 0, "solar_pump_on": 1, "backup_1_on": 0, "backup_2_on": 0, "booster_on": 1, "error_present": 1, "emergency_heat": 1, "emergency_dhw": 0, "mix_pump_on": 0,
    "heating_enable": 1, "dhw_enable": 1, "emergency_stop": 0, "energy_state": 2,
}
SWH = {
    "input": {i: v for i, v in enumerate([953, 32767, 402, -125, 58, 207, 78, 812, 1998, 0, 1, 3])},
    "holding": {3: 0b1010, 4: 0b1, 5: 0, 6: 0, 7: 0, 8: 0, 9: 0, 10: 111},
}
SWH_VALUES = {
    "collector_temp": 95.3, "tank_top": (None, "invalid"), "tank_bottom": 40.2, "ambient_temp": -12.5, "flow": 5.8, "pressure": 2.07, "level": 78, "irradiance": 812, "heater_power": 1998,
    "pump_hours": 65539, "pump_on": 1, "heater_on": 0, "refill_valve": 1, "fault_word": 1, "leak_current": 1, "setpoint": 55.5,
}
HOUSE = {"input": {i: v for i, v in enumerate([-63, 401, 1200, 213, 40, 1, 1, 0, 2, 1])}}
HOUSE_VALUES = {"t_collector": -6.3, "t_store_low": 40.1, "t_store_high": 120, "t4": 21.3, "pump_pwm": 40, "pump_relay": 1, "relay2": 1, "relay3": 0, "pump_seconds": 131073}
ALL = {"solvis-sc3": (1, SOLVIS, SOLVIS_VALUES, "controller_message"), "lg-therma-v": (33, LG, LG_VALUES, "unit_error"), "swh-basic": (3, SWH, SWH_VALUES, "leak_current_trip"),
       "house-log": (4, HOUSE, HOUSE_VALUES, "store_overheat")}


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    rig = Rig(tmp_path_factory.mktemp("profiles"))
    rig.slave = Slave(rig.modbus_port, {unit: tables for unit, tables, _, _ in ALL.values()})
    rig.broker()
    rig.fleet(ALL, profile="swh-basic")
    fleet = rig.folder / "fleet.yaml"
    text = fleet.read_text()
    for name in ALL:
        text = text.replace(f"id: {name}, title: Roof heater, site: site-1, profile: swh-basic", f"id: {name}, title: x, site: site-1, profile: {name}")
    fleet.write_text(text)
    assert rig.command("import", fleet).returncode == 0
    rig.server()
    rows = "".join(f"  - {{id: {name}, bus: lan, unit_id: {row[0]}, profile: {name}}}\n" for name, row in ALL.items())
    from rig import BUILD, Program
    path = rig.write("agent.yaml", f"""agent: {{id: gw-1}}
broker: {{url: "mqtt://127.0.0.1:{rig.mqtt_port}"}}
spool: {{path: {rig.folder}/a.spool, max_bytes: 16MiB}}
buses: [{{name: lan, tcp: "127.0.0.1:{rig.modbus_port}"}}]
equipment:
{rows}profiles: models/equipment
""")
    rig.keep(Program([BUILD / "heliograph-agent", "--config", path], "ready"))
    yield rig
    rig.close()
    rig.slave.close()


@pytest.mark.parametrize("profile", ALL)
def test_registers_become_the_values_of_the_makers_map(rig, profile):
    _, _, wanted, _ = ALL[profile]
    shown = lambda: {p["name"]: p for p in rig.get("/equipment/" + profile)["points"]}
    wait_for(lambda: set(wanted) <= set(shown()), 60, words=f"all points of {profile}")
    points = shown()
    for name, value in wanted.items():
        value, quality = value if isinstance(value, tuple) else (value, "good")
        got = points[name]["value"]
        assert got == value or (got is not None and value is not None and got == pytest.approx(value)), (name, got, value)
        assert points[name]["quality"] == quality, name
    assert not [p for p in points.values() if p["quality"] == "illegal"]


@pytest.mark.parametrize("profile", ["lg-therma-v", "swh-basic"])  # the others wait a minute
def test_a_fault_among_them_becomes_a_ticket(rig, profile):
    ticket = wait_for(lambda: [t for t in rig.tickets(f"?equipment={profile}") if t["fault"] == ALL[profile][3]], 70, words=ALL[profile][3])[0]
    assert ticket["title"]["en"] and ticket["title"]["zh"] and ticket["cause"]


@pytest.mark.parametrize("profile", ALL)
def test_nobody_asks_for_registers_that_the_map_lacks(rig, profile):
    unit, tables, _, _ = ALL[profile]
    for asked, table, address, count in [a for a in rig.slave.asked if a[0] == unit]:
        assert address in tables[table], (table, address)


@pytest.mark.parametrize("profile", ALL)
def test_every_fault_says_what_people_need(profile):
    tree = yaml.safe_load((ROOT / f"models/equipment/{profile}.yaml").read_text())
    parts = {part["id"]: part["class"] for part in tree.get("parts", [])}
    for fault in tree["faults"]:
        where = f"{profile}: {fault['id']}"
        for text in [fault["title"], fault["advice"], *fault.get("remote", [])]:
            assert text["en"].strip() and any("一" <= c <= "鿿" for c in text["zh"]), where
        assert fault.get("remote"), where
        assert fault["component"] in ("tank", "collector", "evacuated_tube", "bracket", "pipe_fittings", "electrical"), where
        assert fault["causes"] and abs(sum(c["odds"] for c in fault["causes"]) - 1) < 0.011, where
        for cause in fault["causes"]:
            assert cause["skill"], where
            assert set(cause.get("parts", [])) <= set(parts), where
