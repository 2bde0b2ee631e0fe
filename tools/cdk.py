"""The CDK CLI of package-lock.json, on the Node of the project environment."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools import node
from tools.project import ROOT

CLI = ROOT / "node_modules" / "aws-cdk"
PRELOAD = Path(__file__).with_name("preload.cjs")


def command(*args: str) -> list[str]:
    """The command line that runs `cdk` with `args`; installs the CLI first where it is missing.

    Raises `SystemExit` with npm's status when npm, which then has said why, cannot install it.
    """
    node.install(ROOT)
    return [str(node.NODE), "--require", str(PRELOAD), str(CLI / "bin" / "cdk"), *args]


def environment() -> dict[str, str]:
    """What the CLI and the app that it starts need to know, to be added to the environment."""
    # Without JSII_NODE, jsii starts whichever node is first on the PATH, and that may be too old.
    return {"JSII_NODE": str(node.NODE), "CDK_DISABLE_CLI_TELEMETRY": "true"}


def tied() -> dict[str, str]:
    """`environment` of a CLI that shall end when this process does, even if it is killed."""
    return {**environment(), "WEALTH_OPS_PARENT": str(os.getpid())}


def without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without any way to reach a real AWS account: no credentials, profile or proxy.

    The variables of the AWS SDKs all begin with AWS_ (SDKs and tools reference guide, "Settings
    reference"); without them an SDK would still read the person's files and ask the EC2 metadata
    service, so both are turned off.
    """
    kept = {
        key: value
        for key, value in environment.items()
        if not key.startswith(("AWS_", "CDK_"))
        and key.lower() not in ("http_proxy", "https_proxy", "all_proxy")
    }
    nowhere = str(ROOT / "build" / "no-aws-configuration")
    return kept | {
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def unknown(verb: str, flags: Sequence[str]) -> list[str]:
    """Those of `flags` that `cdk VERB --help` does not list; the CLI would ignore them."""
    if not flags:
        return []
    asked = subprocess.run(
        command(verb, "--help"),
        env={**os.environ, **environment(), "COLUMNS": "500"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    known = set(re.findall(r"(?<!\S)--?\w[\w-]*", asked.stdout))
    names = {flag: flag.partition("=")[0] for flag in flags}
    return [
        flag for flag, name in names.items() if not {name, name.replace("--no-", "--", 1)} & known
    ]


def main() -> None:
    """`uv run cdk …`: become the CDK CLI."""
    arguments = command(*sys.argv[1:])
    os.execve(arguments[0], arguments, os.environ | environment())  # noqa: S606 (no shell wanted)
