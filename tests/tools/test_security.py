"""The security scan, with recorded outputs of the scanners."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from tools import scans, security, synth
from tools.assembly import Json
from tools.console import UserError

BUCKET = "OpenStack/Bucket"
NAG = "AwsSolutions::AwsSolutions-S1"
LINT = "cfn-lint::W3045"
CHECKOV = "checkov::CKV_AWS_21"

TEMPLATE: Json = {
    "Resources": {
        "Bucket83908E77": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"AccessControl": "PublicRead"},
            "Metadata": {"aws:cdk:path": f"{BUCKET}/Resource"},
        },
        "Included": {"Type": "AWS::S3::Bucket"},
    }
}
REPORT: Json = {
    "pluginReports": [
        {
            "pluginName": "AwsSolutions",
            "violations": [],
            "suppressedViolations": [
                {
                    "ruleName": "AwsSolutions-S1",
                    "description": "The S3 Bucket has server access logs disabled.",
                    "violatingConstructs": [{"constructPath": f"{BUCKET}/Resource"}],
                }
            ],
        },
        # cdk-nag omits an empty list.
        {"pluginName": "Serverless", "violations": []},
    ],
}


def linted(*keys: str) -> Json:
    return [
        {
            "Filename": "/assembly/OpenStack.template.json",
            "Location": {"Path": keys},
            "Message": "'AccessControl' is a legacy property.",
            "Rule": {"Id": "W3045"},
        }
    ]


LINTED = linted("Resources", "Bucket83908E77", "Properties", "AccessControl")
CHECKED: Json = {
    "results": {
        "failed_checks": [
            {
                "check_id": "CKV_AWS_21",
                "check_name": "Ensure the S3 bucket has versioning enabled",
                "file_abs_path": "/assembly/OpenStack.template.json",
                "resource": "AWS::S3::Bucket.Bucket83908E77",
            }
        ]
    },
    "summary": {"parsing_errors": 0},
}
NOTHING_CHECKED: Json = {"parsing_errors": 0}

type Scan = Callable[..., tuple[int, str]]


@pytest.fixture
def scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Scan:
    """Scan an environment with the given acknowledgements and outputs of the scanners."""

    def run(
        *acknowledged: tuple[str, str],
        report: Json = None,
        linted: Json = (),
        checked: Json = NOTHING_CHECKED,
    ) -> tuple[int, str]:
        def synthesize(name: str, option: str, output: Path) -> None:
            assert (name, option) == ("open", "--context=serverless-checks=true")
            output.mkdir(parents=True)
            metadata: dict[str, list[Json]] = {"/OpenStack": [{"type": "aws:cdk:stack-tags"}]}
            for finding, path in acknowledged:
                metadata.setdefault(f"/{path}", []).append(
                    {"type": "aws:cdk:acknowledged-rules", "data": {finding: "because"}}
                )
            (output / "OpenStack.template.json").write_text(json.dumps(TEMPLATE))
            (output / "OpenStack.metadata.json").write_text(json.dumps(metadata))
            if report:
                (output / "validation-report.json").write_text(json.dumps(report))

        def output(command: Path, *arguments: str | Path) -> str:
            assert arguments[-1] == tmp_path / "open" / "OpenStack.template.json"
            return json.dumps({"cfn-lint": linted, "checkov": checked}[command.name])

        monkeypatch.setattr(scans, "BUILD", tmp_path)
        monkeypatch.setattr(scans, "install", lambda: Path("checkov"))
        monkeypatch.setattr(scans, "_output", output)
        monkeypatch.setattr(synth, "synthesize", synthesize)
        monkeypatch.setattr(security, "environments", lambda: ["open"])
        status = security.main()
        return status, "".join(capsys.readouterr())

    return run


@pytest.mark.parametrize("construct", [f"{BUCKET}/Resource", BUCKET, "OpenStack"])
def test_a_scan_passes_if_every_finding_is_acknowledged_on_or_above_its_construct(
    construct: str, scan: Scan
) -> None:
    acknowledged = [(finding, construct) for finding in (NAG, LINT, CHECKOV)]
    status, output = scan(*acknowledged, report=REPORT, linted=LINTED, checked=CHECKED)
    assert status == 0
    assert output.count("1 findings, 0 not acknowledged") == 3


@pytest.mark.parametrize(
    ("outputs", "finding", "text"),
    [
        ({"report": REPORT}, NAG, "The S3 Bucket has server access logs disabled."),
        ({"linted": LINTED}, LINT, "'AccessControl' is a legacy property."),
        ({"checked": CHECKED}, CHECKOV, "Ensure the S3 bucket has versioning enabled"),
    ],
)
def test_an_unacknowledged_finding_fails_with_construct_rule_and_text(
    outputs: dict[str, Json], finding: str, text: str, scan: Scan
) -> None:
    status, output = scan(**outputs)
    assert status == 1
    assert f"\n{BUCKET}\n  {finding}\n  {text}\n" in output
    assert "`acknowledge` in stacks/core/findings.py" in output


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ([], "OpenStack"),
        (["Outputs", "Name"], "OpenStack/Name"),
        (["Resources", "Included"], "OpenStack/Included"),  # a resource of a CfnInclude
    ],
)
def test_a_finding_without_a_construct_belongs_to_the_stack(
    keys: list[str], path: str, scan: Scan
) -> None:
    assert f"\n{path}\n  {LINT}\n" in scan(linted=linted(*keys))[1]
    assert scan((LINT, "OpenStack"), linted=linted(*keys))[0] == 0


@pytest.mark.parametrize("construct", [f"{BUCKET}/Policy", "OpenStack/Buck", "OtherStack"])
def test_an_acknowledgement_on_another_construct_does_not_count(construct: str, scan: Scan) -> None:
    status, output = scan((CHECKOV, construct), checked=CHECKED)
    assert status == 1
    assert f"{construct}: remove the stale acknowledgement of {CHECKOV}\n" in output


def test_findings_are_printed_even_if_a_later_scanner_fails(scan: Scan) -> None:
    status, output = scan(linted=LINTED, checked={"parsing_errors": 2})
    assert status == 1
    assert LINT in output
    assert "checkov cannot read 2 of the 1 templates" in output


def test_a_scanner_reads_no_settings_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "BUILD", tmp_path)
    monkeypatch.setenv("BC_API_KEY", "the user's")
    code = "import json, os; print(json.dumps([os.getcwd(), dict(os.environ)]))"
    folder, environment = json.loads(scans._output(sys.executable, "-c", code))
    assert Path(folder) == scans.SCANNERS
    assert "BC_API_KEY" not in environment
    assert Path(environment["HOME"]) == tmp_path / "home"


def test_a_scanner_that_does_not_print_json_is_an_error_with_its_output() -> None:
    code = "import sys; print('half'); sys.exit('no such option')"
    with pytest.raises(UserError, match=r"python[\d.]* failed:\nhalf\nno such option"):
        scans._output(sys.executable, "-c", code)


def test_checkov_is_installed_from_its_lock_file_in_a_separate_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = Mock(side_effect=[Mock(returncode=0), Mock(returncode=2)])
    monkeypatch.setattr(scans, "BUILD", tmp_path)
    monkeypatch.setattr(subprocess, "run", uv)
    assert scans.install() == tmp_path / "checkov" / "bin" / "checkov"
    command = ["uv", "sync", "--quiet", "--frozen", "--project", str(scans.SCANNERS)]
    assert uv.call_args.args == (command,)
    assert uv.call_args.kwargs["env"]["UV_PROJECT_ENVIRONMENT"] == str(tmp_path / "checkov")
    with pytest.raises(UserError, match=r"uv cannot install checkov from .*uv\.lock"):
        scans.install()
