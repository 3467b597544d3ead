"""A PostgreSQL of the tests' own: its folder, a socket in it and no port; ended by its id."""
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import time


def programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    assert found, "there is no PostgreSQL here: ./run test installs it"
    return found[-1].parent


class Postgres:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hg-pg-", dir="/tmp"))
        self.bin, self.count = programs(), 0
        self.user = pwd.getpwnam("postgres") if os.getuid() == 0 else None  # it refuses to run as root
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self._run("initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
        self.process = None
        self.start()

    def _as_user(self):
        if self.user:
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)

    def _run(self, program, *words):
        result = subprocess.run([str(self.bin / program), *map(str, words)], cwd="/tmp", preexec_fn=self._as_user,
                                capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def _spawn(self):
        return subprocess.Popen([str(self.bin / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder),
                                 "-c", "listen_addresses="], cwd="/tmp", preexec_fn=self._as_user,
                                stdout=subprocess.DEVNULL, stderr=open(self.folder / "log", "a"))

    def start(self):
        end = time.monotonic() + 30
        self.process = self._spawn()
        while subprocess.run([str(self.bin / "pg_isready"), "-q", "-h", str(self.folder)]).returncode:
            assert time.monotonic() < end, (self.folder / "log").read_text()[-2000:]
            if self.process.poll() is not None:  # the children of one that was killed still hold its memory
                self.process = self._spawn()
            time.sleep(0.05)

    def database(self):
        """The address of a new, empty database."""
        self.count += 1
        name = f"heliograph_{self.count}"
        self._run("createdb", "-h", self.folder, "-U", "postgres", name)
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.process.send_signal(2)  # a fast stop
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
