"""The scanners that look at what an environment deploys, each a function: what has it found?"""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tools import synth
from tools.console import UserError
from tools.policies import Json, children, documents
from tools.project import ROOT

SCANNERS = ROOT / "tools" / "scanners"
BUILD = ROOT / "build" / "security"


class Finding(NamedTuple):
    """What a scanner found at a construct path, by the id under which it can be accepted there."""

    id: str
    path: str
    text: str


class Scan(NamedTuple):
    """What a scanner looked at, in words, and what it found, accepted or not."""

    scope: str
    findings: list[Finding]


class Assembly:
    """What `cdk synth` wrote: templates, and where in the code their resources come from."""

    def __init__(self, folder: Path) -> None:
        """Read the cloud assembly in `folder`."""
        self.files = sorted(folder.glob("*.template.json"))
        self.templates: dict[str, dict[str, Json]] = {
            path.name: json.loads(path.read_text()) for path in self.files
        }
        # What is accepted, as (id, construct path): the CDK keeps it for all plugins alike.
        self.accepted: set[tuple[str, str]] = {
            (finding, path.removeprefix("/"))
            for file in folder.glob("*.metadata.json")
            for path, entries in json.loads(file.read_text()).items()
            for entry in entries
            if entry["type"] == "aws:cdk:acknowledged-rules"
            for finding in entry["data"]
        }

    def path(self, template: str, where: Sequence[str]) -> str:
        """The construct path of what lies in a template under keys; its stack's, if of no resource.

        For example `["Resources", "DataBucketE3889A50", "Properties"]`.
        """
        metadata = children(self.templates[template], *where[:2], "Metadata")
        return str(metadata.get("aws:cdk:path", template.removesuffix(".template.json")))


def cdk_nag(environment: str) -> tuple[Assembly, Scan]:
    """Synthesize an environment, with one pack of cdk-nag more than every synthesis has.

    Raises `UserError` when that fails for another reason than a finding.
    """
    folder = BUILD / environment
    report = folder / "validation-report.json"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        synth.synthesize(environment, "--context=serverless-checks=true", output=folder)
        failure = None
    except UserError as error:
        failure = error
    plugins = json.loads(report.read_text())["pluginReports"] if report.exists() else []
    if failure and not any(plugin["violations"] for plugin in plugins):
        raise failure
    findings = [
        Finding(
            f"{plugin['pluginName']}::{found['ruleName']}",
            construct["constructPath"],
            found["description"],
        )
        for plugin in plugins
        for found in plugin["violations"] + plugin.get("suppressedViolations", [])
        for construct in found["violatingConstructs"]
    ]
    return Assembly(folder), Scan("AwsSolutions, NIST 800-53 r5, Serverless", findings)


def cfn_lint(assembly: Assembly) -> Scan:
    """Lint the templates, and have told what is only worth knowing (I), too."""
    found = json.loads(answer("cfn-lint", "--format=json", "-cI", "--", *assembly.files))
    findings = []
    for match in found:
        path = assembly.path(Path(match["Filename"]).name, match["Location"]["Path"])
        findings.append(Finding(f"cfn-lint::{match['Rule']['Id']}", path, match["Message"]))
    return Scan(f"{len(assembly.files)} templates", findings)


def checkov(assembly: Assembly) -> Scan:
    """Make checkov's checks of CloudFormation."""
    options = ("--framework=cloudformation", "--skip-download", "--quiet", "--compact", "-ojson")
    found = json.loads(answer(installed("checkov"), *options, "--file", *assembly.files))
    # Without resources that it has checks for, the summary is all there is.
    summary = found.get("summary", found)
    if summary["parsing_errors"]:
        raise UserError(f"checkov cannot read {summary['parsing_errors']} of the templates.")
    findings = [
        Finding(
            f"checkov::{check['check_id']}",
            assembly.path(
                Path(check["file_abs_path"]).name, ["Resources", check["resource"].split(".")[1]]
            ),
            check["check_name"],
        )
        for check in found.get("results", {}).get("failed_checks", [])
    ]
    return Scan(f"{summary['passed']} checks passed", findings)


def iam_policy_validator(assembly: Assembly) -> Scan:
    """Validate every policy document, whatever it belongs to."""
    try:
        policies = list(documents(assembly.templates))
    except ValueError as error:
        raise UserError(f"iam-policy-validator cannot run: {error}") from error
    with TemporaryDirectory() as name:
        folder = Path(name)
        for number, (*_, policy) in enumerate(policies):
            (folder / f"{number}.json").write_text(json.dumps(policy))
        # An empty list of services, or it would fetch AWS's; see iam-policy-validator.yaml.
        (folder / "services").mkdir()
        (folder / "services" / "_services.json").write_text("[]")
        said = answer(
            installed("iam-policy-validator", "iam-validator"),
            *("--log-level=error", "validate", "--format=json", "--no-recursive"),
            *("--config", SCANNERS / "iam-policy-validator.yaml"),
            *("--aws-services-dir", folder / "services", "--path", folder),
        )
    found = json.loads(said)

    def path(file: str) -> str:
        template, logical_id, _ = policies[int(Path(file).stem)]
        return assembly.path(template, ["Resources", logical_id])

    if found["total_policies"] != len(policies) or found["parsing_errors"]:
        unread = [f"\n{path(file)}: {why}" for file, why in found["parsing_errors"]]
        raise UserError(
            f"iam-policy-validator cannot read all {len(policies)} policies.{''.join(unread)}"
        )
    findings = []
    for result in found["results"]:
        for issue in result["issues"]:
            sid = f"[{issue['statement_sid']}]" if issue["statement_sid"] else ""
            rule = f"iam-policy-validator::{issue['check_id']}{sid}"
            findings.append(Finding(rule, path(result["policy_file"]), issue["message"]))
    return Scan(f"{len(policies)} policies", findings)


def installed(package: str, command: str | None = None) -> Path:
    """A command of a package that has an environment of its own, made as the lock has it.

    Raises `UserError` when uv, which then has said why, cannot make it.
    """
    place = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    place["UV_PROJECT_ENVIRONMENT"] = str(BUILD / "scanners" / package)
    lock = ("--project", SCANNERS, "--locked", "--only-group", package)
    if subprocess.run(["uv", "sync", "--quiet", *lock], env=place, check=False).returncode:
        raise UserError(f"{package} cannot be installed as {SCANNERS / 'uv.lock'} has it.")
    return BUILD / "scanners" / package / "bin" / (command or package)


def answer(*command: str | Path) -> str:
    """The JSON that a scanner answers with; it sees no settings of the person's.

    Raises `UserError` with what it said if that is something else.
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
        said = f"{done.stdout}{done.stderr}".strip()
        raise UserError(f"{Path(command[0]).name} cannot run:\n{said}") from error
    return done.stdout
