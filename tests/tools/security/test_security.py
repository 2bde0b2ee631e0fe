"""The security scan, with recorded outputs of the scanners."""

import json
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from tools.cdk_cli import synth
from tools.cdk_cli.assembly import Json
from tools.errors import UserError
from tools.security import __main__ as security
from tools.security import scans
from tools.security.scans import Finding, ScannedAssembly

BUCKET = "OpenStack/Bucket"
NAG = Finding("AwsSolutions::AwsSolutions-S1", BUCKET, "Server access logs are disabled.")
LINT = Finding("cfn-lint::W3045", BUCKET, "'AccessControl' is a legacy property.")
CHECKOV = Finding("checkov::CKV_AWS_21", BUCKET, "Ensure the S3 bucket has versioning enabled")
TEMPLATE: Json = {
    "Resources": {"Bucket83908E77": {"Metadata": {"aws:cdk:path": f"{BUCKET}/Resource"}}}
}
VIOLATION: Json = {
    "ruleName": "AwsSolutions-S1",
    "description": NAG.text,
    "violatingConstructs": [{"constructPath": f"{BUCKET}/Resource"}],
}
REPORT: Json = {
    "pluginReports": [
        {"pluginName": "AwsSolutions", "violations": [], "suppressedViolations": [VIOLATION]},
        # cdk-nag omits an empty list.
        {"pluginName": "Serverless", "violations": []},
    ],
}
CHECKED: Json = {
    "results": {
        "failed_checks": [
            {
                "check_id": "CKV_AWS_21",
                "check_name": CHECKOV.text,
                "file_abs_path": "/assembly/OpenStack.template.json",
                "resource": "AWS::S3::Bucket.Bucket83908E77",
            }
        ]
    },
    "summary": {"parsing_errors": 0},
}
# If no check applies to a resource, checkov prints only the summary.
NOTHING_CHECKED: Json = {"parsing_errors": 0}


def linted(*keys: str) -> Json:
    return [
        {
            "Filename": "/assembly/OpenStack.template.json",
            "Location": {"Path": keys},
            "Message": LINT.text,
            "Rule": {"Id": "W3045"},
        }
    ]


def write(folder: Path, *acknowledged: tuple[str, str]) -> ScannedAssembly:
    """A cloud assembly with a finding of cdk-nag, and these acknowledgements."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata: dict[str, list[Json]] = {"/OpenStack": [{"type": "aws:cdk:stack-tags"}]}
    for finding, path in acknowledged:
        rule: Json = {"type": "aws:cdk:acknowledged-rules", "data": {finding: "because"}}
        metadata.setdefault(f"/{path}", []).append(rule)
    (folder / "OpenStack.template.json").write_text(json.dumps(TEMPLATE))
    (folder / "OpenStack.metadata.json").write_text(json.dumps(metadata))
    (folder / "validation-report.json").write_text(json.dumps(REPORT))
    return ScannedAssembly(folder)


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Json]:
    """The output of each scanner, for a test to change."""
    found = {"cfn-lint": linted("Resources", "Bucket83908E77"), "checkov": CHECKED}

    def output(command: Path, *arguments: str | Path) -> str:
        assert Path(arguments[-1]).name == "OpenStack.template.json"
        return json.dumps(found[command.name])

    monkeypatch.setattr(scans, "BUILD", tmp_path / "build")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: Mock(returncode=0))  # uv
    monkeypatch.setattr(scans, "_output", output)
    return found


@pytest.mark.parametrize(
    ("keys", "path"), [([], "OpenStack"), (["Outputs", "Name"], "OpenStack/Name")]
)
def test_a_finding_without_a_construct_belongs_to_the_stack(
    keys: list[str], path: str, tmp_path: Path, outputs: dict[str, Json]
) -> None:
    outputs["cfn-lint"] = linted(*keys)
    assert list(scans.cfn_lint(write(tmp_path))) == [LINT._replace(path=path)]


@pytest.mark.parametrize(
    ("construct", "counts"),
    [
        *((path, True) for path in (f"{BUCKET}/Resource", BUCKET, "OpenStack")),
        *((path, False) for path in (f"{BUCKET}/Policy", "OpenStack/Buck", "OtherStack")),
    ],
)
def test_an_acknowledgement_counts_on_or_above_the_construct(
    construct: str, counts: bool, tmp_path: Path
) -> None:
    found = write(tmp_path, (NAG.id, construct)).unacknowledged([NAG, LINT])
    assert found == ([LINT] if counts else [NAG, LINT])


def test_unacknowledged_findings_and_stale_acknowledgements_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outputs: dict[str, Json]
) -> None:
    acknowledged = [(NAG.id, BUCKET), (LINT.id, BUCKET), (CHECKOV.id, BUCKET)]

    def synthesize(name: str, option: str, output: Path) -> None:
        assert (name, option) == ("open", "--context=serverless-checks=true")
        write(output, *acknowledged)

    monkeypatch.setattr(synth, "synthesize", synthesize)
    monkeypatch.setattr(security, "environments", lambda: ["open"])
    assert security.main() == 0
    assert capsys.readouterr().out.count("1 findings, 0 not acknowledged") == 3
    acknowledged.append((NAG.id, "Other"))
    assert security.main() == 1
    assert f"Other: remove the stale acknowledgement of {NAG.id}\n" in capsys.readouterr().out
    acknowledged.clear()
    assert security.main() == 1
    output = capsys.readouterr().out
    for finding in (NAG, LINT, CHECKOV):
        assert f"\n{finding.path}\n  {finding.id}\n  {finding.text}\n" in output
    assert "`acknowledge` in stacks/core/findings.py" in output
    outputs["checkov"] = NOTHING_CHECKED
    assert security.main() == 1
    assert "checkov: 0 findings" in capsys.readouterr().out
    outputs["checkov"] = {"parsing_errors": 2}
    assert security.main() == 1
    assert "checkov cannot read 2 of the 1 templates" in capsys.readouterr().err


def test_a_scanner_reads_no_settings_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "BUILD", tmp_path)
    monkeypatch.setenv("BC_API_KEY", "the user's")
    code = "import json, os; print(json.dumps([os.getcwd(), dict(os.environ)])); exit(1)"
    folder, environment = json.loads(scans._output(sys.executable, "-c", code))
    assert Path(folder) == scans.SCANNERS
    assert "BC_API_KEY" not in environment
    assert Path(environment["HOME"]) == tmp_path / "home"


def test_a_scanner_that_does_not_print_json_is_an_error_with_its_output() -> None:
    code = "import sys; print('half'); sys.exit('no such option')"
    with pytest.raises(UserError, match=r"python[\d.]* failed:\nhalf\nno such option"):
        scans._output(sys.executable, "-c", code)


def test_a_failed_installation_of_checkov_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: Mock(returncode=2))
    with pytest.raises(UserError, match=r"uv cannot install checkov from .*uv\.lock"):
        scans.install()
