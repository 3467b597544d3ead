"""Every register type and word order end to end on every kind of wire; quality of what is not believed; the blocks
that the wire sees."""
import struct

import pytest
from rig import wait_for
from roof import Roof
from field import Pty

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
KINDS = {"int16": ("h", -1234), "uint16": ("H", 54321), "int32": ("i", -123456789), "uint32": ("I", 3123456789),
         "int64": ("q", -1234567890123), "uint64": ("Q", 1234567890123), "float32": ("f", 21.25), "float64": ("d", -3.140625)}
EXCEPTIONS = [(1, "illegal"), (2, "illegal"), (3, "illegal"), (4, "exception"), (5, "exception"), (6, "exception"),
              (8, "exception"), (10, "exception"), (11, "exception"), (77, "exception")]


def words_of(kind, value, order):
    data = struct.pack(">" + KINDS[kind][0], value)
    words = list(struct.unpack(f">{len(data) // 2}H", data))
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [w >> 8 | (w & 0xFF) << 8 for w in words]
    return words


def numbers():
    points, cells, expected, address = [], [], {}, 0
    for kind, (_, value) in KINDS.items():
        for order in ORDERS:
            name = f"{kind}_{order.lower()}"
            words = words_of(kind, value, order)
            points.append(f"{{name: {name}, every: 500ms, register: {{table: holding, address: {address}, type: {kind}, "
                          f"word_order: {order}}}}}")
            cells.append((address, words))
            expected[name] = value
            address += len(words)
    return points, cells, expected


def others(field):
    """Coils, discrete inputs, bits, scale and offset, BCD, strings, invalid and range."""
    field.put(1, "coil", 3, 1, 0)
    field.put(1, "discrete", 5, 0, 1)
    field.put(1, "input", 100, 0x00B6, 0x1234, 0x8765, 0x1234, 32767, 300, 0xFFFF, 0x9999)
    text = "Käse 太阳".encode() + b"\0\0 "
    text += b"\0" * (20 - len(text))
    field.put(1, "input", 120, *struct.unpack(">10H", text))
    swapped = b"SN-1  "
    field.put(1, "input", 140, *[(swapped[i + 1] << 8) | swapped[i] for i in range(0, 6, 2)])
    field.put(1, "input", 107, 0x9A99)
    rows = [
        ("coil_on", "table: coil, address: 3, type: bool", "", (1, "good")),
        ("coil_off", "table: coil, address: 4, type: bool", "", (0, "good")),
        ("discrete_on", "table: discrete, address: 6, type: bool", "", (1, "good")),
        ("bits", "table: input, address: 100, type: bits, mask: 0x0030, shift: 4", "", (3, "good")),
        ("scaled", "table: input, address: 100, type: int16, scale: 0.1, offset: -5", "", (13.2, "good")),
        ("bcd16", "table: input, address: 101, type: bcd16", "", (1234, "good")),
        ("bcd32", "table: input, address: 102, type: bcd32", "", (87651234, "good")),
        ("no_sensor", "table: input, address: 104, type: int16", "invalid: [32767], ", (None, "invalid")),
        ("too_hot", "table: input, address: 105, type: int16", "range: [-40, 250], ", (300, "range")),
        ("minus_one", "table: input, address: 106, type: int16", "invalid: [-1], ", (None, "invalid")),
        ("bad_bcd", "table: input, address: 107, type: bcd16", "", (None, "invalid")),
        ("text", "table: input, address: 120, type: string, length: 10", "", ("Käse 太阳", "good")),
        ("swapped", "table: input, address: 140, type: string, length: 3, word_order: BADC", "", ("SN-1", "good")),
    ]
    return [f"{{name: {n}, every: 500ms, {more}register: {{{r}}}}}" for n, r, more, _ in rows], \
        {n: e for n, _, _, e in rows}


@pytest.mark.parametrize("wire", ["tcp", "rtu_over_tcp", "pty"])
def test_every_type_and_order_on_every_wire(tmp_path, wire):
    roof = Roof(tmp_path)
    try:
        points, cells, expected = numbers()
        for address, words in cells:
            roof.field.put(1, "holding", address, *words)
        more, special = others(roof.field)
        roof.profile(points + more, defaults="{timeout: 500ms, pause: 2ms, max_registers: 24, gap: 4}")
        if wire == "pty":
            roof.keep(Pty(roof.field, tmp_path / "tty"))
            bus = f"serial: {{device: {tmp_path}/tty, baud: 115200, parity: none, stop: 1}}"
        else:
            bus = roof.tcp(rtu=wire != "tcp")[1]
        roof.config([bus], [("swh-0001", 0, 1, "p")])
        roof.start()
        for name, value in expected.items():
            roof.last(name, value)
        for name, (value, quality) in special.items():
            if isinstance(value, float):
                wait_for(lambda: roof.desk.last(name))
                assert roof.desk.last(name)[0] == pytest.approx(value) and roof.desk.last(name)[1] == quality
            else:
                roof.last(name, value, quality)
        assert not roof.desk.wrong and not roof.desk.doubles
        reads = [r for r in roof.field.requests if r[2] in (3, 4)]
        assert max(r[4] for r in reads) <= 24
    finally:
        roof.close()


def test_blocks_hold_to_the_devices_limits(tmp_path):
    """max_registers, gap and pause are seen on the wire: no longer block, no wider hole, no shorter pause."""
    roof = Roof(tmp_path)
    try:
        roof.field.put(1, "holding", 0, *range(40))
        at = [0, 1, 2, 5, 6, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 36]
        roof.profile([f"{{name: r{a}, every: 500ms, register: {{table: holding, address: {a}, type: uint16}}}}" for a in at],
                     defaults="{max_registers: 8, gap: 2, pause: 60ms, timeout: 500ms}")
        roof.config([roof.tcp()[1]], [("swh-0001", 0, 1, "p")])
        roof.start()
        for a in at:
            roof.last(f"r{a}", a)
        wait_for(lambda: len(roof.field.requests) > 8)
        reads = roof.field.requests[:8]
        assert {(r[3], r[4]) for r in reads} == {(0, 7), (20, 8), (28, 2), (36, 1)}
        assert all(b[0] - a[0] >= 0.055 for a, b in zip(reads, reads[1:]))
    finally:
        roof.close()


def test_an_exception_in_a_block_costs_its_own_point_only(tmp_path):
    roof = Roof(tmp_path)
    try:
        roof.field.put(1, "holding", 0, *range(100, 110))
        roof.field.put(1, "input", 0, 7)
        roof.field.refuse = {(1, "holding", 3): 2, (1, "holding", 7): 4, (1, "input", 0): 1}
        roof.profile([f"{{name: r{a}, every: 300ms, register: {{table: holding, address: {a}, type: uint16}}}}" for a in range(10)]
                     + ["{name: other, every: 300ms, register: {table: input, address: 0, type: uint16}}"])
        roof.config([roof.tcp()[1]], [("swh-0001", 0, 1, "p")])
        roof.start()
        for a in (0, 1, 2, 4, 5, 6, 8, 9):
            roof.last(f"r{a}", 100 + a)
        roof.last("r3", None, "illegal")
        roof.last("r7", None, "exception")
        roof.last("other", None, "illegal")
        count = len(roof.field.requests)
        wait_for(lambda: len(roof.field.requests) > count + 40)
        asked = [r for r in roof.field.requests[count:count + 40] if r[2] == 3]
        assert any(r[4] > 2 for r in asked), "blocks come back once the bad points are known"
        for name in ("r3", "r7", "other"):
            assert len(roof.desk.readings(name)) == 1, "null once per change"
        roof.field.refuse = {}
        roof.last("r3", 103)
        roof.last("r7", 107)
        roof.last("other", 7)
        assert not roof.desk.wrong
    finally:
        roof.close()


def test_each_exception_has_its_quality(tmp_path):
    roof = Roof(tmp_path)
    try:
        roof.field.put(1, "holding", 0, 5, 6)
        roof.profile([f"{{name: r{a}, every: 200ms, register: {{table: holding, address: {a}, type: uint16}}}}" for a in (0, 1)])
        roof.config([roof.tcp()[1]], [("swh-0001", 0, 1, "p")])
        roof.start()
        roof.last("r0", 5)
        for turn, (code, quality) in enumerate(EXCEPTIONS, 1):
            roof.field.refuse = {(1, "holding", 0): code}
            roof.last("r0", None, quality)
            roof.field.refuse = {}
            roof.last("r0", 5)
            assert len([r for r in roof.desk.readings("r0") if r[1] is None]) == turn, "null once per change"
        assert not roof.desk.events("bus")
    finally:
        roof.close()


def test_what_was_learned_outlives_the_agent(tmp_path):
    """A hole and a limit of the length are learned once, by halves, and known after a restart: not one refusal more."""
    roof = Roof(tmp_path)
    try:
        roof.field.put(1, "holding", 0, *range(100, 140))
        for hole in (17, 18):
            del roof.field.cells[1]["holding"][hole]
        roof.field.put(1, "holding", 900, 7, 3)
        roof.field.most[1] = 24
        at = [a for a in range(40) if a not in (17, 18)]
        roof.profile([f"{{name: r{a}, every: 500ms, register: {{table: holding, address: {a}, type: uint16}}}}" for a in at],
                     defaults="{timeout: 500ms, gap: 4}",
                     more="identity: [{register: {table: holding, address: 900, type: uint16}, equals: 7}]\n"
                          "firmware: {table: holding, address: 901, type: uint16}\n")
        roof.config([roof.tcp()[1]], [("swh-0001", 0, 1, "p")])
        agent = roof.start()
        for a in at:
            roof.last(f"r{a}", 100 + a)
        reads = [r for r in roof.field.requests if r[3] < 900]
        count = len(reads)
        steady = wait_for(lambda: [r[3:5] for r in roof.field.requests if r[3] < 900][count + 12:count + 18])
        assert len(set(steady)) <= 3, steady
        first = [i for i, r in enumerate(reads) if (r[3], r[4]) == steady[-1]]
        assert not first or first[0] <= len(set(steady)) + 2 * 7, "two things to learn among 38 points: 2 (log2 38 + 1) reads more"
        assert agent.stop() == 0
        before = len(roof.field.requests)
        roof.start()
        wait_for(lambda: len(roof.field.requests) >= before + 8)
        again = [r[3:5] for r in roof.field.requests[before:] if r[3] < 900]
        assert set(again) <= set(steady), (again, steady)
        assert {v for _, v, _ in roof.desk.readings("r0")} == {100}
    finally:
        roof.close()
