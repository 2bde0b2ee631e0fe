"""The CDK CLI of package-lock.json, on the Node of the project environment."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence

from rich.text import Text

from tools.cdk_cli import node
from tools.console import console, waiting
from tools.errors import reports_errors
from tools.project import ROOT

CLI = ROOT / "node_modules" / "aws-cdk"
# The variables that the CLI and its app need. Without JSII_NODE, jsii starts the first node on the
# PATH, which may be too old. With JSII_HOST_STACK_TRACES, the CDK knows the line that creates a
# construct, and the CLI prints the line above a finding; it adds one percent to a synthesis.
VARIABLES = {
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "JSII_HOST_STACK_TRACES": "1",
    "JSII_NODE": str(node.NODE),
}


def command(*args: str) -> list[str]:
    """The command line that runs `cdk` with `args`. Installs the CLI if it is missing.

    Raises `UserError` if npm, which prints the reason, cannot install the CLI, and without a HOME.
    """
    node.check_home()
    node.install(ROOT)
    return [str(node.NODE), "--require", str(node.PRELOAD), str(CLI / "bin" / "cdk"), *args]


def supervised_variables() -> dict[str, str]:
    """The variables of a CLI that ends when this process ends, even after SIGKILL."""
    return VARIABLES | node.supervised()


def unknown(verb: str, flags: Sequence[str]) -> list[str]:
    """The `flags` that `cdk VERB --help` does not list; the CLI would ignore them."""
    if not flags:
        return []
    asked = subprocess.run(
        command(verb, "--help"),
        env={**os.environ, **VARIABLES, "COLUMNS": "500"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    known = set(re.findall(r"(?<!\S)--?\w[\w-]*", asked.stdout))
    names = {flag: flag.partition("=")[0] for flag in flags}
    return [
        flag for flag, name in names.items() if not {name, name.replace("--no-", "--", 1)} & known
    ]


def run(step: str, *args: str, variables: Mapping[str, str]) -> tuple[int, str]:
    """Run `cdk` with `args`, print each line of its output, and return its status and output.

    Ends the CLI when this process is interrupted.
    """
    arguments = command(*args)
    colour = {"FORCE_COLOR": "1"} if console.is_interactive else {}
    lines = []
    with (
        waiting(step),
        subprocess.Popen(
            arguments,
            env={**variables, **supervised_variables(), **colour},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                console.print(Text.from_ansi(line.rstrip("\n")), soft_wrap=True)
                lines.append(Text.from_ansi(line).plain)
        except BaseException:
            process.terminate()
            raise
    return process.returncode, "".join(lines)


@reports_errors
def main() -> int:
    """Replace this process with the CDK CLI: `uv run cdk …`."""
    arguments = command(*sys.argv[1:])
    os.execve(arguments[0], arguments, os.environ | VARIABLES)  # noqa: S606 (no shell wanted)
