"""The CDK CLI from package-lock.json, on the project environment's Node."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import NamedTuple

from rich.text import Text

from tools.cdk_cli import node
from tools.console import console, say, waiting
from tools.errors import reports_errors
from tools.project import ROOT

CLI = ROOT / "node_modules" / "aws-cdk"
# The variables that the CLI and its app need. Without JSII_NODE, jsii starts the first node on the
# PATH, which may be too old. With JSII_HOST_STACK_TRACES, the CDK knows the line that creates a
# construct; it adds one percent to a synthesis.
VARIABLES = {
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "JSII_HOST_STACK_TRACES": "1",
    "JSII_NODE": str(node.NODE),
}
# The CLI is one 16 MB file: Node's compile cache saves a sixth of its start.
CACHE = {"NODE_COMPILE_CACHE": str(ROOT / "build" / "node")}

# Lines for `run` to hide.
EVERYTHING = re.compile("")
# What a successful `cdk deploy` says beside warnings, and one line when each stack starts and ends.
ROUTINE = re.compile(
    r"""\s*$
    | ✨                                          # seconds
    | \S+\ \|\ +\d+/\d+\ \|                       # an event: STACK | 1/3 | …
    | \S+\ \(\S+\)$                              # the name of a stack
    | \S+:\ (start|success):\                     # assets
    | \S+:\ creating\ CloudFormation\ changeset
    | Outputs:$ | \S+\.\w+\ =\  | Stack\ ARN:$ | arn:\S+$
    """,
    re.VERBOSE,
)


class Done(NamedTuple):
    """The CLI's exit status, and its output without colors."""

    status: int
    output: str


def command(*args: str) -> list[str]:
    """The command line that runs `cdk` with `args`. Installs the CLI if it is missing.

    Raises `UserError` if npm cannot install the CLI, and without a HOME.
    """
    node.check_home()
    node.install(ROOT)
    return [str(node.NODE), str(CLI / "bin" / "cdk"), *args]


def run(
    step: str, *args: str, variables: Mapping[str, str], hidden: re.Pattern[str] | None = None
) -> Done:
    """Run `cdk` with `args`, and print its output while it runs.

    Omits the lines that match `hidden`, but prints the whole output after a failure. Ends the CLI
    when this process is interrupted.
    """
    colour = {"FORCE_COLOR": "1"} if console.is_interactive else {}
    lines: list[Text] = []
    with (
        waiting(step),
        subprocess.Popen(
            command(*args),
            env={**variables, **VARIABLES, **CACHE, **colour},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(Text.from_ansi(line.rstrip("\n")))
                if hidden is None or not hidden.match(lines[-1].plain):
                    say(lines[-1])
            process.wait()
        finally:
            process.terminate()  # has no effect on an ended process
    if process.returncode and hidden:
        say("cdk failed. Its whole output:", style="red")
        for text in lines:
            say(text)
    return Done(process.returncode, "\n".join(text.plain for text in lines))


@reports_errors
def main() -> int:
    """Replace this process with the CDK CLI: `uv run cdk …`."""
    arguments = command(*sys.argv[1:])
    os.execve(arguments[0], arguments, os.environ | VARIABLES)  # noqa: S606 (no shell wanted)
