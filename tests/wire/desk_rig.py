"""For tests of the desk and the API: a server with a fleet, raw requests, and an agent made by somebody else."""
import http.client
import json
import time

import paho.mqtt.client as mqtt
from rig import Rig, wait_for

EPOCH = "00000000deadbeef"
ROLES = ["viewer", "integration", "technician", "dispatcher", "manager", "admin"]

FLEET = """
customers: [{id: cust-1, name: Li Xiaoming, phone: "+86 21 5550 1234", email: li@example.cn}]
calendars:
  - {id: cal-cn, time_zone: Asia/Shanghai, week: {mon: ["08:30-12:00", "13:00-17:30"], tue: ["08:30-12:00", "13:00-17:30"],
     wed: ["08:30-12:00", "13:00-17:30"], thu: ["08:30-12:00", "13:00-17:30"], fri: ["08:30-12:00", "13:00-17:30"]}, holidays: ["2027-01-01"], workdays: ["2027-02-06"]}
sites:
  - {id: site-1, customer: cust-1, name: Home, address: "88 Zhangyang Road, Pudong", time_zone: Asia/Shanghai, calendar: cal-cn, lat: 31.2, lon: 121.5}
  - {id: site-2, customer: cust-1, name: Nobody's, address: "1 Far Street", time_zone: Europe/Berlin, calendar: cal-cn, lat: 52, lon: 13}
teams:
  - {id: team-1, name: Pudong crew, sites: [site-1], skills: [electrician], calendar: cal-cn}
  - {id: team-2, name: Expired crew, sites: [site-1], skills: [electrician, plumber], calendar: cal-cn}
technicians:
  - {id: tech-1, name: Wang Jun, team: team-1, phone: "+86 139 0000 1111", certificates: [{type: electrician, no: X1, valid_to: "2099-05-01"}]}
  - {id: tech-2, name: Zhao Lei, team: team-2, phone: "+86 139 0000 2222", certificates: [{type: electrician, no: X2, valid_to: "2020-05-01"}]}
equipment:
EQUIPMENT
contracts:
  - {id: con-1, customer: cust-1, sites: [site-1, site-2], plan: swh_standard, service_level: A, start: "2025-03-06", end: "2099-03-05"}
depots:
  - {id: depot-1, name: Pudong depot, lat: 31.2, lon: 121.6}
  - {id: depot-2, name: Far depot, lat: 40, lon: 100}
parts:
  - {id: pump-15-60, title: {en: Circulation pump, zh: 循环泵}, class: electrical, stock: [{depot: depot-1, count: 2}, {depot: depot-2, count: 1}]}
"""
ROW = """  - {{id: {id}, title: "{title}", site: {site}, profile: swh-basic, agent: {agent}, serial: SN-{id},
     acceptance_date: "{accepted}", components: [{{class: tank, serial: T-1}}, {{class: electrical}}]}}
"""


class DeskRig(Rig):
    def open(self, heaters=8, more="", contract=None):
        self.broker()
        rows = "".join(ROW.format(id=f"swh-{n:04}", title="Roof heater", site="site-2" if n == heaters else "site-1",
                                  agent="gw-1", accepted="2025-03-06") for n in range(1, heaters + 1))
        self.fleet_text = FLEET.replace("EQUIPMENT\n", rows) + more
        assert self.import_text(self.fleet_text).returncode == 0
        self.server()
        wait_for(lambda: self.metric("broker_connected") == 1)
        return self

    def import_text(self, text):
        return self.command("import", self.write("fleet.yaml", text))

    def role_token(self, role):
        return self.command("token", "add", role, "--role", role).stdout.split()[-1]

    def ask(self, method, path, body=None, headers=None, token=None, raw=None):
        """status, headers (lower case), text; nothing is interpreted"""
        if token is None:
            self.call("GET", "/healthz")  # makes the token
            token = self.token
        sent = dict(headers or {})
        if token:
            sent.setdefault("Authorization", f"Bearer {token}")
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=20)
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def post(self, path, body, expect=(200, 201, 202), **more):
        status, _, text = self.ask("POST", "/api/v1" + path, body, **more)
        assert status in expect, (status, text)
        return json.loads(text)

    def act(self, number, expect=(200,), **action):
        room = "tickets" if number.startswith("T") else "work-orders"
        return self.post(f"/{room}/{number}/actions", action, expect)

    def ticket(self, number):
        return self.get("/tickets/" + number)

    def report(self, equipment="swh-0001", **more):
        return self.post("/tickets", {"kind": "fault", "equipment": equipment, **more})


class Gateway:
    """An agent that grades itself: it says what the test wants it to say."""

    def __init__(self, rig, name="gw-1", heaters=8):
        self.name, self.acks, self.commands, self.seq = name, [], [], 0
        self.client = mqtt.Client(name, protocol=mqtt.MQTTv311)
        self.client.on_message = lambda c, u, m: (self.acks if m.topic.endswith("/ack") else self.commands).append(json.loads(m.payload))
        self.client.connect("127.0.0.1", rig.mqtt_port)
        self.client.loop_start()
        self.client.subscribe([(f"heliograph/1/{name}/ack", 1), (f"heliograph/1/{name}/command", 1)])
        self.publish("status", {"v": 1, "online": True, "epoch": EPOCH, "version": "x", "t": int(time.time() * 1000), "edge": True,
                                "equipment": {f"swh-{n:04}": {"profile": "swh-basic", "hash": "x"} for n in range(1, heaters + 1)}}, True)

    def publish(self, channel, body, retain=False):
        self.client.publish(f"heliograph/1/{self.name}/{channel}", json.dumps(body), 1, retain).wait_for_publish()

    def send(self, channel, **body):
        self.seq += 1
        seq, t = self.seq, int(time.time() * 1000)
        self.publish(channel, {"v": 1, "epoch": EPOCH, "seq": seq, "t0": t, **body})
        wait_for(lambda: any(a <= seq <= b for k in self.acks for a, b in k["have"] if k["epoch"] == EPOCH), words=f"ack of {seq}")

    def fault(self, fault="pump_no_flow", state="raised", grade=2, equipment="swh-0001", ago=60_000):
        now = int(time.time() * 1000)
        self.send("event", event={"kind": "fault", "equipment": equipment, "fault": fault, "state": state, "grade": grade,
                                  "onset": now - ago, "evidence": {"pump_on": 1, "flow": 0.0}})

    def data(self, readings, equipment="swh-0001"):
        self.send("data", equipment={equipment: readings})
