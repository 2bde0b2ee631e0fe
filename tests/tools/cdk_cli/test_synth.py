"""Apps are synthesized without the user's settings, and only into usable assemblies."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.quick_app import quick_app
from tools import project
from tools.cdk_cli import cdk, synth
from tools.cdk_cli.assembly import Json
from tools.errors import UserError
from tools.project import ROOT

# An app with an error on a resource that has an asset.
ANNOTATED = """
import aws_cdk as cdk
from aws_cdk import aws_s3_assets as assets
from stacks.core.app import new_app

app = new_app(validate=False)
stack = cdk.Stack(app, "One")
topic = cdk.CfnResource(stack, "Topic", type="AWS::SNS::Topic")
assets.Asset(stack, "Asset", path=__file__).add_resource_metadata(topic, "DisplayName")
cdk.Annotations.of(topic).add_error("careful")
app.synth()
"""


def test_every_domain_and_every_environment_is_an_app_with_its_own_assembly() -> None:
    assert synth.apps().keys() == {*project.domains(), *project.environments()}
    assert synth.assembly_folder(synth.DEFAULT_ENVIRONMENT) == ROOT / "cdk.out"
    assert synth.assembly_folder("storage") == ROOT / "build/synth/storage"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The app for the environment "one", outside the repository."""
    file = tmp_path / "app.py"
    file.write_text(quick_app("one"))
    outside = Path("../" * len(ROOT.parts)) / str(file).removeprefix("/")
    monkeypatch.setattr(synth, "apps", lambda: {"one": ROOT / outside})
    monkeypatch.setattr(synth, "environments", lambda: ["one"])
    monkeypatch.setattr(synth, "assembly_folder", lambda _: tmp_path / "folder" / "out")
    return file


def test_a_synthesis_removes_stale_templates_but_no_nested_ones(app: Path) -> None:
    folder = app.parent / "folder" / "out"
    folder.mkdir(parents=True)
    # A removed stack's template, and a nested stack's.
    (folder / "Gone.template.json").touch()
    nested = {"Resources": {"One": {"Type": "AWS::SNS::Topic"}}}
    (folder / "Nest.nested.template.json").write_text(json.dumps(nested))
    synth.synthesize("one")
    names = ["Nest.nested.template.json", "One.template.json"]
    assert sorted(path.name for path in folder.glob("*.template.json")) == names


def test_a_synthesis_that_fails_keeps_the_templates(app: Path) -> None:
    folder = synth.synthesize("one")
    app.write_text("raise ValueError")
    with pytest.raises(UserError):
        synth.synthesize("one")
    assert (folder / "One.template.json").exists()


def test_an_app_gets_context_but_no_aws_settings_of_the_user(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.write_text(f"{app.read_text()}\nraise ValueError(dict(os.environ))")
    monkeypatch.setenv("AWS_PROFILE", "of-the-user")
    with pytest.raises(UserError, match='"more": true') as error:
        synth.synthesize("one", context={"more": True})
    assert "of-the-user" not in str(error.value)


def test_context_that_only_aws_knows_is_an_error_with_the_next_command(app: Path) -> None:
    missing = '"missing": [{"key": "vpc-provider:account=1"}], "artifacts"'
    app.write_text(app.read_text().replace('"artifacts"', missing))
    with pytest.raises(UserError) as error:
        synth.synthesize("one")
    text = str(error.value)
    assert "needs context that cdk.context.json does not have: vpc-provider:account=1. " in text
    assert '\n  uv run cdk synth --quiet --app "uv run ../' in text


def test_an_environment_must_have_the_name_of_its_folder(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.write_text(quick_app("dev"))
    sentence = "app.py: One belongs to the environment 'dev', not to 'one'. Build every"
    with pytest.raises(UserError, match=sentence):
        synth.synthesize("one")
    monkeypatch.setattr(synth, "environments", list)  # the app of a domain
    assert synth.synthesize("one") == synth.assembly_folder("one")


def assembly(folder: Path, region: str, *imported: str) -> Path:
    """A cloud assembly with a stack that exports a value, and one that imports values."""
    values: Json = [{"Fn::ImportValue": name} for name in imported]
    importer: Json = {"Type": "AWS::SNS::Topic", "Properties": {"Values": values}}
    templates: dict[str, Json] = {
        "One": {"Outputs": {"Key": {"Value": "1", "Export": {"Name": "acme-one-test:Key"}}}},
        "Two": {"Resources": {"Importer": importer}},
    }
    artifacts = {}
    for name, where in (("One", "us-east-1"), ("Two", region)):
        tags = {"Project": "acme", "Environment": "test"}
        properties = {"templateFile": f"{name}.template.json", "tags": tags}
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://unknown-account/{where}",
            "properties": properties,
        }
        (folder / f"{name}.template.json").write_text(json.dumps(templates[name]))
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return folder


@pytest.mark.parametrize(
    ("region", "name", "dangles"),
    [
        ("us-east-1", "acme-one-test:Key", False),
        ("us-east-1", "acme-one-prod:Key", False),  # another environment
        ("us-east-1", "network:Key", False),  # another project
        ("us-east-1", "acme-one-test:Other", True),
        ("us-east-1", "acme-three-test:Key", True),
        ("eu-west-1", "acme-one-test:Key", True),  # an export belongs to one region
    ],
)
def test_an_import_without_an_export_in_the_environment_is_refused(
    region: str, name: str, dangles: bool, tmp_path: Path
) -> None:
    folder = assembly(tmp_path, region, "acme-one-prod:Key", name)
    if not dangles:
        synth.check_imports(folder, "app.py")
        return
    sentence = f"app.py: Two imports {name}, but no stack of the environment exports it in {region}"
    with pytest.raises(UserError, match=sentence):
        synth.check_imports(folder, "app.py")


def test_the_imports_of_an_environment_are_checked_but_not_of_a_domain(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = '"Type": "AWS::SNS::Topic"'
    dangling = f'{topic}, "Properties": {{"TopicName": {{"Fn::ImportValue": "acme-x-one:Key"}}}}'
    tags = '"tags": {"Project": "acme", "Environment": "one"}'
    code = quick_app("one").replace(topic, dangling)
    app.write_text(code.replace('"tags": {"Environment": "one"}', tags))
    with pytest.raises(UserError, match="One imports acme-x-one:Key"):
        synth.synthesize("one")
    monkeypatch.setattr(synth, "environments", list)  # the app of a domain
    assert synth.synthesize("one") == synth.assembly_folder("one")


def test_an_app_that_fails_is_reported_with_its_output_and_a_hint(app: Path) -> None:
    # The CDK prints "Acknowledge with" below a cdk-nag finding.
    app.write_text("print('Before')\nraise ValueError('Acknowledge with A::B')")
    with pytest.raises(UserError) as error:
        synth.synthesize("one")
    assert str(error.value).startswith("Before\nTraceback")
    assert "\nValueError: Acknowledge with A::B\n" in str(error.value)  # without colors
    assert str(error.value).endswith(f"app.py does not synthesize.\n{synth.ACKNOWLEDGE}")
    app.write_text("raise ValueError('Another error')")
    with pytest.raises(UserError, match=r"app\.py does not synthesize\.$"):
        synth.synthesize("one")


def test_an_error_fails_the_synthesis_and_the_template_is_that_of_the_cdk_cli(
    app: Path, tmp_path: Path
) -> None:
    app.write_text(ANNOTATED)
    with pytest.raises(UserError, match="ERROR careful"):
        synth.synthesize("one")
    found = (synth.assembly_folder("one") / "One.template.json").read_bytes()
    assert b"aws:cdk:path" in found
    assert b"aws:asset:path" in found
    command = cdk.command("synth", "--quiet", "--app", f"{sys.executable} {app}")
    subprocess.run([*command, "--output", str(tmp_path / "cli")], cwd=ROOT, check=False)
    assert (tmp_path / "cli" / "One.template.json").read_bytes() == found
