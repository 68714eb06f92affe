"""The servers and the instances of a run, and the ways to talk to them past the proxies."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

from checker import EVENTS, PREFERENCES, RESULTS
from plan import INSTANCES
from proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]
SERVICES = str(ROOT / "scripts/services")

# As short as the service allows: a claim that is left behind is one that recovery must judge.
LEASE = 5
SHUTDOWN = 10
SETTINGS = {
    "INQ_DISPATCH__LEASE": f"{LEASE}s",
    "INQ_SHUTDOWN_TIMEOUT": f"{SHUTDOWN}s",
    # Many small claims meet more faults than few large ones.
    "INQ_DISPATCH__BATCH_ROWS": "50",
    "INQ_KAFKA__PROPERTIES__SESSION_TIMEOUT_MS": "6000",
    "INQ_RETRY__INITIAL": "3s",
    "INQ_RETRY__MAX_INTERVAL": "8s",
    "INQ_RETRY__MAX_ATTEMPTS": "3",
    "INQ_LOG__FORMAT": "text",
}
MAX_ATTEMPTS = 3


class Broken(Exception):
    """The run itself cannot go on."""


def free_ports(n):
    """Ports that nobody has, all held until the last is found."""
    sockets = [socket.socket() for _ in range(n)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


class Servers:
    """Kafka and a database, beside whatever runs on this machine."""

    def __init__(self, folder, database):
        self.database = database
        self.proxies = [{"kafka": Proxy(), "database": Proxy()} for _ in range(INSTANCES)]
        self._folder = folder / "services"
        self._env = None

    async def start(self):
        for pair in self.proxies:
            for proxy in pair.values():
                await proxy.listen()
        ports = free_ports(7 + INSTANCES)
        names = ["KAFKA", "KAFKA_SASL_SSL", "KAFKA_SASL_PLAINTEXT", "KAFKA_SSL", "KAFKA_CONTROLLER", "MYSQL", "MARIADB"]
        self._env = os.environ | {f"INQ_{name}_PORT": str(port) for name, port in zip(names, ports)}
        self._env["INQ_SERVICES_DIR"] = str(self._folder)
        self._env.setdefault("INQ_SERVICES_CACHE", str(ROOT / "target/services/cache"))
        targets = ports[7:]
        pairs = [f"{port}:{pair['kafka'].port}" for port, pair in zip(targets, self.proxies)]
        self._env["INQ_KAFKA_PROXIED"] = ",".join(pairs)
        database_port = ports[names.index(self.database.upper())]
        for port, pair in zip(targets, self.proxies):
            pair["kafka"].target, pair["database"].target = port, database_port
        await self.up()

    async def up(self):
        await self.services("up", "--db", self.database)

    async def down(self):
        for pair in self.proxies:
            for proxy in pair.values():
                proxy.close()
        if self._env:
            await self.services("down")

    async def services(self, *arguments):
        """Waits for scripts/services and returns what it printed."""
        process = await self.spawn(*arguments, stderr=asyncio.subprocess.PIPE)
        out, err = await process.communicate()
        if process.returncode:
            raise Broken(f"scripts/services {' '.join(arguments)}: {err.decode(errors='replace')[-3000:]}")
        return out.decode(errors="replace")

    async def spawn(self, *arguments, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL):
        # A group of its own: Ctrl-C is for the run, which ends its children in order.
        return await asyncio.create_subprocess_exec(
            SERVICES, *arguments, stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=stderr, env=self._env,
            start_new_session=True, limit=64 * 1024 * 1024,
        )  # fmt: skip

    async def sql(self, statement):
        """The rows as lists of text, or None while the database is away."""
        # What is raw has no tabs and lines of its own: neither names nor JSON do.
        process = await self.spawn("sql", self.database, "-N", "-B", "-r", "--connect-timeout=3", "-e", statement)
        try:
            out, _ = await asyncio.wait_for(process.communicate(), 60)
        except TimeoutError:
            return None
        finally:
            end_group(process)
        if process.returncode:
            return None
        return [line.split("\t") for line in out.decode().splitlines()]

    async def produce(self, topic, records):
        """`records` are pairs of key and value, in bytes. Returns when the broker has every one of them: what fails is
        sent again, so that some may be there twice."""
        text = b"".join(key + b"\x1f" + value + b"\x1e" for key, value in records)
        properties = ["-X", "enable.idempotence=true", "-X", "message.timeout.ms=20000", "-X", "message.max.bytes=1000000"]
        while True:
            arguments = ["-P", "-t", topic, "-K", "\x1f", "-D", "\x1e", *properties]
            process = await self.spawn("kcat", *arguments, stdin=asyncio.subprocess.PIPE)
            try:
                await asyncio.wait_for(process.communicate(text), 60)
            except TimeoutError:
                pass
            finally:
                end_group(process)
            if process.returncode == 0:
                return
            await asyncio.sleep(0.5)

    async def read(self, topic):
        """The whole topic, as a consumer sees it who reads what is committed."""
        process = await self.spawn(
            "kcat", "-C", "-J", "-q", "-e", "-t", topic, "-o", "beginning", "-X", "isolation.level=read_committed",
            "-X", "check.crcs=true", stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            out, err = await process.communicate()
        finally:
            end_group(process)
        if process.returncode:
            raise Broken(f"{topic} could not be read: {err.decode(errors='replace')}")
        return [record_of(line) for line in out.splitlines()]

    async def lag(self):
        """How many records the group has not finished, or None while it cannot be told."""
        try:
            text = await self.services("kafka-consumer-groups", "--describe", "--group", "incentive-notify-queue")
        except Broken:
            return None
        lag = 0
        for line in text.splitlines():
            words = line.split()
            if len(words) > 5 and words[1] in (EVENTS, RESULTS, PREFERENCES):
                # A partition of which nothing is committed shows a dash: nothing was ever in it, or all of it is left.
                lag += int(words[5]) if words[5].isdigit() else int(words[4]) if words[4].isdigit() else 0
        return lag


def record_of(line):
    # What a producer put in may be no UTF-8, and a client may print it as it is.
    return json.loads(line.decode(errors="replace"), strict=False)


def end_group(process):
    """Ends a command that is still under way, and what it has started."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


class Instance:
    """One `inq run`, as it is killed, frozen and started again."""

    def __init__(self, number, binary, folder, servers, report):
        self.number = number
        self._binary = binary
        self._log = folder / f"instance-{number}.log"
        self._cwd = folder
        self._report = report
        self._process = None
        self._watcher = None
        self._wanted = False
        self._servers = servers
        # Beside those of every run.
        self.settings = {}

    async def start(self):
        """Does nothing where it runs."""
        if self._wanted:
            return
        self._wanted = True
        pair = self._servers.proxies[self.number - 1]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("INQ_")}
        env = kept | SETTINGS | self.settings | {
            "KAFKA_BROKERS": f"127.0.0.1:{pair['kafka'].port}",
            "DATABASE_URL": f"mysql://inq:inq-secret@127.0.0.1:{pair['database'].port}/inq",
            "INQ_HTTP__LISTEN": f"127.0.0.1:{free_ports(1)[0]}",
            "INQ_DISPATCH__PUBLISHERS": "2" if self.number == 1 else "1",
        }  # fmt: skip
        with self._log.open("ab") as log:
            log.write(f"--- started at {time.strftime('%H:%M:%S')}\n".encode())
            log.flush()
            self._process = await asyncio.create_subprocess_exec(
                self._binary, "run", env=env, cwd=self._cwd, stdin=asyncio.subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        self._watcher = asyncio.ensure_future(self._watch(self._process))

    async def _watch(self, process):
        await process.wait()
        if self._wanted and process is self._process:
            self._wanted = False
            self._report(f"instance {self.number} ended by itself with status {process.returncode}")
            await asyncio.sleep(1)
            await self.start()

    def freeze(self):
        self._process.send_signal(signal.SIGSTOP)

    def wake(self):
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGCONT)

    async def kill(self):
        self._wanted = False
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def stop(self):
        """SIGTERM. Returns how long it took."""
        self._wanted = False
        begun = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            # Beyond its own limit a process may take a moment to end, on a machine that is busy.
            status = await asyncio.wait_for(self._process.wait(), SHUTDOWN + 5)
        except TimeoutError:
            self._report(f"instance {self.number} had not stopped {SHUTDOWN + 5} s after SIGTERM")
            await self.kill()
        else:
            if status:
                self._report(f"instance {self.number} answered SIGTERM with status {status}")
        return time.monotonic() - begun

    async def end(self):
        if self._process and self._process.returncode is None:
            await self.kill()

    def alarms(self):
        """What must never be in a log here: a panic, or a call for an operator where nothing has lost its memory."""
        if not self._log.exists():
            return []
        lines = self._log.read_text(errors="replace").splitlines()
        return [line for line in lines if "panicked" in line or "stays in doubt" in line]


def say(*words):
    print(*words, file=sys.stderr, flush=True)
