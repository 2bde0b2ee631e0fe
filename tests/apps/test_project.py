"""The settings of cdk.json, and versions that must match."""

import json
import re

from aws_cdk.cloud_assembly_schema import Manifest

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


def test_the_cli_is_pinned_to_an_exact_2_x_version_without_a_registry() -> None:
    pin = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    assert re.fullmatch(r"2\.\d+\.\d+", pin)
    lock = (ROOT / "package-lock.json").read_text()
    locked = json.loads(lock)["packages"]["node_modules/aws-cdk"]
    assert locked["version"] == pin
    assert locked["integrity"].startswith("sha512-")
    assert "resolved" not in lock


def test_the_cli_can_read_the_assemblies_of_the_library() -> None:
    cdk.command()
    bundle = (cdk.CLI / "lib" / "index.js").read_text()
    found = re.search(r"schema/version\.json.*?revision: (\d+)", bundle, re.DOTALL)
    assert found, "The regular expression finds no schema version in the CLI's bundle. Correct it."
    written = int(Manifest.version().split(".")[0])
    assert int(found[1]) >= written, "Update aws-cdk in package.json together with aws-cdk-lib."
