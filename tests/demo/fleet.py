"""A small service company for the demo: two customers, three heaters, one crew. Dates stand in relation to today."""
from datetime import date, timedelta


def fleet(agent, today=None):
    day = lambda ago: str((today or date.today()) - timedelta(ago))
    equipment = [("swh-0001", "site-1", "Li's roof heater", 240), ("swh-0002", "site-1", "Li's guest house", 240), ("swh-0003", "site-2", "Bath house", 900)]
    rows = "".join(f"""  - id: {name}
    title: {title}
    site: {site}
    profile: swh-basic
    agent: {agent}
    serial: SN-{name}
    sale_date: "{day(age + 20)}"
    invoice_date: "{day(age + 20)}"
    manufacture_date: "{day(age + 60)}"
    completion_date: "{day(age + 1)}"
    acceptance_date: "{day(age)}"
    components: [{{class: tank, serial: T-{name}}}, {{class: collector}}, {{class: evacuated_tube}}, {{class: bracket}}, {{class: pipe_fittings}}, {{class: electrical}}]
""" for name, site, title, age in equipment)
    hours = '["08:30-12:00", "13:00-17:30"]'
    return f"""customers:
  - {{id: cust-1, name: Li Xiaoming, phone: "+86 21 5550 1234", email: li@example.cn}}
  - {{id: cust-2, name: Pudong Bath House, phone: "+86 21 5550 4321", email: bath@example.cn}}
calendars:
  - {{id: cal-cn, time_zone: Asia/Shanghai, week: {{mon: {hours}, tue: {hours}, wed: {hours}, thu: {hours}, fri: {hours}}}}}
sites:
  - {{id: site-1, customer: cust-1, name: Home, address: "88 Zhangyang Road", time_zone: Asia/Shanghai, calendar: cal-cn, lat: 31.2, lon: 121.5}}
  - {{id: site-2, customer: cust-2, name: Bath house, address: "12 Century Avenue", time_zone: Asia/Shanghai, calendar: cal-cn, lat: 31.2, lon: 121.5}}
teams:
  - {{id: team-1, name: Pudong crew, sites: [site-1, site-2], skills: [electrician, plumber, controller], calendar: cal-cn}}
technicians:
  - {{id: tech-1, name: Wang Jun, team: team-1, phone: "+86 139 0000 1111", certificates: [{{type: electrician, no: X1, valid_to: "{day(-700)}"}}]}}
equipment:
{rows}contracts:
  - {{id: con-1, customer: cust-1, sites: [site-1], plan: swh_standard, service_level: A, start: "{day(240)}", end: "{day(-855)}"}}
  - {{id: con-2, customer: cust-2, sites: [site-2], plan: tiered_abc, service_level: B, start: "{day(900)}", end: "{day(-195)}"}}
depots:
  - {{id: depot-1, name: Pudong depot, lat: 31.2, lon: 121.6}}
parts:
  - {{id: pump-15-60, title: {{en: Circulation pump, zh: 循环泵}}, class: electrical, stock: [{{depot: depot-1, count: 4}}]}}
  - {{id: heater-element, title: {{en: Heating element, zh: 电加热管}}, class: electrical, stock: [{{depot: depot-1, count: 2}}]}}
  - {{id: sensor-pt1000, title: {{en: Temperature sensor, zh: 温度传感器}}, class: electrical, stock: [{{depot: depot-1, count: 12}}]}}
"""
