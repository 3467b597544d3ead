"""Modbus slaves in Python, independent of the plant: TCP, RTU frames in a TCP stream, RTU on a pty. Registers are
dictionaries, every request is kept with its time, and a slave can be made late, silent, deaf or rude."""
import os
import select
import socket
import struct
import termios
import threading
import time
import tty

TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input", 5: "coil", 6: "holding", 16: "holding", 15: "coil"}


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


class Refusal(Exception):
    pass


class Field:
    """The equipment behind the wires. cells[unit][table][address]: a register or a bit; a missing one is refused."""

    def __init__(self):
        self.cells = {}
        self.requests = []      # (monotonic time, unit, function, address, count, answered)
        self.silent = set()     # units that do not answer
        self.refuse = {}        # (unit, table, address): exception code when it is asked for
        self.delay = {}         # unit: seconds before each answer
        self.once = {}          # unit: seconds before the next answer only
        self.most = {}          # unit: registers in one read
        self.ignore_writes = set()
        self.on_write = None
        self.lock = threading.Lock()

    def put(self, unit, table, address, *words):
        with self.lock:
            for i, word in enumerate(words):
                self.cells.setdefault(unit, {}).setdefault(table, {})[address + i] = word & 0xFFFF

    def get(self, unit, table, address):
        with self.lock:
            return self.cells[unit][table][address]

    def answer(self, unit, pdu):
        """The answer's PDU, or None for silence."""
        function = pdu[0]
        address, count = struct.unpack(">HH", pdu[1:5])
        if function in (5, 6):
            count = 1
        quiet = unit in self.silent or unit not in self.cells
        self.requests.append((time.monotonic(), unit, function, address, count, not quiet))
        pause = self.once.pop(unit, None)
        pause = self.delay.get(unit, 0) if pause is None else pause
        if pause:
            time.sleep(pause)
        if quiet:
            return None
        try:
            with self.lock:
                return self.act(unit, function, address, count, pdu)
        except Refusal as refusal:
            return bytes([function | 0x80, refusal.args[0]])

    def act(self, unit, function, address, count, pdu):
        table = TABLES.get(function)
        if table is None:
            raise Refusal(1)
        cells = self.cells[unit].get(table, {})
        if function in (3, 4) and count > self.most.get(unit, 125):
            raise Refusal(3)
        for at in range(address, address + count):
            if (unit, table, at) in self.refuse:
                raise Refusal(self.refuse[unit, table, at])
            if at not in cells:
                raise Refusal(2)
        if function in (1, 2):
            bits = bytearray((count + 7) // 8)
            for i in range(count):
                bits[i // 8] |= (cells[address + i] & 1) << (i % 8)
            return bytes([function, len(bits)]) + bytes(bits)
        if function in (3, 4):
            return bytes([function, 2 * count]) + b"".join(struct.pack(">H", cells[address + i]) for i in range(count))
        words = [struct.unpack(">H", pdu[3:5])[0]] if function in (5, 6) else \
            [struct.unpack(">H", pdu[6 + 2 * i:8 + 2 * i])[0] for i in range(count)]
        for i, word in enumerate(words):
            if (unit, address + i) not in self.ignore_writes:
                cells[address + i] = (1 if word else 0) if function == 5 else word
        if self.on_write:
            self.on_write(unit, address, words)
        return pdu[:5]


class Tcp:
    """field on a socket; rtu: frames with CRC instead of MBAP. drop() hangs up, refuse() stops listening,
    freeze() keeps connections and answers nothing more."""

    def __init__(self, field, rtu=False, port=0):
        self.field, self.rtu = field, rtu
        self.frozen = False
        self.peers = []
        self.listener = None
        self.port = port
        self.open()

    def open(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(8)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.peers.append(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        data = b""
        while True:
            try:
                more = peer.recv(4096)
            except OSError:
                more = b""
            if not more:
                break
            data += more
            while len(data) >= 8:
                size = 8 if self.rtu else 6 + struct.unpack(">H", data[4:6])[0]
                if self.rtu and data[1] in (15, 16):
                    size = 9 + data[6]
                if len(data) < size:
                    break
                frame, data = data[:size], data[size:]
                if self.frozen:
                    continue
                unit = frame[0] if self.rtu else frame[6]
                reply = self.field.answer(unit, frame[1:-2] if self.rtu else frame[7:])
                if reply is None:
                    continue
                if self.rtu:
                    out = bytes([unit]) + reply
                    out += crc16(out)
                else:
                    out = frame[:4] + struct.pack(">HB", len(reply) + 1, unit) + reply
                try:
                    peer.sendall(out)
                except OSError:
                    break
        peer.close()

    def drop(self):
        for peer in self.peers:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            peer.close()
        self.peers = []

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.drop()


class Pty:
    """field on a pseudo terminal at path (a symlink that comes and goes as a converter that is pulled)."""

    def __init__(self, field, path):
        self.field, self.path = field, str(path)
        self.master = None
        self.open()

    def open(self):
        self.master, slave = os.openpty()
        tty.setraw(self.master)
        tty.setraw(slave)
        self.slave = slave
        os.symlink(os.ttyname(slave), self.path)
        threading.Thread(target=self._serve, args=(self.master,), daemon=True).start()

    def _serve(self, fd):
        data, last = b"", 0.0
        while fd == self.master:
            try:
                ready, _, _ = select.select([fd], [], [], 0.2)
                more = os.read(fd, 512) if ready else b""
            except (OSError, ValueError):
                return
            if not more:
                continue
            if time.monotonic() - last > 0.2:
                data = b""
            last = time.monotonic()
            data += more
            size = 9 + data[6] if len(data) > 6 and data[1] in (15, 16) else 8
            if len(data) < size:
                continue
            frame, data = data[:size], data[size:]
            if crc16(frame[:-2]) != frame[-2:]:
                data = b""
                continue
            reply = self.field.answer(frame[0], frame[1:-2])
            if reply is not None and fd == self.master:
                out = bytes([frame[0]]) + reply
                try:
                    os.write(fd, out + crc16(out))
                except OSError:
                    return

    def pull(self):
        os.unlink(self.path)
        fd, self.master = self.master, None
        os.close(fd)
        os.close(self.slave)

    def close(self):
        if self.master is not None:
            self.pull()
