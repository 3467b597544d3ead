"""heliograph-plant: Modbus on both wires, faults by command and by scenario, recordings sent again."""
import os
import struct
import socket
import subprocess
import time

import pytest
from rig import BUILD, ROOT, Program, Rig, free_port, wait_for

PLANT = BUILD / "heliograph-plant"


def pdu_answer(body):
    """Registers of an answer to a read; None for an exception."""
    if body[0] & 0x80:
        return None
    return list(struct.unpack(f">{body[1] // 2}H", body[2:2 + body[1]]))


class Tcp:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.socket.settimeout(1)

    def ask(self, unit, function, address, count):
        self.socket.sendall(struct.pack(">HHHBBHH", 7, 0, 6, unit, function, address, count))
        try:
            head = self.socket.recv(7, socket.MSG_WAITALL)
            return pdu_answer(self.socket.recv(struct.unpack(">H", head[4:6])[0] - 1, socket.MSG_WAITALL)) if head else None
        except TimeoutError:
            return None

    def close(self):
        self.socket.close()


def crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def run(*words, **more):
    return subprocess.run([str(PLANT), *map(str, words)], capture_output=True, text=True, timeout=60, cwd=ROOT, **more)


@pytest.fixture
def start(tmp_path):
    programs = []

    def begin(*words):
        port = free_port()
        programs.append(Program([PLANT, "--tcp", f"127.0.0.1:{port}", *words], "ready", stdin=subprocess.PIPE))
        programs[-1].port = port
        return programs[-1]
    yield begin
    for program in programs:
        program.stop()


def tell(program, *lines):
    program.process.stdin.write("".join(line + "\n" for line in lines))
    program.process.stdin.flush()


def test_it_explains_itself_and_refuses_in_words():
    text = run("--help").stdout
    assert "replay" in text and "pump_stopped" in text and "scenario" in text.lower()
    for words, part in ((["--nonsense"], "--nonsense"), (["--heaters"], "--heaters"), (["--heaters", "0"], "from 1 to 247"), (["--speed", "fast"], "'fast'"),
                        (["--weather", "bad"], "fine or year"), (["--tcp", "nowhere"], "host:port"), (["replay", "--csv", "x"], "--map")):
        result = run(*words)
        assert result.returncode == 2 and part in result.stderr, (words, result.stderr)


def test_every_heater_is_a_unit_of_its_own(start):
    plant = start("--heaters", 247, "--weather", "year", "--day", 180, "--hour", 12)
    line = Tcp(plant.port)
    tops = [line.ask(unit, 4, 0, 9) for unit in (1, 2, 100, 247)]
    assert all(t and 100 < t[0] < 1300 and 400 < t[1] < 700 for t in tops)
    assert line.ask(1, 3, 10, 1) == [110]  # 55.0 °C in steps of 0.5
    assert line.ask(1, 4, 90, 4) is None  # no such registers
    tell(plant, "fault 2 leak_current", "fault 3 silent")  # two lines at once
    wait_for(lambda: line.ask(2, 3, 4, 1) == [1])
    assert line.ask(1, 3, 4, 1) == [0]
    assert line.ask(3, 3, 4, 1) is None and line.ask(248, 3, 4, 1) is None
    other = Tcp(plant.port)
    assert other.ask(100, 3, 10, 1) == [110]
    tell(plant, "clear 2 leak_current", "nonsense", "fault 900 silent", "fault 1 nothing", "show 1")
    wait_for(lambda: line.ask(2, 3, 4, 1) == [0])
    wait_for(lambda: any(text.startswith("heater 1: collector") for text in plant.lines))
    assert sum(text.startswith("expected: fault UNIT NAME") for text in plant.lines) == 3
    line.close(), other.close()


def test_a_written_set_point_holds(start):
    plant = start()
    line = Tcp(plant.port)
    line.socket.sendall(struct.pack(">HHHBBHH", 7, 0, 6, 1, 6, 10, 120))
    assert line.socket.recv(12) == struct.pack(">HHHBBHH", 7, 0, 6, 1, 6, 10, 120)
    time.sleep(0.3)  # some turns of the plant: it must not fall back
    assert line.ask(1, 3, 10, 1) == [120]
    line.close()


def test_a_day_goes_by_as_fast_as_asked(start):
    plant = start("--speed", 20000, "--hour", 5)  # a day in 4.3 s
    line = Tcp(plant.port)
    suns, collectors, hours = [], [], 0
    end = time.monotonic() + 6
    while time.monotonic() < end and not (len(suns) > 20 and max(suns) > 700 and min(suns) == 0 and max(collectors) > 400):
        registers = line.ask(1, 4, 0, 12)
        suns.append(registers[7]), collectors.append(registers[0])
        hours = registers[10] << 16 | registers[11]
    assert max(suns) > 700 and min(suns) == 0 and max(collectors) > 400 and hours >= 1
    line.close()


def test_a_scenario_happens_in_the_plants_time(start, tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text("# what happens\n- {at: 3m, heater: 2, fault: leak_current, on: false}\n- {at: 1m, heater: 2, fault: leak_current}\n- {at: 2m, heater: 1, draw: 60}\n")
    plant = start("--heaters", 2, "--speed", 60, "--scenario", path)
    wait_for(lambda: len([t for t in plant.lines if t.startswith("heater")]) == 3, 15)
    assert [t for t in plant.lines if t.startswith("heater")] == ["heater 2: leak_current on", "heater 1: 60 l drawn", "heater 2: leak_current off"]


def test_a_wrong_scenario_says_where(tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text("- {at: soon, heater: 1, fault: leak_current}\n- {at: 1m, heater: 9, fault: no_such}\n- {heater: 1, fault: silent, colour: red}\n- 5\n")
    result = run("--heaters", 2, "--tcp", f"127.0.0.1:{free_port()}", "--scenario", path)
    lines = result.stderr.splitlines()
    assert result.returncode == 2
    for place in ("1:8", "2:20", "2:30", "3:3", "3:30", "4:3"):
        assert any(line.startswith(f"{path}:{place}: error: expected ") for line in lines), (place, lines)
    assert run("--scenario", tmp_path / "none.yaml", "--tcp", f"127.0.0.1:{free_port()}").returncode == 2


# ------------------------------------------------------------------ a serial line

@pytest.fixture
def wire(tmp_path):
    ends = [tmp_path / "a", tmp_path / "b"]
    socat = subprocess.Popen(["socat", *(f"pty,raw,echo=0,link={end}" for end in ends)])
    wait_for(lambda: all(end.exists() for end in ends), words="a pair of ptys")
    yield ends
    socat.terminate()
    socat.wait(10)


def test_all_units_answer_on_a_serial_line(wire):
    plant = Program([PLANT, "--serial", wire[0], "--heaters", 3], "ready", stdin=subprocess.PIPE)
    fd = os.open(wire[1], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def ask(frame, size, seconds=1.0):
        os.write(fd, frame)
        got, end = b"", time.monotonic() + seconds
        while len(got) < size and time.monotonic() < end:
            try:
                got += os.read(fd, 256)
            except BlockingIOError:
                time.sleep(0.005)
        return got
    read = lambda unit, function, address, count: (lambda body: body + crc(body))(struct.pack(">BBHH", unit, function, address, count))
    try:
        for unit in (1, 2, 3):
            answer = ask(read(unit, 3, 10, 1), 7)
            assert answer[:3] == bytes([unit, 3, 2]) and answer[3:5] == struct.pack(">H", 110) and answer[5:] == crc(answer[:5])
        assert ask(read(4, 3, 10, 1), 7, 0.3) == b""  # nobody there
        assert ask(read(1, 3, 10, 1)[:-1] + b"\x00", 7, 0.3) == b""  # a broken frame
        assert ask(read(1, 3, 10, 1)[:4], 7, 0.3) == b""  # half a frame
        assert ask(read(2, 3, 10, 1), 7)[:3] == bytes([2, 3, 2])  # and then a whole one
        body = struct.pack(">BBHHBH", 2, 16, 10, 1, 2, 100)
        assert ask(body + crc(body), 8)[:6] == struct.pack(">BBHH", 2, 16, 10, 1)
        assert ask(read(2, 3, 10, 1), 7)[3:5] == struct.pack(">H", 100)
    finally:
        os.close(fd)
        plant.stop()


def test_an_agent_reads_two_heaters_on_one_serial_line(wire, tmp_path):
    rig = Rig(tmp_path)
    try:
        rig.broker()
        rig.fleet()
        rig.server()
        rig.keep(Program([PLANT, "--serial", wire[0], "--heaters", 2], "ready", stdin=subprocess.PIPE))
        rig.agent(bus=f"serial: {{device: {wire[1]}, baud: 9600, parity: none, stop: 1}}")
        for equipment in ("swh-0001", "swh-0002"):
            wait_for(lambda: [p for p in rig.get("/equipment/" + equipment)["points"] if p["name"] == "setpoint" and p["value"] == 55], 30)
    finally:
        rig.close()


# ------------------------------------------------------------------ recordings

CSV = """time,T1,pump,extra
2026-03-01 10:00,40.1,0,x
2026-03-01 10:01,41.5,1,x
not a time,1,1,x
2026-03-01 10:02,,1,x
2026-03-01 10:03:30,-5.0,0,x
"""
MAP = "time: time\nzone_offset: 60\npoints: {T1: t_collector, pump: pump_relay}\n"


@pytest.fixture
def recording(tmp_path):
    (tmp_path / "r.csv").write_text(CSV)
    (tmp_path / "r.map.yaml").write_text(MAP)
    return tmp_path


def test_a_recording_plays_in_registers_at_its_pace(recording):
    port, began = free_port(), time.monotonic()
    plant = Program([PLANT, "replay", "--csv", recording / "r.csv", "--map", recording / "r.map.yaml", "--profile", "house-log", "--tcp", f"127.0.0.1:{port}",
                     "--speed", 60], "ready")
    line, seen = Tcp(port), []
    while plant.process.poll() is None and len(seen) < 4:
        try:
            registers = line.ask(1, 4, 0, 6)
        except OSError:  # it has ended
            break
        if registers and (not seen or seen[-1][1] != (registers[0], registers[5])):
            seen.append((time.monotonic() - began, (registers[0], registers[5])))
    assert [value for _, value in seen] == [(401, 0), (415, 1), (65486, 0)]
    assert seen[2][0] > 3  # three minutes and a half at 60 times their pace
    assert plant.process.wait(10) == 0
    wait_for(lambda: "rows=4 skipped=1" in plant.lines)
    line.close()


def test_a_recording_arrives_with_its_own_times(recording):
    rig = Rig(recording)
    try:
        rig.broker()
        rig.server()
        result = run("replay", "--csv", recording / "r.csv", "--map", recording / "r.map.yaml", "--profile", "house-log", "--equipment", "house", "--agent", "rec",
                     "--broker", f"mqtt://127.0.0.1:{rig.mqtt_port}")
        assert result.returncode == 0 and "rows=4 readings=7 messages=1 skipped=1" in result.stdout, result.stdout + result.stderr
        series = rig.get("/equipment/house/series?point=t_collector&from=2026-03-01T09:00:00Z&to=2026-03-01T09:05:00Z&buckets=5")
        assert series["count"] == [1, 1, 1] and series["mean"] == [40.1, 41.5, -5.0]
        assert [t[14:16] for t in series["t"]] == ["00", "01", "03"]
        audit = rig.command("audit")
        assert audit.returncode == 0 and "agent=rec accepted=1 stored=1" in audit.stdout
    finally:
        rig.close()


def test_a_wrong_map_says_where(recording):
    path = recording / "r.map.yaml"
    path.write_text("time: when\nzone_offset: far\npoints: {T1: t_collector, T9: t4}\ncolour: red\n")
    result = run("replay", "--csv", recording / "r.csv", "--map", path, "--profile", "house-log", "--tcp", f"127.0.0.1:{free_port()}")
    assert result.returncode == 2
    assert f"{path}:2:14: error: expected" in result.stderr and f"{path}:4:1: error: expected" in result.stderr
    path.write_text("time: time\npoints: {T1: t_collector, T9: t4}\n")
    result = run("replay", "--csv", recording / "r.csv", "--map", path, "--profile", "house-log", "--tcp", f"127.0.0.1:{free_port()}")
    assert result.returncode == 2 and f"{path}:2:27: error: expected a column of the recording, found 'T9'" in result.stderr
