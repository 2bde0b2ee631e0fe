"""The scanners of a cloud assembly: cdk-nag, which `cdk synth` runs, cfn-lint and checkov."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tools.cdk_cli.assembly import construct_path
from tools.errors import UserError
from tools.project import ROOT

SCANNERS = ROOT / "tools" / "security" / "checkov"
BUILD = ROOT / "build" / "security"

# Rules of cfn-lint that the CDK's own constructs break. W3005: the CDK writes a DependsOn for every
# grant to a role, even if a Ref implies the dependency (aws/aws-cdk#24578).
IGNORED = ("W3005",)


class Finding(NamedTuple):
    """A rule that a construct breaks. `id` is the id to acknowledge, e.g. `cfn-lint::W3045`."""

    id: str
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}\n  {self.id}\n  {self.text}"


class ScannedAssembly:
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
        """The acknowledgement of `finding`: on its construct, or on a parent."""
        path = finding.path
        while path and (finding.id, path) not in self.acknowledgements:
            path = path.rpartition("/")[0]
        return (finding.id, path) if path else None

    def unacknowledged(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that no construct acknowledges."""
        return [finding for finding in findings if not self.acknowledgement(finding)]

    def path(self, template: str, logical_id: str) -> str:
        """The path of the construct of a resource or output, e.g. `StorageStack/DataBucket`."""
        file = self.folder / Path(template).name
        path = construct_path(json.loads(file.read_text()), logical_id)
        return path if "/" in path else f"{file.name.removesuffix('.template.json')}/{path}"


def cdk_nag(assembly: ScannedAssembly) -> Iterator[Finding]:
    """All findings of cdk-nag and of CloudFormation's rules, with or without acknowledgement."""
    report = json.loads((assembly.folder / "validation-report.json").read_text())
    for plugin in report["pluginReports"]:
        for found in plugin["violations"] + plugin.get("suppressedViolations", []):
            rule = f"{plugin['pluginName']}::{found['ruleName']}"
            for construct in found["violatingConstructs"]:
                path = construct["constructPath"].removesuffix("/Resource")
                yield Finding(rule, path, found["description"])


def cfn_lint(assembly: ScannedAssembly, *, informational: bool = True) -> Iterator[Finding]:
    """The findings of cfn-lint; `informational` adds the findings of that level."""
    command = (Path(sys.executable).with_name("cfn-lint"), "--format=json")
    options = (*(["-cI"] if informational else []), "--ignore-checks", *IGNORED)
    for found in json.loads(_output(*command, *options, "--", *assembly.files)):
        keys = found["Location"]["Path"]  # e.g. ["Resources", "DataBucketE3889A50", "Properties"]
        path = assembly.path(found["Filename"], keys[1] if len(keys) > 1 else "")
        yield Finding(f"cfn-lint::{found['Rule']['Id']}", path.rstrip("/"), found["Message"])


def checkov(assembly: ScannedAssembly) -> Iterator[Finding]:
    """The findings of checkov's checks for CloudFormation.

    Raises `UserError` if checkov cannot read a template.
    """
    options = ("--framework=cloudformation", "--skip-download", "--quiet", "--compact", "-ojson")
    report = json.loads(_output(install(), *options, "--file", *assembly.files))
    # If no check applies to a resource, checkov prints only the summary.
    if errors := report.get("summary", report)["parsing_errors"]:
        raise UserError(f"checkov cannot read {errors} of the {len(assembly.files)} templates.")
    for check in report.get("results", {}).get("failed_checks", []):
        path = assembly.path(check["file_abs_path"], check["resource"].split(".")[1])
        yield Finding(f"checkov::{check['check_id']}", path, check["check_name"])


def install() -> Path:
    """Install checkov from its lock file in a separate environment; return its command.

    Raises `UserError` if uv cannot install checkov; uv prints the reason.
    """
    folder = BUILD / "checkov"
    command = ["uv", "sync", "--quiet", "--frozen", "--project", str(SCANNERS)]
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder)}
    if subprocess.run(command, env=environment, check=False).returncode:
        raise UserError(f"uv cannot install checkov from {SCANNERS / 'uv.lock'}.")
    return folder / "bin" / "checkov"


def _output(*command: str | Path) -> str:
    """The JSON that a scanner prints. The scanner reads no settings of the user.

    Raises `UserError` with the output of a scanner that prints no JSON.
    """
    settings = {"HOME": str(BUILD / "home"), "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true"}
    environment = {"PATH": os.environ["PATH"], **settings}
    done = subprocess.run(
        command, cwd=SCANNERS, env=environment, capture_output=True, text=True, check=False
    )
    if not done.stdout.startswith(("{", "[")):
        raise UserError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
