"""The scanners for a cloud assembly: cdk-nag, which `cdk synth` runs, cfn-lint and checkov."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

from stacks.core.errors import user_line
from tools.cdk_cli.assembly import construct_path
from tools.errors import UserError
from tools.project import ROOT

SCANNERS = ROOT / "tools" / "security" / "checkov"
BUILD = ROOT / "build" / "security"
# The function that acknowledges findings.
FINDINGS_MODULE = ROOT / "stacks" / "core" / "findings.py"

# cfn-lint rules that the CDK's own constructs break. W3005: the CDK writes a DependsOn for every
# grant to a role, even if a Ref implies the dependency (aws/aws-cdk#24578).
IGNORED = ("W3005",)


class Finding(NamedTuple):
    """A rule that a construct breaks. `id` is the id to acknowledge, e.g. `cfn-lint::W3045`.

    `line` is the line that created the construct, or empty.
    """

    id: str
    path: str
    text: str
    line: str = ""

    def __str__(self) -> str:
        line = f" ({self.line})" if self.line else ""
        return f"{self.path}{line}\n  {self.id}\n  {self.text}"


class Acknowledgement(NamedTuple):
    """An acknowledged finding, the construct on which it is acknowledged, and the reason.

    `line` is the line that calls `acknowledge`; the CDK's own acknowledgements have none.
    """

    id: str
    path: str
    reason: str
    line: str = ""


class ScannedAssembly:
    """The templates and acknowledgements that `cdk synth` wrote into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = sorted(folder.glob("*.template.json"))
        entries = [
            (path.removeprefix("/").removesuffix("/Resource"), entry)
            for file in folder.glob("*.metadata.json")
            for path, metadata in json.loads(file.read_text()).items()
            for entry in metadata
        ]
        self._lines = {
            path: user_line(entry["data"])
            for path, entry in entries
            if entry["type"] == "aws:cdk:creationStack"
        }
        self._acknowledgements = {
            (finding, path): Acknowledgement(finding, path, reason, _called(entry.get("trace", [])))
            for path, entry in entries
            if entry["type"] == "aws:cdk:acknowledged-rules"
            for finding, reason in entry["data"].items()
        }

    def line(self, path: str) -> str:
        """The line that created the construct at `path`, or an empty text.

        A construct without a line was created by a parent, with its line. After a callback from
        the CDK to Python, such as for `availability_zones`, jsii passes no line.
        """
        while path and not self._lines.get(path):
            path = path.rpartition("/")[0]
        return self._lines.get(path) or ""

    def acknowledgement(self, finding: Finding) -> Acknowledgement | None:
        """The acknowledgement for `finding`: on its construct, or on a parent."""
        path = finding.path
        while path and (finding.id, path) not in self._acknowledgements:
            path = path.rpartition("/")[0]
        return self._acknowledgements.get((finding.id, path))

    def unacknowledged(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that no construct acknowledges, by construct."""
        found = [finding for finding in findings if not self.acknowledgement(finding)]
        return sorted(found, key=lambda finding: finding.path)

    def stale(self, findings: Iterable[Finding]) -> list[Acknowledgement]:
        """The acknowledgements that match none of `findings`, except the CDK's own.

        The CDK removes an acknowledged annotation, so that it is no finding.
        """
        used = {self.acknowledgement(finding) for finding in findings}
        return [
            acknowledgement
            for acknowledgement in self._acknowledgements.values()
            if acknowledgement.line and acknowledgement not in used
            if not acknowledgement.id.startswith("Annotation::")
        ]

    def path(self, template: str, logical_id: str) -> str:
        """The construct path for a resource or output, e.g. `StorageStack/DataBucket`."""
        file = self.folder / Path(template).name
        path = construct_path(json.loads(file.read_text()), logical_id)
        return path if "/" in path else f"{file.name.removesuffix('.template.json')}/{path}"


def _called(trace: Sequence[str]) -> str:
    """The line in a stack that called `acknowledge`, or an empty text if the CDK did."""
    called = any(str(FINDINGS_MODULE) in frame for frame in trace)
    return (user_line(trace) or str(FINDINGS_MODULE)) if called else ""


def cdk_nag(assembly: ScannedAssembly, *, warnings: bool = True) -> Iterator[Finding]:
    """The findings in the validation report: cdk-nag, CloudFormation's rules, names and limits.

    `warnings` adds the findings that do not fail a synthesis. Raises `UserError` if the rules did
    not run.
    """
    file = assembly.folder / "validation-report.json"
    if not file.exists():
        raise UserError(f"{file} not found: build the app with `new_app` in stacks/core/app.py.")
    report = json.loads(file.read_text())
    for plugin in report["pluginReports"]:
        fails = plugin["conclusion"] == "failure"
        if fails and not plugin["violations"]:
            raise UserError(plugin["metadata"]["error"])
        if not fails and not warnings:
            continue
        for found in plugin["violations"] + plugin.get("suppressedViolations", []):
            rule = _rule_id(plugin["pluginName"], found["ruleName"])
            # A NIST rule's description ends in a list with dozens of controls.
            text = re.sub(r" - \(Control IDs: .*\)", "", found["description"])
            text = " ".join(filter(None, (text, found.get("suggestedFix"))))
            for construct in found["violatingConstructs"]:
                path = construct["constructPath"].removesuffix("/Resource")
                yield Finding(rule, path, text, assembly.line(path))


def _rule_id(plugin: str, rule: str) -> str:
    # As the CDK does: a name may contain the plugin, and a space becomes a hyphen.
    name = rule if re.match(r"[\w.-]+::", rule) else f"{plugin}::{rule}"
    return name.replace(" ", "-")


# Reads its arguments from the standard input, so that a process can load cfn-lint in advance.
_CFN_LINT = """
import json, sys
import cfnlint.runner
sys.argv[1:] = json.load(sys.stdin)
sys.exit(cfnlint.runner.main())
"""


def start_cfn_lint() -> subprocess.Popen[str]:
    """A process that loads cfn-lint, which takes half a second, for one call of `cfn_lint_all`."""
    return _start(sys.executable, "-c", _CFN_LINT)


def cfn_lint(assembly: ScannedAssembly) -> Iterator[Finding]:
    """cfn-lint's findings, including the informational ones."""
    for found in _run_cfn_lint(assembly.files, start_cfn_lint(), "-cI"):
        yield _cfn_lint_finding(assembly, found)


def cfn_lint_all(
    assemblies: Sequence[ScannedAssembly], process: subprocess.Popen[str]
) -> list[list[Finding]]:
    """cfn-lint's findings in each assembly, from a process that `start_cfn_lint` returned."""
    files = [file for assembly in assemblies for file in assembly.files]
    everything = _run_cfn_lint(files, process)
    return [
        [
            _cfn_lint_finding(assembly, found)
            for found in everything
            if Path(found["Filename"]).parent == assembly.folder
        ]
        for assembly in assemblies
    ]


class _CfnLintFinding(TypedDict):
    Filename: str
    Location: Mapping[str, Sequence[str]]
    Message: str
    Rule: Mapping[str, str]


def _run_cfn_lint(
    files: Sequence[Path], process: subprocess.Popen[str], *options: str
) -> list[_CfnLintFinding]:
    arguments = ["--format=json", *options, "--ignore-checks", *IGNORED, "--", *map(str, files)]
    found: list[_CfnLintFinding] = json.loads(_output("cfn-lint", process, json.dumps(arguments)))
    return found


def _cfn_lint_finding(assembly: ScannedAssembly, found: _CfnLintFinding) -> Finding:
    keys = found["Location"]["Path"]  # e.g. ["Resources", "DataBucketE3889A50", "Properties"]
    path = assembly.path(found["Filename"], keys[1] if len(keys) > 1 else "").rstrip("/")
    rule = f"cfn-lint::{found['Rule']['Id']}"
    return Finding(rule, path, found["Message"], assembly.line(path))


def checkov(assembly: ScannedAssembly) -> Iterator[Finding]:
    """The findings from checkov's CloudFormation checks.

    Raises `UserError` if checkov cannot read a template.
    """
    options = ("--framework=cloudformation", "--skip-download", "--quiet", "--compact", "-ojson")
    process = _start(install(), *options, "--file", *assembly.files)
    report = json.loads(_output("checkov", process))
    # If no check applies to a resource, checkov prints only the summary.
    if errors := report.get("summary", report)["parsing_errors"]:
        raise UserError(f"checkov cannot read {errors} of the {len(assembly.files)} templates.")
    for check in report.get("results", {}).get("failed_checks", []):
        path = assembly.path(check["file_abs_path"], check["resource"].split(".")[1])
        rule = f"checkov::{check['check_id']}"
        yield Finding(rule, path, check["check_name"], assembly.line(path))


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


def _start(*command: str | Path) -> subprocess.Popen[str]:
    """Start a scanner, which reads no user settings."""
    settings = {"HOME": str(BUILD / "home"), "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true"}
    return subprocess.Popen(
        command,
        cwd=SCANNERS,
        env={"PATH": os.environ["PATH"], **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _output(name: str, process: subprocess.Popen[str], text: str = "") -> str:
    """The JSON that the scanner `name` prints after reading `text`.

    Raises `UserError` with the output if it is no JSON.
    """
    with process:
        output, errors = process.communicate(text)
    if not output.startswith(("{", "[")):
        raise UserError(f"{name} failed:\n{output}{errors}")
    return output
