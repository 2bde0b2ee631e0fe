"""The scanners of a cloud assembly: cdk-nag, cfn-lint and checkov.

`cdk synth` runs cdk-nag and writes its report into the cloud assembly; cfn-lint and checkov run
here, each as a command.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.assembly import construct_path
from tools.console import UserError
from tools.project import ROOT

SCANNERS = ROOT / "tools" / "scanners"
BUILD = ROOT / "build" / "security"

# Rules of cfn-lint that no code here can satisfy, since constructs of the CDK break them.
IGNORED = (
    "W3005",  # a DependsOn that a Ref implies: the CDK writes one for every grant to a role
)


class Finding(NamedTuple):
    """A rule that a construct breaks. `id` is the id to acknowledge, e.g. `cfn-lint::W3045`."""

    id: str
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}\n  {self.id}\n  {self.text}"


class Assembly:
    """The templates and acknowledgements that `cdk synth` wrote into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = sorted(folder.glob("*.template.json"))
        # The id of each finding and the path of the construct on which it is acknowledged.
        self.acknowledgements = {
            (finding, path.removeprefix("/").removesuffix("/Resource"))
            for file in folder.glob("*.metadata.json")
            for path, entries in json.loads(file.read_text()).items()
            for entry in entries
            if entry["type"] == "aws:cdk:acknowledged-rules"
            for finding in entry["data"]
        }

    def acknowledgement(self, finding: Finding) -> tuple[str, str] | None:
        """The acknowledgement of `finding`: on its construct, or on one that contains it."""
        path = finding.path
        while path and (finding.id, path) not in self.acknowledgements:
            path = path.rpartition("/")[0]
        return (finding.id, path) if path else None

    def unacknowledged(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that no construct acknowledges."""
        return [finding for finding in findings if not self.acknowledgement(finding)]

    def path(self, template: str, keys: Sequence[object]) -> str:
        """The path of the construct that wrote what lies under `keys` of a template.

        For example `StorageStack/DataBucket` for `["Resources", "DataBucketE3889A50"]`; the id of
        the stack for what is not a resource.
        """
        file = Path(template).name
        stack = file.removesuffix(".template.json")
        match keys:
            case ["Resources", str(logical_id), *_]:
                path = construct_path(json.loads((self.folder / file).read_text()), logical_id)
                return path if "/" in path else f"{stack}/{path}"
        return stack


def cdk_nag(assembly: Assembly) -> Iterator[Finding]:
    """The findings of cdk-nag and of CloudFormation's rules, acknowledged ones included."""
    report = assembly.folder / "validation-report.json"
    plugins = json.loads(report.read_text())["pluginReports"] if report.exists() else []
    for plugin in plugins:
        for found in plugin["violations"] + plugin.get("suppressedViolations", []):
            rule = f"{plugin['pluginName']}::{found['ruleName']}"
            for construct in found["violatingConstructs"]:
                path = construct["constructPath"].removesuffix("/Resource")
                yield Finding(rule, path, found["description"])


def cfn_lint(assembly: Assembly, *, informational: bool = True) -> Iterator[Finding]:
    """The findings of cfn-lint; those of level Informational only if asked."""
    command = (Path(sys.executable).with_name("cfn-lint"), "--format=json")
    options = (*(["-cI"] if informational else []), "--ignore-checks", *IGNORED)
    for found in json.loads(_output(*command, *options, "--", *assembly.files)):
        path = assembly.path(found["Filename"], found["Location"]["Path"])
        yield Finding(f"cfn-lint::{found['Rule']['Id']}", path, found["Message"])


def checkov(assembly: Assembly) -> Iterator[Finding]:
    """The findings of checkov's checks for CloudFormation.

    Raises `UserError` if checkov cannot read a template.
    """
    options = ("--framework=cloudformation", "--skip-download", "--quiet", "--compact", "-ojson")
    report = json.loads(_output(install(), *options, "--file", *assembly.files))
    # Without a resource that it has a check for, checkov prints only the summary.
    if errors := report.get("summary", report)["parsing_errors"]:
        raise UserError(f"checkov cannot read {errors} of the {len(assembly.files)} templates.")
    for check in report.get("results", {}).get("failed_checks", []):
        logical_id = check["resource"].split(".")[1]
        path = assembly.path(check["file_abs_path"], ["Resources", logical_id])
        yield Finding(f"checkov::{check['check_id']}", path, check["check_name"])


def install() -> Path:
    """Install checkov, from the lock in tools/scanners, in an environment of its own.

    Returns the command. Raises `UserError` if uv, which has printed the reason, cannot install it.
    """
    folder = BUILD / "checkov"
    command = ["uv", "sync", "--quiet", "--locked", "--project", str(SCANNERS)]
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder)}
    if subprocess.run(command, env=environment, check=False).returncode:
        raise UserError(f"uv cannot install checkov from {SCANNERS / 'uv.lock'}.")
    return folder / "bin" / "checkov"


def _output(*command: str | Path) -> str:
    """The JSON that a scanner prints. The scanner reads no settings of the user.

    Raises `UserError` with what the scanner printed if that is not JSON.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    settings = {"HOME": str(BUILD / "home"), "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true"}
    done = subprocess.run(
        command,
        cwd=BUILD,
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        json.loads(done.stdout)
    except json.JSONDecodeError as error:
        output = f"{done.stdout}{done.stderr}".strip()
        raise UserError(f"{Path(command[0]).name} failed:\n{output}") from error
    return done.stdout
