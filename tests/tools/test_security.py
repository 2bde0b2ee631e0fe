"""The security scan: what counts as a finding, and what it says. The scanners' answers are real."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import scans, security, synth
from tools.console import UserError
from tools.policies import Json

BUCKET = "OpenStack/Bucket"
NAG = "AwsSolutions::AwsSolutions-S1"
LINT = "cfn-lint::W3045"
CHECKOV = "checkov::CKV_AWS_21"
POLICY = "iam-policy-validator::principal_validation[Anyone]"

TEMPLATE: Json = {
    "Resources": {
        "Bucket83908E77": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"AccessControl": "PublicRead"},
            "Metadata": {"aws:cdk:path": f"{BUCKET}/Resource"},
        },
        "BucketPolicyE9A3008A": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "PolicyDocument": {
                    "Statement": [
                        {
                            "Sid": "Anyone",
                            "Action": "s3:GetObject",
                            "Effect": "Allow",
                            "Principal": "*",
                            "Resource": {"Fn::GetAtt": ["Bucket83908E77", "Arn"]},
                        }
                    ]
                }
            },
            "Metadata": {"aws:cdk:path": f"{BUCKET}/Policy/Resource"},
        },
    }
}


def nag_report(*, violated: bool) -> Json:
    found: Json = {
        "ruleName": "AwsSolutions-S1",
        "description": "The S3 Bucket has server access logs disabled.",
        "severity": "error",
        "violatingConstructs": [{"constructPath": f"{BUCKET}/Resource"}],
    }
    # cdk-nag leaves a pack out that found nothing, and a list that is empty.
    plugin: dict[str, Json] = {"pluginName": "AwsSolutions", "violations": [found]}
    if not violated:
        plugin |= {"violations": [], "suppressedViolations": [found]}
    return {"version": "55.0.0", "pluginReports": [plugin]}


LINTED: list[Json] = [
    {
        "Filename": "/assembly/OpenStack.template.json",
        "Level": "Warning",
        "Location": {"Path": ["Resources", "Bucket83908E77", "Properties", "AccessControl"]},
        "Message": "'AccessControl' is a legacy property.",
        "Rule": {"Id": "W3045"},
    }
]
CHECKED: dict[str, Json] = {
    "check_type": "cloudformation",
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
    "summary": {"passed": 8, "failed": 1, "skipped": 0, "parsing_errors": 0, "resource_count": 2},
}
VALIDATED: dict[str, Json] = {
    "total_policies": 1,
    "parsing_errors": [],
    "results": [
        {
            "policy_file": "/tmp/x/0.json",  # noqa: S108 (an answer, nothing is written there)
            "policy_type": "RESOURCE_POLICY",
            "issues": [
                {
                    "severity": "critical",
                    "statement_sid": "Anyone",
                    "check_id": "principal_validation",
                    "message": "`Principal`s ``*`` require at least ONE of these conditions",
                }
            ],
        }
    ],
}

type Scanned = Callable[..., int]


@pytest.fixture
def scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scanned:
    """Examines an environment of which the scanners find, and its constructs accept, this."""

    def examine(
        *accepted: tuple[str, str],
        nag: Json = None,
        synthesizes: bool = True,
        template: Json = TEMPLATE,
        **answers: Json,
    ) -> int:
        def synthesize(name: str, option: str, output: Path) -> None:
            assert (name, option) == ("open", "--context=serverless-checks=true")
            output.mkdir(parents=True)
            metadata: dict[str, list[Json]] = {"/OpenStack": [{"type": "aws:cdk:stack-tags"}]}
            for finding, path in accepted:
                metadata.setdefault(f"/{path}", []).append(
                    {"type": "aws:cdk:acknowledged-rules", "data": {finding: "because"}}
                )
            (output / "OpenStack.template.json").write_text(json.dumps(template))
            (output / "OpenStack.metadata.json").write_text(json.dumps(metadata))
            if nag:
                (output / "validation-report.json").write_text(json.dumps(nag))
            if not synthesizes:
                raise UserError("apps/open/app.py does not synthesize.", 3)

        def answer(command: str | Path, *arguments: str | Path) -> str:
            assert tmp_path / "open" / "OpenStack.template.json" in arguments or (
                "--aws-services-dir" in arguments
            )
            none: dict[str, Json] = {
                "cfn-lint": [],
                "checkov": {"passed": 0, "failed": 0, "parsing_errors": 0},
                "iam-validator": {"total_policies": 1, "parsing_errors": [], "results": []},
            }
            name = Path(command).name
            return json.dumps(answers.get(name.replace("-", "_"), none[name]))

        monkeypatch.setattr(scans, "BUILD", tmp_path)
        monkeypatch.setattr(scans, "installed", lambda package, command=None: command or package)
        monkeypatch.setattr(scans, "answer", answer)
        monkeypatch.setattr(synth, "synthesize", synthesize)
        monkeypatch.setattr(security, "environments", lambda: ["open"])
        return security.main()

    return examine


def test_a_scan_that_finds_nothing_passes(
    scanned: Scanned, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scanned() == 0
    said = "".join(capsys.readouterr())
    for line in (
        "cdk-nag: AwsSolutions, NIST 800-53 r5, Serverless; 0 accepted, 0 unexplained (",
        "cfn-lint: 1 templates; 0 accepted, 0 unexplained (",
        "checkov: 0 checks passed; 0 accepted, 0 unexplained (",
        "iam-policy-validator: 1 policies; 0 accepted, 0 unexplained (",
    ):
        assert line in said


def test_a_scan_whose_findings_are_accepted_passes(
    scanned: Scanned, capsys: pytest.CaptureFixture[str]
) -> None:
    accepted = (
        (NAG, BUCKET),
        (CHECKOV, BUCKET),
        (POLICY, "OpenStack"),
        (LINT, f"{BUCKET}/Resource"),
    )
    found = {"cfn_lint": LINTED, "checkov": CHECKED, "iam_validator": VALIDATED}
    assert scanned(*accepted, nag=nag_report(violated=False), **found) == 0
    said = "".join(capsys.readouterr())
    assert said.count("1 accepted, 0 unexplained") == 4
    assert "8 checks passed" in said


@pytest.mark.parametrize(
    ("answers", "finding", "path", "text"),
    [
        (
            {"nag": nag_report(violated=True), "synthesizes": False},
            NAG,
            f"{BUCKET}/Resource",
            "The S3 Bucket has server access logs disabled.",
        ),
        ({"cfn_lint": LINTED}, LINT, f"{BUCKET}/Resource", "'AccessControl' is a legacy property."),
        ({"checkov": CHECKED}, CHECKOV, f"{BUCKET}/Resource", "versioning enabled"),
        ({"iam_validator": VALIDATED}, POLICY, f"{BUCKET}/Policy/Resource", "`Principal`s ``*``"),
    ],
)
def test_a_finding_that_nobody_accepts_fails_and_says_what_and_where(
    answers: dict[str, Json],
    finding: str,
    path: str,
    text: str,
    scanned: Scanned,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert scanned(**answers) == 1
    said = "".join(capsys.readouterr())
    assert f"\n{path}\n  {finding}\n  " in said
    assert text in said
    assert "1 to put right" in said


def test_a_finding_outside_of_the_resources_is_one_of_the_stack(
    scanned: Scanned, capsys: pytest.CaptureFixture[str]
) -> None:
    [match] = LINTED
    assert isinstance(match, dict)
    assert scanned(cfn_lint=[match | {"Location": {"Path": ["Outputs", "Name", 0]}}]) == 1
    assert f"\nOpenStack\n  {LINT}" in "".join(capsys.readouterr())


def test_a_policy_without_a_sid_is_accepted_without_one(scanned: Scanned) -> None:
    issue = {"statement_sid": None, "check_id": "policy_structure", "message": "No."}
    result = {"policy_file": "0.json", "issues": [issue]}
    answer = VALIDATED | {"results": [result]}
    assert scanned(("iam-policy-validator::policy_structure", BUCKET), iam_validator=answer) == 0


@pytest.mark.parametrize("place", [f"{BUCKET}/Policy", "OpenStack/Buck", "OtherStack"])
def test_accepting_elsewhere_accepts_nothing(place: str, scanned: Scanned) -> None:
    assert scanned((CHECKOV, place), checkov=CHECKED) == 1


def test_what_is_accepted_and_not_found_any_more_fails(
    scanned: Scanned, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scanned((CHECKOV, BUCKET), ("checkov::CKV_AWS_18", BUCKET), checkov=CHECKED) == 1
    said = "".join(capsys.readouterr())
    assert f"{BUCKET}\n  accepts checkov::CKV_AWS_18, which nothing finds there any more" in said
    assert CHECKOV not in said


def test_an_environment_that_does_not_synthesize_for_another_reason_is_an_error(
    scanned: Scanned, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scanned(synthesizes=False) == 3
    assert "apps/open/app.py does not synthesize" in "".join(capsys.readouterr())
    assert scanned(synthesizes=False, nag=nag_report(violated=False)) == 3


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        (
            {"checkov": {"passed": 0, "parsing_errors": 2}},
            "checkov cannot read 2 of the templates",
        ),
        (
            {"iam_validator": VALIDATED | {"total_policies": 0}},
            "iam-policy-validator cannot read all 1 policies",
        ),
        (
            {"iam_validator": VALIDATED | {"parsing_errors": [["0.json", "No list"]]}},
            f"iam-policy-validator cannot read all 1 policies.\n{BUCKET}/Policy/Resource: No list",
        ),
        (
            {"template": {"Resources": {"R": {"Statement": {"Fn::Sub": "x"}}}}},
            "iam-policy-validator cannot run: A policy holds {'Fn::Sub': 'x'}",
        ),
    ],
)
def test_a_scanner_that_does_not_see_everything_fails_by_name(
    answers: dict[str, Json], error: str, scanned: Scanned, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scanned(**answers) == 1
    assert error in "".join(capsys.readouterr())


def test_what_a_scanner_found_is_said_though_a_later_one_cannot_run(
    scanned: Scanned, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scanned(checkov=CHECKED, iam_validator=VALIDATED | {"total_policies": 0}) == 1
    assert f"\n{BUCKET}/Resource\n  {CHECKOV}\n  " in "".join(capsys.readouterr())


def test_a_scanner_is_asked_in_a_place_without_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "BUILD", tmp_path)
    monkeypatch.setenv("BC_API_KEY", "the person's")
    code = "import json, os; print(json.dumps([os.getcwd(), dict(os.environ)]))"
    place, environment = json.loads(scans.answer(sys.executable, "-c", code))
    assert Path(place) == tmp_path
    assert "BC_API_KEY" not in environment
    assert Path(environment["HOME"]) == tmp_path / "home"


def test_a_scanner_that_does_not_answer_with_json_has_not_run() -> None:
    code = "import sys; print('half'); sys.exit('no such option')"
    with pytest.raises(UserError, match=r"python[\d.]* cannot run:\nhalf\nno such option"):
        scans.answer(sys.executable, "-c", code)


def test_a_scanner_is_installed_beside_the_project_as_its_lock_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = []

    def uv(
        command: list[str], env: dict[str, str], check: bool
    ) -> subprocess.CompletedProcess[str]:
        commands.append((command, env["UV_PROJECT_ENVIRONMENT"], "VIRTUAL_ENV" in env, check))
        return subprocess.CompletedProcess(command, len(commands) - 1)

    monkeypatch.setattr(scans, "BUILD", tmp_path)
    monkeypatch.setenv("VIRTUAL_ENV", "the project's")
    monkeypatch.setattr(subprocess, "run", uv)
    place = tmp_path / "scanners" / "checkov"
    assert scans.installed("checkov") == place / "bin" / "checkov"
    options = ("--project", scans.SCANNERS, "--locked", "--only-group", "checkov")
    assert commands == [(["uv", "sync", "--quiet", *options], str(place), False, False)]
    with pytest.raises(UserError, match=r"iam-policy-validator cannot be installed .*uv\.lock"):
        scans.installed("iam-policy-validator", "iam-validator")
