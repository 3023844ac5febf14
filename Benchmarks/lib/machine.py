"""Processes under measurement: started, watched through /proc, and ended. Only those started here are ever signalled."""

import json
import os
import platform
import re
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """One server process, ready to be loaded when the constructor returns."""

    def __init__(self, name, command, environment, log, port=None, listener=None, pin=False,
                 socket_path=None):
        self.name = name
        if pin:
            command = ["taskset", "-c", "1", *command]
        self.log = open(log, "w+b")
        base = {"PATH": os.environ["PATH"], "HOME": os.path.dirname(os.path.abspath(log))}
        started = time.perf_counter()
        self.process = subprocess.Popen(command, env={**base, **environment}, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, start_new_session=True)
        try:
            if socket_path:
                self._connects(socket.AF_UNIX, socket_path)
            else:
                self.address = f"127.0.0.1:{port}" if port else self._listening(listener)
                host, number = self.address.rsplit(":", 1)
                self._connects(socket.AF_INET, (host, int(number)))
        except BaseException:
            self.stop()
            raise
        self.ready_ms = (time.perf_counter() - started) * 1000

    def _listening(self, listener):
        """The address in the `listening` log line of a program of ours."""
        for _ in range(20_000):
            self.log.flush()
            with open(self.log.name, "rb") as lines:
                for line in lines:
                    if b'"listening"' in line and line.endswith(b"\n"):
                        entry = json.loads(line)
                        if listener is None or entry.get("listener") == listener:
                            return entry["address"]
            self._alive()
            time.sleep(0.001)
        raise RuntimeError(f"{self.name} did not say that it listens; see {self.log.name}")

    def _connects(self, family, address):
        for _ in range(20_000):
            with socket.socket(family) as probe:
                try:
                    probe.settimeout(5)
                    return probe.connect(address)
                except OSError:
                    self._alive()
                    time.sleep(0.001)
        raise RuntimeError(f"{self.name} does not answer on {address}; see {self.log.name}")

    def _alive(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            tail = self.log.read()[-2000:].decode(errors="replace")
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{tail}")

    def cpu_seconds(self):
        """User and system time of the process and its threads."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def resident_mib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def busy_seconds():
    """CPU time of the whole machine, idle and waiting left out."""
    with open("/proc/stat") as stat:
        ticks = [int(word) for word in stat.readline().split()[1:]]
    return (sum(ticks) - ticks[3] - ticks[4]) / TICK


def description():
    model = "unknown processor"
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo") as info:
        memory = int(info.readline().split()[1]) / 1048576
    return f"{os.cpu_count()} x {model}, {memory:.0f} GiB, {platform.system()} {platform.release()}"
