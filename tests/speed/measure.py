"""Time everyday commands in one run on one machine: `uv run nox -s speed`.

The table contains medians and their ratios, because a single run can differ by a tenth from the
others.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.table import Table

from tools.cdk_cli import cdk
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.console import console, waiting
from tools.project import ROOT, domains
from tools.variables import without_aws

PYTHON = (sys.executable, "-m")
RUNS = 7


def synth(app: str, folder: str) -> tuple[str, ...]:
    """The `cdk synth` command for an app in this repository, into a folder."""
    run = f"{sys.executable} {app}"
    return tuple(cdk.command("synth", "--quiet", "--app", run, "--output", folder))


def measure(command: tuple[str, ...]) -> float:
    """A command's duration in seconds. Exits if the command fails."""
    variables = {**without_aws(os.environ), **cdk.VARIABLES, "PYTHONPATH": str(ROOT)}
    start = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nThis command fails: {' '.join(command)}")
    return time.monotonic() - start


def main() -> None:
    """Measure, and print the table."""
    name = DEFAULT_ENVIRONMENT
    with tempfile.TemporaryDirectory() as folder, waiting("Measuring"):
        os.environ["WEALTH_OPS_CLOUD"] = f"{folder}/cloud"
        bare = f"{Path(__file__).parent.relative_to(ROOT)}/bare_app.py"
        tests = [f"tests/{domain}" for domain in domains()]
        deploy = ("tools.deployment", "deploy", "--to", "local")
        commands = {
            f"cdk synth of {name}": synth(f"apps/{name}/app.py", f"{folder}/ours"),
            "cdk synth of its recorded templates": synth(bare, f"{folder}/bare"),
            "nox --list": (*PYTHON, "nox", "--list"),
            "unit tests of all domains": (*PYTHON, "pytest", "-q", *tests),
            "deploy without changes to the local cloud": (*PYTHON, *deploy),
        }
        # The first run fills the caches and deploys. Each run measures every command once.
        _, *runs = [list(map(measure, commands.values())) for _ in range(RUNS + 1)]
    medians = [statistics.median(seconds) for seconds in zip(*runs, strict=True)]
    table = Table("Command", "Seconds", f"Ratio to cdk synth of {name}")
    for command, seconds in zip(commands, medians, strict=True):
        table.add_row(command, f"{seconds:.2f}", f"{seconds / medians[0]:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()
