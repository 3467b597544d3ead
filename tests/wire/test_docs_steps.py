"""docs/first-steps.md run as it stands, in a folder beside the clone with ports of its own."""
import os
import re
import subprocess

from docs_tools import BUILD, DOCS, ROOT
from rig import free_port


def test_the_first_steps_lead_to_a_ticket(tmp_path):
    blocks = re.findall(r"^```sh\n(.*?)^```", (DOCS / "first-steps.md").read_text(), re.M | re.S)
    assert blocks[0] == "./run build\n" and len(blocks) == 7
    for name in ("models", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "build").symlink_to(BUILD)
    script = "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + "\n".join(blocks[1:])
    ports = {old: str(free_port()) for old in ("1883", "8080", "1502")}
    renew = lambda text: re.sub(r"\b(1883|8080|1502)\b", lambda m: ports[m[1]], text)
    for path in ("server/server.yaml", "agent/agent.yaml", "broker-config/test.conf"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(renew((ROOT / path).read_text()))
    with open(tmp_path / "out", "w") as out:  # a file: what is left running must not hold a pipe open
        status = subprocess.run(["bash", "-c", renew(script)], cwd=tmp_path, stdout=out, stderr=out, timeout=120, env=os.environ).returncode
    text = (tmp_path / "out").read_text()
    assert status == 0, text
    assert re.search(r'"fault": "leak_current_trip"', text) and re.search(r'"work_orders": \[\s+"W-', text), text
    assert '"due_on"' in text and re.search(r"agent=gw-1 accepted=\d+ stored=\d+ tombstoned=0 pending=\d+", text), text
