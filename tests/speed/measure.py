"""Compare the duration of everyday commands in one run on one machine: `uv run nox -s speed`.

The table contains medians and their ratios, because a single run of a command can differ by a
tenth from the other runs.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.table import Table

from tools import cdk
from tools.console import console, waiting
from tools.project import ROOT, domains
from tools.synth import DEFAULT_ENVIRONMENT

PYTHON = (sys.executable, "-m")
CHECKS = ("lint", "mypy", "test", "workflows", "synth")


def synth(app: str, folder: str) -> tuple[str, ...]:
    """The `cdk synth` of an app of this repository into a folder."""
    run = f"{sys.executable} {app}"
    return tuple(cdk.command("synth", "--quiet", "--app", run, "--output", folder))


def medians(runs: int, *commands: tuple[str, ...]) -> list[float]:
    """The median duration of each command, in seconds. The commands take turns.

    Exits if a command fails.
    """
    environment = {**cdk.without_aws(os.environ), **cdk.environment(), "PYTHONPATH": str(ROOT)}
    seconds: list[list[float]] = [[] for _ in commands]
    for _ in range(runs):
        for command, durations in zip(commands, seconds, strict=True):
            start = time.monotonic()
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                sys.exit(f"{done.stdout}{done.stderr}\nThis command fails: {' '.join(command)}")
            durations.append(time.monotonic() - start)
    return [statistics.median(durations) for durations in seconds]


def main() -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as folder, waiting("Measuring"):
        os.environ["WEALTH_OPS_CLOUD"] = f"{folder}/cloud"
        ours = synth(f"apps/{DEFAULT_ENVIRONMENT}/app.py", f"{folder}/ours")
        bare = synth(f"{Path(__file__).parent.relative_to(ROOT)}/bare_app.py", f"{folder}/bare")
        tests = (*PYTHON, "pytest", "-q", *(f"tests/{domain}" for domain in domains()))
        deploy = (*PYTHON, "tools.deployment", "deploy", "--to", "local")
        gate = (*PYTHON, "nox", "-j", "2", "--allow-parallel", "-s", *CHECKS)
        sessions = (*PYTHON, "nox", "--list")
        medians(1, ours, bare, deploy, gate)  # fills the caches, and deploys
        base, *others = medians(11, ours, bare, sessions)
        others += [*medians(5, tests, deploy), *medians(3, gate)]
    table = Table("Command", "Seconds", f"Ratio to cdk synth of {DEFAULT_ENVIRONMENT}")
    names = (
        f"cdk synth of {DEFAULT_ENVIRONMENT}",
        "cdk synth of its recorded templates",
        "nox --list",
        "unit tests of all domains",
        "deploy without changes to the local cloud",
        f"nox -j 2 -s {' '.join(CHECKS)}",
    )
    for name, seconds in zip(names, [base, *others], strict=True):
        table.add_row(name, f"{seconds:.2f}", f"{seconds / base:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()
