"""All scanners' findings are listed together, without those that their constructs acknowledge."""

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest

from tools.cdk_cli import synth
from tools.cdk_cli.assembly import Json
from tools.errors import UserError
from tools.project import ROOT
from tools.security import __main__ as security
from tools.security import scans
from tools.security.scans import Finding, ScannedAssembly

BUCKET = "OpenStack/Bucket"
LINE = "stacks/open/stack.py:7"
NAG = Finding("AwsSolutions::AwsSolutions-S1", BUCKET, "Server access logs are disabled.")
LINT = Finding("cfn-lint::W3045", BUCKET, "")
CHECKOV = Finding("checkov::CKV_AWS_21", BUCKET, "Ensure the bucket has versioning enabled")
RESOURCE: dict[str, Json] = {
    "Type": "AWS::S3::Bucket",
    "Properties": {"AccessControl": "Private"},  # W3045: a legacy property
    "Metadata": {"aws:cdk:path": f"{BUCKET}/Resource"},
    "DeletionPolicy": "Retain",
    "UpdateReplacePolicy": "Retain",
}
# The trace that the CDK records for a construct.
CREATED = ["...aws-cdk-lib, jsii runtime...", f"__init__ ({ROOT}/{LINE})"]
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


def violation(id: str = "AwsSolutions-S1", **more: Json) -> Json:
    construct: Json = {"constructPath": f"{BUCKET}/Resource"}
    return {"ruleName": id, "description": NAG.text, "violatingConstructs": [construct], **more}


def report(folder: Path, name: str, conclusion: str, **content: Json) -> None:
    """Write a validation report."""
    plugin = {"pluginName": name, "conclusion": conclusion, "violations": [], **content}
    (folder / "validation-report.json").write_text(json.dumps({"pluginReports": [plugin]}))


def write(folder: Path, *acknowledged: tuple[str, str], template: Json = None) -> ScannedAssembly:
    """A cloud assembly with a finding of each scanner, and these acknowledgements."""
    metadata: dict[str, list[Json]] = {
        "/OpenStack": [{"type": "aws:cdk:stack-tags"}],
        f"/{BUCKET}/Resource": [{"type": "aws:cdk:creationStack", "data": CREATED}],
    }
    for id, path in acknowledged:
        entry: Json = {"type": "aws:cdk:acknowledged-rules", "data": {id: "Because."}}
        metadata.setdefault(f"/{path}", []).append(entry)
    content = template or {"Resources": {"Bucket83908E77": RESOURCE}}
    (folder / "OpenStack.template.json").write_text(json.dumps(content))
    (folder / "OpenStack.metadata.json").write_text(json.dumps(metadata))
    report(folder, "AwsSolutions", "success", suppressedViolations=[violation()])
    return ScannedAssembly(folder)


@pytest.fixture(autouse=True)
def run_checkov(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Replace uv, which installs checkov, and checkov."""
    done = Mock(return_value=Mock(returncode=0, stdout=json.dumps(CHECKED), stderr=""))
    monkeypatch.setattr(subprocess, "run", done)
    return done


@pytest.fixture(autouse=True, scope="module")
def configuration_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Load cfn-lint once, where the user has a configuration file for it."""
    home = tmp_path_factory.mktemp("home")
    (home / ".cfnlintrc").write_text("merge_configs: true\nignore_checks: [W3045]")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        scans.load_cfn_lint()


Scan = Callable[..., tuple[int, str]]


@pytest.fixture
def scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Scan:
    """Scan an app with these acknowledgements; return the exit status and the output."""
    synthesized = Mock(return_value={"open": tmp_path})
    monkeypatch.setattr(synth, "synthesize_all", synthesized)
    monkeypatch.setattr(security, "environments", lambda: ["open"])

    def run(
        *acknowledged: tuple[str, str], options: Sequence[str] = ("--all-scanners",)
    ) -> tuple[int, str]:
        write(tmp_path, *acknowledged)
        status = security.main(options)
        more = {"serverless-checks": True} if options else {}
        synthesized.assert_called_with(["open"], context={**synth.REPORT_FINDINGS, **more})
        return status, "".join(capsys.readouterr())

    return run


def test_the_findings_of_all_scanners_are_printed_with_their_lines_and_ids(scan: Scan) -> None:
    status, output = scan()
    assert status == 1
    assert output.count(f"\n\n{BUCKET} ({LINE})\n  ") == 3
    for finding in (NAG, LINT, CHECKOV):
        assert f"\n  {finding.id}\n  {finding.text}" in output
    assert "`acknowledge` in stacks/core/findings.py" in output
    assert output.endswith("Acknowledged findings in open:\n")


def test_a_synthesis_lists_all_but_the_findings_of_checkov(scan: Scan) -> None:
    status, output = scan((NAG.id, "OpenStack"), (LINT.id, "Gone"), options=())
    assert status == 1
    assert output.count(f"{BUCKET} (") == output.count(LINT.id) == 1
    status, output = scan((NAG.id, "OpenStack"), (LINT.id, BUCKET), (LINT.id, "Gone"), options=())
    assert (status, output) == (0, "Synthesizing open …\nopen: OpenStack.template.json\n")


def test_acknowledged_findings_end_the_report_and_an_acknowledgement_of_nothing_fails(
    scan: Scan,
) -> None:
    known = [(finding.id, BUCKET) for finding in (NAG, LINT, CHECKOV)]
    known += [("Annotation::@aws-cdk/aws-ec2:rule", BUCKET), ("CloudFormation-Validate::A", BUCKET)]
    status, output = scan(*known)
    assert status == 0
    ids = f"{NAG.id}\n  {LINT.id}\n  {CHECKOV.id}"
    assert output.endswith(f"\nAcknowledged findings in open:\n\n{BUCKET}\n  Because.\n  {ids}\n")
    status, output = scan(*known, (NAG.id, f"{BUCKET}/Other"))
    assert status == 1
    assert output.count("stale acknowledgement") == 1
    assert f"\n{BUCKET}/Other ({LINE})\n  {NAG.id}\n  No scanner finds this" in output


@pytest.mark.parametrize(
    ("plugin", "rule", "id"),
    [
        ("AwsSolutions", "AwsSolutions-S1", NAG.id),
        ("Construct Annotations", "Annotation::A", "Annotation::A"),
        ("CloudFormation Validate", "F1", "CloudFormation-Validate::F1"),
        ("N", "S1[A::b]", "N::S1[A::b]"),
    ],
)
def test_a_finding_of_the_report_has_the_id_that_the_cdk_acknowledges(
    plugin: str, rule: str, id: str, tmp_path: Path
) -> None:
    assembly = write(tmp_path)
    text = "A - (Control IDs: B (c), D)."
    found = violation(rule, description=text, suggestedFix="Remove it.")
    report(tmp_path, plugin, "failure", violations=[found])
    assert list(scans.cdk_nag(assembly)) == [Finding(id, BUCKET, "A. Remove it.")]


def test_a_validation_that_did_not_run_is_an_error(tmp_path: Path) -> None:
    assembly = write(tmp_path)
    report(tmp_path, "Names", "failure", metadata={"error": "'Names' failed: no file"})
    with pytest.raises(UserError, match="'Names' failed: no file"):
        list(scans.cdk_nag(assembly))
    (tmp_path / "validation-report.json").unlink()
    with pytest.raises(UserError, match="build the app with `new_app`"):
        list(scans.cdk_nag(assembly))


def test_a_construct_without_a_line_has_the_line_of_its_parent(tmp_path: Path) -> None:
    assembly = write(tmp_path)
    child = Finding("A::B", f"{BUCKET}/Policy/Rule", "C")
    assert assembly.describe(child) == f"{child.path} ({LINE})\n  A::B\n  C"
    assert assembly.describe(Finding("A::B", "OpenStack", "C")) == "OpenStack\n  A::B\n  C"


@pytest.mark.parametrize("path", [f"{BUCKET}/Resource", BUCKET, "OpenStack"])
def test_an_acknowledgement_counts_on_and_above_the_construct(path: str, tmp_path: Path) -> None:
    assembly = write(tmp_path, (NAG.id, path))
    assert assembly.acknowledgement(NAG)
    assert not assembly.acknowledgement(LINT)


@pytest.mark.parametrize("path", [f"{BUCKET}/Policy", "OpenStack/Buck", "OtherStack"])
def test_an_acknowledgement_elsewhere_does_not_count(path: str, tmp_path: Path) -> None:
    assert not write(tmp_path, (NAG.id, path)).acknowledgement(NAG)


OUTPUT: Json = {"Resources": {}, "Outputs": {"Name": {"Value": {"Ref": "A"}}}}


@pytest.mark.parametrize(
    ("template", "id", "path"),
    [
        (None, "W3045", BUCKET),
        (OUTPUT, "E6101", "OpenStack/Name"),
        ({"Resources": {}, "Colour": "red"}, "E1001", "OpenStack"),
    ],
)
def test_cfn_lint_finds_faults_of_resources_outputs_and_the_whole_template(
    template: Json, id: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "mars")  # the user's
    (found,) = scans.cfn_lint(write(tmp_path, template=template))
    assert found[:2] == (f"cfn-lint::{id}", path)


def test_checkov_runs_without_the_settings_of_the_user(
    run_checkov: Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BC_API_KEY", "the user's")
    assert list(scans.checkov(write(tmp_path))) == [CHECKOV]
    environment = run_checkov.call_args.kwargs["env"]
    assert "BC_API_KEY" not in environment
    assert environment["HOME"] == str(scans.BUILD)


def test_checkov_may_find_no_check_but_must_read_every_template(
    run_checkov: Mock, tmp_path: Path
) -> None:
    # If no check applies to a resource, checkov prints only the summary.
    run_checkov.return_value.stdout = json.dumps({"parsing_errors": 0})
    assert list(scans.checkov(write(tmp_path))) == []
    run_checkov.return_value.stdout = json.dumps({"parsing_errors": 2})
    with pytest.raises(UserError, match="checkov cannot read 2 of the 1 templates"):
        list(scans.checkov(write(tmp_path)))


@pytest.mark.parametrize(
    ("statuses", "message"), [([2], r"uv cannot install checkov.*uv\.lock"), ([0, 2], "no option")]
)
def test_a_checkov_that_does_not_run_is_an_error(
    run_checkov: Mock, tmp_path: Path, statuses: list[int], message: str
) -> None:
    run_checkov.side_effect = [
        Mock(returncode=status, stdout="", stderr="no option") for status in statuses
    ]
    with pytest.raises(UserError, match=message):
        list(scans.checkov(write(tmp_path)))
