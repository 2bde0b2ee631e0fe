"""One round: its local cloud, the commands that it runs, and the processes that are its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tools import cdk
from tools.assembly import read_stacks, select
from tools.project import ROOT

MARK = "WEALTH_OPS_FAULT"
SERVER = "tools.local_cloud.server"
# Seconds, longer than any of it takes on a busy machine.
COMMAND_LIMIT = 60.0
ORPHAN_LIMIT = 15.0


class FaultError(Exception):
    """What did not go as promised."""


@dataclass
class Command:
    """A running command of the tools."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(errors="replace")

    def wait(self) -> int:
        """Its exit status; raises `FaultError` when it hangs."""
        try:
            return self.process.wait(COMMAND_LIMIT)
        except subprocess.TimeoutExpired:
            raise FaultError(f"hangs for {COMMAND_LIMIT:.0f} s:\n{self.said()}") from None


@dataclass
class Round:
    """A cloud of its own at `cloud`; `ground` holds the assemblies. Linux only: reads /proc."""

    ground: Path
    cloud: Path
    name: str
    count: int = 0

    def start(self, verb: str, assembly: str, *extra: str) -> Command:
        """Start a verb of the tools on an assembly of the ground."""
        self.count += 1
        log = self.cloud.with_name(f"{self.name}-{self.count}.log")
        program = (sys.executable, "-m", "tools.deployment", verb, "--to=local")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*program, f"--app={self.ground / assembly}", *extra],
                cwd=ROOT,
                env={
                    **cdk.without_aws(os.environ),
                    "WEALTH_OPS_CLOUD": str(self.cloud),
                    "PYTHONUNBUFFERED": "1",
                    MARK: self.name,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return Command(process, log)

    def run(self, verb: str, assembly: str, *extra: str) -> tuple[int, str]:
        """Run a verb to its end; return exit status and output."""
        command = self.start(verb, assembly, *extra)
        return command.wait(), command.said()

    def succeed(self, verb: str, assembly: str, *extra: str) -> str:
        """Run a verb that must succeed; return its output."""
        status, said = self.run(verb, assembly, *extra)
        if status:
            raise FaultError(f"{verb} ended with {status}:\n{said}")
        return said

    def check_done(self, assembly: str, *stacks: str) -> None:
        """Deploy all stacks or these, and raise `FaultError` unless all was done already."""
        said = self.succeed("deploy", assembly, *stacks)
        deployed = select(read_stacks(self.ground / assembly), stacks)
        if said.partition("What exists now")[2].count("no changes") != len(deployed):
            raise FaultError(f"a deploy after one that succeeded changed something:\n{said}")

    def processes(self, what: str = "") -> list[int]:
        """The processes of this round whose command line contains `what`."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                marked = f"{MARK}={self.name}".encode() in (folder / "environ").read_bytes().split(
                    b"\0"
                )
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if marked and line and what in line:
                    found.append(int(folder.name))
        return found

    def check_orphans(self) -> None:
        """Raise `FaultError` when a process of this round does not end by itself."""
        if not wait_for(lambda: not self.processes(), ORPHAN_LIMIT):
            lines = [
                Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
                for process in self.processes()
            ]
            raise FaultError(f"still running after {ORPHAN_LIMIT:.0f} s: {lines}")

    def kill_all(self) -> None:
        """End whatever is left, after a failure."""
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def wait_for(condition: Callable[[], object], limit: float = COMMAND_LIMIT) -> bool:
    """Wait until `condition` holds; return whether it does, within `limit` seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
