"""A Modbus TCP slave in a few lines: registers as they are written down in a test, and an exception for every block that holds one
that is not there."""
import socket
import struct
import threading

TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


class Slave:
    def __init__(self, port, units):
        """units: {unit: {"input": {address: value}, "holding": …, "coil": …, "discrete": …}}, values raw."""
        self.units, self.asked = units, []
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line):
        with line:
            while True:
                head = line.recv(7, socket.MSG_WAITALL)
                if len(head) < 7:
                    return
                transaction, _, size, unit = struct.unpack(">HHHB", head)
                pdu = line.recv(size - 1, socket.MSG_WAITALL)
                answer = self.answer(unit, pdu)
                line.sendall(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)

    def answer(self, unit, pdu):
        function, address, count = struct.unpack(">BHH", pdu[:5])
        table = self.units.get(unit, {}).get(TABLES.get(function))
        if table is None:
            return bytes([function | 0x80, 1])
        self.asked.append((unit, TABLES[function], address, count))
        try:
            values = [table[address + i] for i in range(count)]
        except KeyError:
            return bytes([function | 0x80, 2])
        if function <= 2:
            bits = bytearray((count + 7) // 8)
            for i, value in enumerate(values):
                bits[i // 8] |= value << i % 8
            return bytes([function, len(bits)]) + bytes(bits)
        return bytes([function, 2 * count]) + struct.pack(f">{count}H", *(v & 0xFFFF for v in values))

    def close(self):
        self.listener.close()
