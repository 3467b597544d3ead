"""The demo as a new user meets it: it tells the whole story, ends by itself or by Ctrl-C, and leaves nothing behind."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/wire"))
from rig import wait_for  # noqa: E402


class Demo:
    def __init__(self, folder, *words):
        self.folder, self.lines = folder, []
        self.process = subprocess.Popen([sys.executable, "-u", str(ROOT / "tests/demo/demo.py"), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, env={**os.environ, "TMPDIR": str(folder)}, start_new_session=True)
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout))
        self.reader.start()

    def text(self):
        return "".join(self.lines)

    def left(self):
        """What still runs of it: everything it starts names its folder, but for the plant, whose parent it is."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes()
            except OSError:
                continue
            if str(self.folder).encode() in words or (self.port and self.port.encode() in words):
                found.append(words)
        return found

    @property
    def port(self):
        found = re.search(r"Modbus TCP (127\.0\.0\.1:\d+)", self.text())
        return found.group(1) if found else None

    def wait(self, seconds=40):
        status = self.process.wait(seconds)
        self.reader.join(10)
        return status


def test_it_ends_by_itself_with_the_whole_story(tmp_path):
    demo = Demo(tmp_path, "--for", "25")
    assert demo.wait(60) == 0, demo.text()
    text = demo.text()
    for part in ("console  http://127.0.0.1:", "Bearer ", "maintenance visits", "swh-0001", "ticket ", "grade 1", "漏电保护动作", "warranty: electrical covered until",
                 "likely: heater insulation 70%", "clock response", "clock onsite_crew", "work order ", "proposed to team-1", "heater-element (2 in stock)", "summary"):
        assert part in text, f"{part!r} is not in\n{text}"
    assert "pending=0" in text and "quarantined 0" in text
    assert len(re.findall(r"^    \d{4}-\d\d-\d\d  swh-000\d", text, re.M)) == 6  # two visits a heater
    assert demo.left() == [] and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["terminal", "terminate"])
def test_it_ends_when_it_is_told(tmp_path, how):
    demo = Demo(tmp_path, "--scenario", "quiet")
    wait_for(lambda: "maintenance visits" in demo.text() or demo.process.poll() is not None, 60)
    assert len(demo.left()) == 4, demo.left()
    if how == "terminal":
        os.killpg(demo.process.pid, signal.SIGINT)
    else:
        demo.process.terminate()
    assert demo.wait() == 0, demo.text()
    assert "summary" in demo.text() and "open tickets 0" in demo.text()
    assert demo.left() == [] and list(tmp_path.iterdir()) == []


def test_it_takes_its_programs_along_when_it_is_killed(tmp_path):
    demo = Demo(tmp_path, "--scenario", "winter")
    wait_for(lambda: "maintenance visits" in demo.text() or demo.process.poll() is not None, 60)
    assert len(demo.left()) == 4
    demo.process.kill()
    demo.wait()
    wait_for(lambda: demo.left() == [], 20, words="nothing runs any more")
