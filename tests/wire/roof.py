"""One agent under test between a slave of field.py and the desk of desk.py, on a real mosquitto."""
import pathlib

from desk import Desk
from rig import BUILD, Program, Rig, wait_for
from field import Field, Tcp

PROFILE = """
profile: {id}
title: {{en: Test, zh: 测试}}
defaults: {defaults}
points:
{points}
"""


class Roof:
    def __init__(self, folder, acking=True, broker=True):
        self.rig = Rig(folder)
        self.folder = pathlib.Path(folder)
        (self.folder / "profiles").mkdir(exist_ok=True)
        self.field = Field()
        self.acking = acking
        self.desk = None
        self.closing = []
        if broker:
            self.rig.broker()
            self.desk = self.keep(Desk(self.rig.mqtt_port, acking=acking))

    def keep(self, thing):
        self.closing.append(thing)
        return thing

    def close(self):
        self.rig.close()
        for thing in reversed(self.closing):
            thing.close()

    def profile(self, points, name="p", defaults="{timeout: 300ms, pause: 0ms}", more=""):
        text = PROFILE.format(id=name, defaults=defaults, points="".join(f"  - {p}\n" for p in points)) + more
        (self.folder / "profiles" / f"{name}.yaml").write_text(text)
        return name

    def tcp(self, **options):
        slave = self.keep(Tcp(self.field, **options))
        return slave, f'tcp: "127.0.0.1:{slave.port}"' if not slave.rtu else f'rtu_over_tcp: "127.0.0.1:{slave.port}"'

    def config(self, buses, equipment, spool="max_bytes: 64MiB", broker=None, name="gw-1"):
        """buses: [text behind the name]; equipment: [(id, bus number, unit, profile)]"""
        broker = broker or f'url: "mqtt://127.0.0.1:{self.rig.mqtt_port}"'
        rows = "".join(f"  - {{name: bus-{i}, {b}}}\n" for i, b in enumerate(buses))
        kit = "".join(f"  - {{id: {e}, bus: bus-{b}, unit_id: {u}, profile: {p}}}\n" for e, b, u, p in equipment)
        return self.rig.write(f"{name}.yaml", f"""agent: {{id: {name}}}
broker: {{{broker}}}
spool: {{path: {self.spool_path}, {spool}}}
buses:
{rows}equipment:
{kit}profiles: {self.folder}/profiles
""")

    @property
    def spool_path(self):
        (self.folder / "state").mkdir(exist_ok=True)
        return self.folder / "state" / "spool.db"

    def start(self, config=None, **options):
        config = config or self.folder / "gw-1.yaml"
        return self.rig.keep(Program([BUILD / "heliograph-agent", "--config", config], "ready", **options))

    def start_heard(self):
        """Started and subscribed: commands reach it."""
        births = lambda: len([s for s in self.desk.statuses if s[0]["online"]])
        count = births()
        agent = self.start()
        wait_for(lambda: births() > count, words="the birth")
        return agent

    def last(self, point, value, quality="good", equipment="swh-0001", seconds=10):
        wait_for(lambda: self.desk.last(point, equipment) == (value, quality), seconds,
                 words=lambda: f"{equipment} {point} = {value} {quality}, not {self.desk.last(point, equipment)}")
