"""The security scan, with recorded scanner output."""

import json
import subprocess
import sys
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
NAG = Finding("AwsSolutions::AwsSolutions-S1", BUCKET, "Server access logs are disabled.", LINE)
LINT = Finding("cfn-lint::W3045", BUCKET, "'AccessControl' is a legacy property.", LINE)
CHECKOV = Finding("checkov::CKV_AWS_21", BUCKET, "Ensure the bucket has versioning enabled", LINE)
FINDINGS = (NAG, LINT, CHECKOV)
TEMPLATE: Json = {
    "Resources": {"Bucket83908E77": {"Metadata": {"aws:cdk:path": f"{BUCKET}/Resource"}}}
}
# The traces that the CDK records for a construct, and for a call to `acknowledge`.
CREATED = ["...aws-cdk-lib, jsii runtime...", f"__init__ ({ROOT}/{LINE})"]
CALLED = [f"acknowledge ({scans.FINDINGS_MODULE}:33)", f"__init__ ({ROOT}/stacks/open/stack.py:9)"]


def violation(rule: str = "AwsSolutions-S1", **more: Json) -> dict[str, Json]:
    construct: Json = {"constructPath": f"{BUCKET}/Resource"}
    found = {"ruleName": rule, "description": NAG.text, "violatingConstructs": [construct]}
    return {**found, **more}


def report(*plugins: tuple[str, str, dict[str, Json]]) -> Json:
    """A validation report with each plugin's name, conclusion and findings."""
    return {
        "pluginReports": [
            {"pluginName": name, "conclusion": conclusion, "violations": [], **content}
            for name, conclusion, content in plugins
        ]
    }


# cdk-nag omits an empty list of suppressed violations.
REPORT = report(
    ("AwsSolutions", "success", {"suppressedViolations": [violation()]}),
    ("Serverless", "success", {}),
)
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


def write(
    folder: Path, *acknowledged: tuple[str, str], trace: Sequence[str] = CALLED
) -> ScannedAssembly:
    """A cloud assembly with a cdk-nag finding, and these acknowledgements."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata: dict[str, list[Json]] = {
        "/OpenStack": [{"type": "aws:cdk:stack-tags"}],
        f"/{BUCKET}/Resource": [{"type": "aws:cdk:creationStack", "data": CREATED}],
    }
    for finding, path in acknowledged:
        data: Json = {finding: "Because."}
        rule: Json = {"type": "aws:cdk:acknowledged-rules", "data": data, "trace": trace}
        metadata.setdefault(f"/{path}", []).append(rule)
    (folder / "OpenStack.template.json").write_text(json.dumps(TEMPLATE))
    (folder / "OpenStack.metadata.json").write_text(json.dumps(metadata))
    (folder / "validation-report.json").write_text(json.dumps(REPORT))
    return ScannedAssembly(folder)


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Json]:
    """Each scanner's output, for a test to change."""
    found = {"cfn-lint": linted("Resources", "Bucket83908E77"), "checkov": CHECKED}

    def output(name: str, process: list[str | Path], text: str = "") -> str:
        assert "OpenStack.template.json" in f"{process[-1]} {text}"
        return json.dumps(found[name])

    monkeypatch.setattr(scans, "BUILD", tmp_path / "build")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: Mock(returncode=0))  # uv
    monkeypatch.setattr(scans, "_start", lambda *command: command)
    monkeypatch.setattr(scans, "_output", output)
    return found


@pytest.mark.parametrize(
    ("keys", "path"), [([], "OpenStack"), (["Outputs", "Name"], "OpenStack/Name")]
)
def test_a_finding_without_a_construct_belongs_to_the_stack(
    keys: list[str], path: str, tmp_path: Path, outputs: dict[str, Json]
) -> None:
    outputs["cfn-lint"] = linted(*keys)
    assert list(scans.cfn_lint(write(tmp_path))) == [LINT._replace(path=path, line="")]


@pytest.mark.parametrize(
    ("path", "line"), [(BUCKET, LINE), (f"{BUCKET}/Policy/Rule", LINE), ("OpenStack", ""), ("", "")]
)
def test_a_construct_without_a_line_has_the_line_of_its_parent(
    path: str, line: str, tmp_path: Path
) -> None:
    assert write(tmp_path).line(path) == line


def test_a_finding_is_printed_with_its_construct_line_id_and_text() -> None:
    assert str(NAG) == f"{BUCKET} ({LINE})\n  {NAG.id}\n  {NAG.text}"
    assert str(NAG._replace(line="")) == f"{BUCKET}\n  {NAG.id}\n  {NAG.text}"


@pytest.mark.parametrize(
    ("plugin", "found", "finding"),
    [
        ("AwsSolutions", violation(), NAG),
        ("Construct Annotations", violation("Annotation::A"), NAG._replace(id="Annotation::A")),
        (
            "CloudFormation Validate",
            violation("F1", suggestedFix="Remove it."),
            NAG._replace(id="CloudFormation-Validate::F1", text=f"{NAG.text} Remove it."),
        ),
        (
            "AwsSolutions",
            violation("AwsSolutions-IAM5[Resource::*]"),
            NAG._replace(id="AwsSolutions::AwsSolutions-IAM5[Resource::*]"),
        ),
        ("AwsSolutions", violation(description=f"{NAG.text} - (Control IDs: A (b), C)."), None),
    ],
)
def test_a_finding_of_the_report_has_the_id_that_the_cdk_acknowledges(
    plugin: str, found: dict[str, Json], finding: Finding | None, tmp_path: Path
) -> None:
    assembly = write(tmp_path)
    reported = report((plugin, "failure", {"violations": [found]}))
    (tmp_path / "validation-report.json").write_text(json.dumps(reported))
    expected = finding or NAG._replace(text=f"{NAG.text}.")
    assert list(scans.cdk_nag(assembly, warnings=False)) == [expected]


def test_warnings_do_not_fail_a_synthesis(tmp_path: Path) -> None:
    assembly = write(tmp_path)
    reported = report(("AwsSolutions", "success", {"violations": [violation()]}))
    (tmp_path / "validation-report.json").write_text(json.dumps(reported))
    assert list(scans.cdk_nag(assembly)) == [NAG]
    assert list(scans.cdk_nag(assembly, warnings=False)) == []


def test_rules_that_fail_themselves_are_an_error(tmp_path: Path) -> None:
    assembly = write(tmp_path)
    reported = report(("Names", "failure", {"metadata": {"error": "'Names' failed: no file"}}))
    (tmp_path / "validation-report.json").write_text(json.dumps(reported))
    with pytest.raises(UserError, match="'Names' failed: no file"):
        list(scans.cdk_nag(assembly))


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


@pytest.fixture
def scan(
    outputs: dict[str, Json],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str]]:
    """Scan an app with these acknowledgements; return the exit status and the output."""
    assert outputs

    def run(*acknowledged: tuple[str, str], trace: Sequence[str] = CALLED) -> tuple[int, str]:
        def synthesize(name: str, *, output: Path, context: dict[str, bool]) -> None:
            assert name == "open"
            assert context == synth.REPORT_FINDINGS | {"serverless-checks": True}
            write(output, *acknowledged, trace=trace)

        monkeypatch.setattr(synth, "synthesize", synthesize)
        monkeypatch.setattr(security, "environments", lambda: ["open"])
        return security.main([]), "".join(capsys.readouterr())

    return run


def test_the_findings_of_all_scanners_are_printed_with_their_ids(
    scan: Callable[..., tuple[int, str]],
) -> None:
    status, output = scan()
    assert status == 1
    assert output.count("1 findings, 1 not acknowledged") == 3
    for finding in FINDINGS:
        assert f"\n\n{finding}\n" in output
    assert "`acknowledge` in stacks/core/findings.py" in output
    assert output.endswith("Acknowledged findings in open:\n\n")


def test_the_report_ends_with_the_acknowledged_findings_and_their_reasons(
    scan: Callable[..., tuple[int, str]],
) -> None:
    status, output = scan((NAG.id, BUCKET), (LINT.id, BUCKET), (CHECKOV.id, "OpenStack"))
    assert status == 0
    assert output.count("1 findings, 0 not acknowledged") == 3
    assert output.endswith(
        "\nAcknowledged findings in open:\n"
        f"\nOpenStack\n  Because.\n  {CHECKOV.id}\n"
        f"\n{BUCKET}\n  Because.\n  {NAG.id}\n  {LINT.id}\n\n"
    )


def test_an_acknowledgement_without_a_finding_fails_unless_the_cdk_wrote_it(
    scan: Callable[..., tuple[int, str]],
) -> None:
    acknowledged = [(finding.id, BUCKET) for finding in FINDINGS]
    annotation = ("Annotation::@aws-cdk/aws-ec2:rule", "Other")
    assert scan(*acknowledged, (NAG.id, "Other"), annotation, trace=CREATED)[0] == 0
    status, output = scan(*acknowledged, (NAG.id, "Other"), annotation)
    assert status == 1
    where = "Other (stacks/open/stack.py:9)"
    assert f"\n{where}: remove the stale acknowledgement of {NAG.id}\n" in output
    assert output.count("remove the stale") == 1
    # Without a stack's line, for example in an interactive session.
    status, output = scan(*acknowledged, (NAG.id, "Other"), trace=CALLED[:1])
    assert f"Other ({scans.FINDINGS_MODULE}): remove" in output


def test_checkov_may_find_no_check_but_must_read_every_template(
    scan: Callable[..., tuple[int, str]], outputs: dict[str, Json]
) -> None:
    outputs["checkov"] = NOTHING_CHECKED
    assert "checkov: 0 findings" in scan()[1]
    outputs["checkov"] = {"parsing_errors": 2}
    status, output = scan()
    assert status == 1
    assert "checkov cannot read 2 of the 1 templates" in output


def test_only_the_named_apps_are_scanned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scanned = []

    def examine(name: str) -> int:
        scanned.append(name)
        return 2

    monkeypatch.setattr(security, "examine", examine)
    monkeypatch.setattr(synth, "apps", lambda: {"storage": Path(), "dev": Path()})
    assert security.main(["storage", "dev"]) == 1
    assert scanned == ["storage", "dev"]
    with pytest.raises(SystemExit, match="2"):
        security.main(["storge"])
    output = capsys.readouterr().err
    assert "domain or environment 'storge' not found; known: storage, dev" in output
    assert "nox -s security --" in output
    assert scanned == ["storage", "dev"]


def test_a_scanner_reads_no_settings_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "BUILD", tmp_path)
    monkeypatch.setenv("BC_API_KEY", "the user's")
    code = "import json, os; print(json.dumps([os.getcwd(), dict(os.environ)])); exit(1)"
    process = scans._start(sys.executable, "-c", code)
    folder, environment = json.loads(scans._output("any", process))
    assert Path(folder) == scans.SCANNERS
    assert "BC_API_KEY" not in environment
    assert Path(environment["HOME"]) == tmp_path / "home"


def test_a_scanner_that_does_not_print_json_is_an_error_with_its_output() -> None:
    code = "import sys; print('half'); sys.exit('no such option')"
    process = scans._start(sys.executable, "-c", code)
    with pytest.raises(UserError, match=r"any failed:\nhalf\nno such option"):
        scans._output("any", process)


def test_a_failed_installation_of_checkov_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: Mock(returncode=2))
    with pytest.raises(UserError, match=r"uv cannot install checkov from .*uv\.lock"):
        scans.install()
