"""Modbus TCP slaves that count: every answer to a read of unit u raises u's counter by one. So a value that
was read and then lost, or stored twice, shows as a gap or a repeat in the counter."""
import socket
import struct
import threading


class Counters:
    """Input registers of each unit: 0, 1 the counter (uint32, high word first), 2 the trip bit."""

    def __init__(self, units):
        self.count = {unit: 0 for unit in units}
        self.trip = {unit: 0 for unit in units}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with peer, peer.makefile("rb") as stream:
            while True:
                try:
                    head = stream.read(7)
                    if len(head) < 7:
                        return
                    number, _, size, unit = struct.unpack(">HHHB", head)
                    pdu = stream.read(size - 1)
                    answer = self._answer(unit, pdu)
                    peer.sendall(struct.pack(">HHHB", number, 0, len(answer) + 1, unit) + answer)
                except (OSError, struct.error):
                    return

    def _answer(self, unit, pdu):
        function, address, count = struct.unpack(">BHH", pdu[:5])
        if function != 4 or unit not in self.count or address + count > 3:
            return bytes([function | 0x80, 2])
        self.count[unit] += 1
        words = [self.count[unit] >> 16, self.count[unit] & 0xFFFF, self.trip[unit]][address:address + count]
        return struct.pack(f">BB{count}H", function, 2 * count, *words)

    def close(self):
        self.listener.close()


PROFILE = """profile: counter
version: 1
title: {en: Counter, zh: 计数器}
defaults: {max_registers: 16, gap: 4, timeout: 500ms, pause: 0ms}
points:
  - {name: count, register: {table: input, address: 0, type: uint32}, every: 100ms}
  - {name: trip, register: {table: input, address: 2, type: uint16}, every: 100ms}
faults:
  - {id: tripped, title: {en: Tripped, zh: 跳闸}, when: "trip == 1", clear: "trip == 0", grade: 2, component: electrical}
"""
