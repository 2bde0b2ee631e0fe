"""Compare the time of each everyday command with that of one synth, in one run on one machine.

`uv run nox -s speed` runs it; what it prints are ratios of medians: a single run can be faster or
slower than all others by a tenth, whichever command it is of.
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
from tools.project import ROOT
from tools.snapshots import templates

UV = ("uv", "run", "--frozen")
NOX = (sys.executable, "-m", "nox")


def median_of(runs: int, *commands: tuple[str, ...]) -> list[float]:
    """The median time of each command, in seconds; they take turns, so that all are disturbed."""
    environment = {**cdk.without_aws(os.environ), **cdk.environment()}
    seconds: list[list[float]] = [[] for _ in commands]
    for _ in range(runs):
        for command, times in zip(commands, seconds, strict=True):
            start = time.monotonic()
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, check=False
            )
            if done.returncode:
                sys.exit(f"Mend this first, it fails: {' '.join(command)}")
            times.append(time.monotonic() - start)
    return [statistics.median(times) for times in seconds]


def main() -> None:
    """Print the table of ratios."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WEALTH_OPS_CLOUD"] = str(Path(folder) / "cloud")
        python = f"{' '.join(UV)} python"

        def synth(app: str) -> tuple[str, ...]:
            output = str(Path(folder) / Path(app).parent.name)
            return tuple(
                cdk.command("synth", "--quiet", "--app", f"{python} {app}", "--output", output)
            )

        domains = [path.parent.name for path in ROOT.glob("stacks/*/app.py")]
        tests = (*NOX, "-s", *(f"test({domain})" for domain in domains))
        quick = ("lint", "mypy", "test", "workflows", "synth")
        gate = (*NOX, "-j", "2", "--allow-parallel", "-s", *quick)
        session = (*NOX, "-s", "synth(dev)")
        deploy = (*UV, "python", "-m", "tools.deployment", "deploy", "--to", "local")
        dev, script = synth("apps/dev/app.py"), synth("tests/speed/bare_app.py")
        with waiting("Measuring"):
            median_of(1, deploy, gate, dev, script)  # warms every cache
            if templates(Path(folder) / "dev") != templates(Path(folder) / "speed"):
                sys.exit("tests/speed/bare_app.py has other templates than apps/dev: mend it.")
            ours, bare = median_of(21, dev, script)
            tested, deployed, linted = median_of(5, tests, deploy, session)
            (gated,) = median_of(3, gate)
    table = Table("What", "Seconds", "Ratio", "To")
    for what, seconds, other, to in (
        ("cdk synth of apps/dev", ours, bare, "cdk synth of a bare script"),
        ("unit tests of all stacks", tested, ours, "cdk synth of apps/dev"),
        ("deploy without changes", deployed, ours, "cdk synth of apps/dev"),
        ("gate without e2e, -j 2", gated, ours, "cdk synth of apps/dev"),
        ("gate without e2e, -j 2", gated, linted, "nox -s 'synth(dev)'"),
    ):
        table.add_row(what, f"{seconds:.2f}", f"{seconds / other:.2f}", to)
    console.print(table)


if __name__ == "__main__":
    main()
