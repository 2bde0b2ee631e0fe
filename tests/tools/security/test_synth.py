"""`nox -s synth` lints the templates, and prints all findings in one list."""

import json
from pathlib import Path

import pytest

from tools.cdk_cli.assembly import Json
from tools.cdk_cli.synth import REPORT_FINDINGS
from tools.security import synth


def test_findings_fail_together_unless_their_construct_acknowledges_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = {
        name: {
            "Type": "AWS::SNS::Topic",
            "Properties": {"Colour": "red"},
            "Metadata": {"aws:cdk:path": f"One/{name}/Resource"},
        }
        for name in ("Known", "New")
    }
    (tmp_path / "One.template.json").write_text(json.dumps({"Resources": topics}))
    reasons = {"cfn-lint::E3002": "because", "Names::TableName": "because"}
    acknowledged = {"type": "aws:cdk:acknowledged-rules", "data": reasons}
    (tmp_path / "One.metadata.json").write_text(json.dumps({"/One/Known": [acknowledged]}))

    def found(rule: str, *names: str) -> Json:
        constructs = [{"constructPath": f"One/{name}/Resource"} for name in names]
        return {"ruleName": rule, "description": "A fault.", "violatingConstructs": constructs}

    plugins = [
        ("Names", "failure", found("TableName", "Known", "New")),
        ("Warnings", "success", found("Rule", "New")),
    ]
    report = [
        {"pluginName": name, "conclusion": conclusion, "violations": [violation]}
        for name, conclusion, violation in plugins
    ]
    file = tmp_path / "validation-report.json"
    file.write_text(json.dumps({"pluginReports": report}))

    def synthesize(names: list[str], *, context: dict[str, bool]) -> dict[str, Path]:
        assert context == REPORT_FINDINGS
        return dict.fromkeys(names, tmp_path)

    monkeypatch.setattr(synth, "synthesize_all", synthesize)
    assert synth.main(["one"]) == 1
    output = capsys.readouterr().err
    assert output.startswith(
        "One/New\n  Names::TableName\n  A fault.\n\nOne/New\n  cfn-lint::E3002\n"
    )
    assert output.count("One/") == 2
    assert "`acknowledge` in stacks/core/findings.py" in output
    (tmp_path / "One.metadata.json").write_text(json.dumps({"/One": [acknowledged]}))
    assert synth.main(["one"]) == 0
    assert capsys.readouterr().out.endswith("one: One.template.json\n")
    file.unlink()
    assert synth.main(["one"]) == 1
    assert "build the app with `new_app`" in capsys.readouterr().err
