"""The settings in cdk.json, and the CDK CLI version."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from stacks.core.app import CLI_CONTEXT
from tests.tools.quick_app import quick_app
from tools.cdk_cli import cdk
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.project import ROOT

CDK_JSON = json.loads((ROOT / "cdk.json").read_text())


def test_every_flag_that_the_cli_recommends_is_set_explicitly() -> None:
    cdk.command()  # installs the CLI if it is missing
    file = cdk.CLI / "lib" / "init-templates" / ".recommended-feature-flags.json"
    assert json.loads(file.read_text()).keys() <= CDK_JSON["context"].keys()


def test_an_app_without_the_cli_has_the_context_that_the_cli_adds(tmp_path: Path) -> None:
    code = "(folder / 'context').write_text(os.environ['CDK_CONTEXT_JSON'])"
    (tmp_path / "app.py").write_text(f"{quick_app('dev')}\n{code}")
    app = f"{sys.executable} {tmp_path}/app.py"
    subprocess.run(
        cdk.command("synth", "--quiet", "--app", app, "--output", str(tmp_path / "out")),
        cwd=ROOT,
        env={**os.environ, **cdk.CACHE, "HOME": str(tmp_path)},  # without the user's ~/.cdk.json
        check=True,
    )
    changing_no_template = {
        "@aws-cdk/core:failSynthOnValidationErrors": False,
        "aws:cdk:bundling-stacks": ["**"],
        "aws:cdk:disable-version-reporting": True,
    }
    context = json.loads((tmp_path / "out" / "context").read_text())
    assert context == {**CDK_JSON["context"], **CLI_CONTEXT, **changing_no_template}


def test_references_between_stacks_are_strong() -> None:
    # With strong references, CloudFormation refuses to delete an imported resource.
    assert CDK_JSON["context"]["@aws-cdk/core:defaultCrossStackReferences"] == "strong"


def test_the_cli_runs_the_default_environment_through_uv_without_telemetry() -> None:
    assert CDK_JSON["app"] == f"uv run --frozen apps/{DEFAULT_ENVIRONMENT}/app.py"
    assert CDK_JSON["output"] == "cdk.out"
    assert CDK_JSON["versionReporting"] is False


def test_tags_in_the_cli_settings_of_the_user_do_not_replace_the_tags_of_stacks() -> None:
    assert CDK_JSON["tags"] == []


def test_the_cli_is_pinned_to_an_exact_2_x_version_with_its_url_and_hash() -> None:
    # aws-cdk 3.0.0 on npm cannot read the library's assemblies (docs/traps.md).
    pin = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    assert re.fullmatch(r"2\.\d+\.\d+", pin)
    lock = json.loads((ROOT / "package-lock.json").read_text())
    locked = lock["packages"]["node_modules/aws-cdk"]
    assert locked["version"] == pin
    assert locked["integrity"].startswith("sha512-")
    # Without URLs, npm asks the registry, and fails with the user's setting `min-release-age`.
    assert all("resolved" in package for path, package in lock["packages"].items() if path)
