"""The settings of cdk.json."""

import json

from tools import cdk
from tools.project import ROOT
from tools.synth import DEFAULT_ENVIRONMENT

CDK_JSON = json.loads((ROOT / "cdk.json").read_text())


def test_every_flag_that_the_cli_recommends_is_set_explicitly() -> None:
    cdk.command()  # installs the CLI if it is missing
    file = cdk.CLI / "lib" / "init-templates" / ".recommended-feature-flags.json"
    recommended = json.loads(file.read_text())
    # With strong references, CloudFormation refuses to delete an imported resource.
    recommended["@aws-cdk/core:defaultCrossStackReferences"] = "strong"
    assert CDK_JSON["context"] == recommended


def test_the_cli_runs_the_default_environment_through_uv_without_telemetry() -> None:
    assert CDK_JSON["app"] == f"uv run --frozen apps/{DEFAULT_ENVIRONMENT}/app.py"
    assert CDK_JSON["output"] == "cdk.out"
    assert CDK_JSON["versionReporting"] is False
