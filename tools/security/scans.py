"""The scanners for a cloud assembly: cdk-nag, which the synthesis runs, cfn-lint and checkov."""

import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stacks.core.errors import user_line
from tools.cdk_cli.assembly import construct_path
from tools.errors import UserError
from tools.project import ROOT

if TYPE_CHECKING:
    from cfnlint.runner import Runner

CHECKOV = ROOT / "tools" / "security" / "checkov"
BUILD = ROOT / "build" / "security"

# What the CDK's own constructs break. W3005: the CDK writes a DependsOn for every grant to a role,
# even if a Ref implies the dependency (aws/aws-cdk#24578).
IGNORED = ["W3005"]
# The CDK's own constructs acknowledge the first kind. An acknowledged annotation is no finding.
NEVER_STALE = ("CloudFormation-Validate::", "Annotation::")


class Finding(NamedTuple):
    """What a construct breaks. `id` is the id to acknowledge, e.g. `cfn-lint::W3045`."""

    id: str
    path: str
    text: str


class Acknowledgement(NamedTuple):
    """An acknowledged finding, the construct on which it is acknowledged, and the reason."""

    id: str
    path: str
    reason: str


class ScannedAssembly:
    """A cloud assembly's templates, and its constructs' lines and acknowledgements."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = sorted(folder.glob("*.template.json"))
        self._acknowledgements: dict[tuple[str, str], Acknowledgement] = {}
        self._lines: dict[str, str | None] = {}
        for file in folder.glob("*.metadata.json"):
            for key, entries in json.loads(file.read_text()).items():
                path = key.removeprefix("/").removesuffix("/Resource")
                for entry in entries:
                    self._add(path, entry)

    def _add(self, path: str, entry: object) -> None:
        match entry:
            case {"type": "aws:cdk:creationStack", "data": trace}:
                self._lines[path] = user_line(trace)
            case {"type": "aws:cdk:acknowledged-rules", "data": reasons}:
                for id, reason in reasons.items():
                    self._acknowledgements[id, path] = Acknowledgement(id, path, reason)

    def describe(self, finding: Finding) -> str:
        """The finding's construct with the line that created it, the id to acknowledge and text.

        A construct without a line was created by a parent, with its line. After a callback from
        the CDK to Python, such as for `availability_zones`, jsii passes no line.
        """
        lines = [self._lines.get(path) for path in _with_parents(finding.path)]
        where = next((f" ({line})" for line in lines if line), "")
        return f"{finding.path}{where}\n  {finding.id}\n  {finding.text}"

    def acknowledgement(self, finding: Finding) -> Acknowledgement | None:
        """The acknowledgement for `finding`: on its construct, or on a parent."""
        for path in _with_parents(finding.path):
            if found := self._acknowledgements.get((finding.id, path)):
                return found
        return None

    def stale(self, findings: Iterable[Finding]) -> list[Finding]:
        """A finding for each acknowledgement that matches none of `findings`."""
        used = {self.acknowledgement(finding) for finding in findings}
        return [
            Finding(old.id, old.path, "No scanner finds this: remove the stale acknowledgement.")
            for old in self._acknowledgements.values()
            if old not in used and not old.id.startswith(NEVER_STALE)
        ]

    def path(self, template: str, logical_id: str) -> str:
        """The construct path for a resource or output, e.g. `StorageStack/DataBucket`."""
        file = self.folder / Path(template).name
        path = construct_path(json.loads(file.read_text()), logical_id)
        stack = file.name.removesuffix(".template.json")
        return path if "/" in path else f"{stack}/{path}".rstrip("/")


def _with_parents(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


def cdk_nag(assembly: ScannedAssembly) -> Iterator[Finding]:
    """The findings in the validation report: cdk-nag, CloudFormation's rules, names and limits.

    Raises `UserError` if a validation did not run.
    """
    file = assembly.folder / "validation-report.json"
    if not file.exists():
        raise UserError(f"{file} not found: build the app with `new_app` in stacks/core/app.py.")
    for plugin in json.loads(file.read_text())["pluginReports"]:
        if plugin["conclusion"] == "failure" and not plugin["violations"]:
            raise UserError(plugin["metadata"]["error"])
        for found in plugin["violations"] + plugin.get("suppressedViolations", []):
            # As the CDK does: a name may contain the plugin, and a space becomes a hyphen.
            name = found["ruleName"]
            id = name if re.match(r"[\w.-]+::", name) else f"{plugin['pluginName']}::{name}"
            # A NIST description ends in a list with dozens of controls.
            text = re.sub(r" - \(Control IDs: .*\)", "", found["description"])
            text = " ".join(filter(None, (text, found.get("suggestedFix"))))
            for construct in found["violatingConstructs"]:
                path = construct["constructPath"].removesuffix("/Resource")
                yield Finding(id.replace(" ", "-"), path, text)


@cache
def load_cfn_lint() -> "Runner":
    """cfn-lint with its rules, without the user's settings. Loading takes half a second."""
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    # Otherwise cfn-lint reads the user's AWS_DEFAULT_REGION.
    options = ["--config-file", os.devnull, "--regions", "us-east-1", "--"]
    return Runner(ConfigMixIn(options, include_checks=["I"], ignore_checks=IGNORED))


def cfn_lint(assembly: ScannedAssembly) -> Iterator[Finding]:
    """cfn-lint's findings, including the informational ones."""
    from cfnlint.runner import run_template_by_file_path

    runner = load_cfn_lint()
    for file in assembly.files:
        for found in run_template_by_file_path(str(file), runner.config, runner.rules, False):
            # For example ["Resources", "DataBucketE3889A50", "Properties"].
            logical_id = str(found.path[1]) if len(found.path) > 1 else ""
            path = assembly.path(file.name, logical_id)
            yield Finding(f"cfn-lint::{found.rule.id}", path, found.message)


def checkov(assembly: ScannedAssembly) -> Iterator[Finding]:
    """The findings from checkov's CloudFormation checks, without the user's settings.

    Raises `UserError` if uv cannot install checkov from its lock file, in an environment of its
    own, and if checkov cannot read a template.
    """
    installed = BUILD / "checkov"
    command = ["uv", "sync", "--quiet", "--frozen", "--project", str(CHECKOV)]
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(installed)}
    if subprocess.run(command, env=environment, check=False).returncode:
        raise UserError(f"uv cannot install checkov from {CHECKOV / 'uv.lock'}; see above.")
    options = ("--framework=cloudformation", "--skip-download", "--soft-fail", "--output=json")
    scan = subprocess.run(
        [installed / "bin" / "checkov", *options, "--file", *assembly.files],
        cwd=CHECKOV,
        env={"PATH": os.environ["PATH"], "HOME": str(BUILD), "CKV_SKIP_PACKAGE_UPDATE_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if scan.returncode:
        raise UserError(f"checkov failed:\n{scan.stdout}{scan.stderr}")
    report = json.loads(scan.stdout)
    # If no check applies to a resource, checkov prints only the summary.
    if errors := report.get("summary", report)["parsing_errors"]:
        raise UserError(f"checkov cannot read {errors} of the {len(assembly.files)} templates.")
    for check in report.get("results", {}).get("failed_checks", []):
        path = assembly.path(check["file_abs_path"], check["resource"].split(".")[1])
        yield Finding(f"checkov::{check['check_id']}", path, check["check_name"])
