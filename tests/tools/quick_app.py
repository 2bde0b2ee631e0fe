"""A CDK app that synthesizes at once, for tests of the commands that run apps."""

_QUICK_APP = """
import json, os, pathlib
folder = pathlib.Path(os.environ["CDK_OUTDIR"])
folder.mkdir(parents=True, exist_ok=True)
template = {"Resources": {"One": {"Type": "AWS::SNS::Topic"}}}
(folder / "One.template.json").write_text(json.dumps(template))
report = {"version": "55.0.0", "title": "Validation Report", "pluginReports": []}
(folder / "validation-report.json").write_text(json.dumps(report))
(folder / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {"One": {
    "type": "aws:cloudformation:stack",
    "environment": "aws://unknown-account/us-east-1",
    "properties": {"templateFile": "One.template.json", "tags": {"Environment": "NAME"}},
}}}))
"""


def quick_app(environment: str) -> str:
    """An app that writes a cloud assembly without aws_cdk, because its import takes seconds."""
    return _QUICK_APP.replace("NAME", environment)
