"""Apps are synthesized without the user's settings, and only into usable assemblies."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.quick_app import quick_app
from tools import project
from tools.cdk_cli import synth
from tools.cdk_cli.assembly import Json
from tools.errors import UserError
from tools.project import ROOT

Synthesize = Callable[[str], Path]


@pytest.fixture
def synthesize(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Synthesize:
    """Synthesize the app of the environment "one", outside the repository, with this code."""
    file = tmp_path / "app.py"
    monkeypatch.setattr(synth, "apps", lambda: {"one": str(file)})
    monkeypatch.setattr(synth, "environments", lambda: ["one"])

    def run(code: str) -> Path:
        file.write_text(code)
        return synth.synthesize("one", output=tmp_path / "folder" / "out")

    return run


def test_every_domain_and_every_environment_is_an_app() -> None:
    assert synth.apps().keys() == {*project.domains(), *project.environments()}
    assert all((ROOT / app).exists() for app in synth.apps().values())


def test_a_synthesis_removes_the_templates_of_removed_stacks(synthesize: Synthesize) -> None:
    folder = synthesize(quick_app("one"))
    (folder / "Gone.template.json").touch()
    synthesize(quick_app("one"))
    assert [path.name for path in folder.glob("*.template.json")] == ["One.template.json"]


def test_an_app_gets_context_but_no_aws_settings_of_the_user(
    synthesize: Synthesize, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-the-user")
    monkeypatch.setattr(synth, "ASSEMBLIES", tmp_path)
    synthesize(f"{quick_app('one')}\n(folder / 'variables').write_text(str(os.environ))")
    assert synth.synthesize_all(["one"], context={"more": True}) == {"one": tmp_path / "one"}
    text = (tmp_path / "one" / "variables").read_text()
    assert '"more": true' in text
    assert "of-the-user" not in text


def test_context_that_only_aws_knows_is_an_error_with_the_next_command(
    synthesize: Synthesize, tmp_path: Path
) -> None:
    missing = '"missing": [{"key": "vpc-provider:account=1"}], "artifacts"'
    with pytest.raises(UserError) as error:
        synthesize(quick_app("one").replace('"artifacts"', missing))
    text = str(error.value)
    assert "needs context that cdk.context.json does not have: vpc-provider:account=1. " in text
    assert text.endswith(f'\n  uv run cdk synth --quiet --app "uv run {tmp_path}/app.py"')


def test_an_environment_must_have_the_name_of_its_folder_and_exports_for_its_imports(
    synthesize: Synthesize, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = '"Type": "AWS::SNS::Topic"'
    dangling = f'{topic}, "Properties": {{"TopicName": {{"Fn::ImportValue": "acme-x-one:Key"}}}}'
    code = quick_app("one").replace(topic, dangling)
    code = code.replace('"tags": {', '"tags": {"Project": "acme", ')
    other = code.replace('"Environment": "one"', '"Environment": "dev"')
    with pytest.raises(UserError, match=r"app\.py: One belongs to the environment 'dev', not to"):
        synthesize(other)
    with pytest.raises(UserError, match="One imports acme-x-one:Key"):
        synthesize(code)
    monkeypatch.setattr(synth, "environments", list)  # the app of a domain
    synthesize(code)
    synthesize(other)


@pytest.mark.parametrize(
    ("region", "name", "dangles"),
    [
        ("us-east-1", "acme-one-test:Key", False),
        ("us-east-1", "acme-one-prod:Key", False),  # another environment
        ("us-east-1", "network:Key", False),  # another project
        ("us-east-1", "acme-one-test:Other", True),
        ("eu-west-1", "acme-one-test:Key", True),
    ],
)
def test_an_import_dangles_if_the_environment_exports_nothing_by_its_name(
    region: str, name: str, dangles: bool, tmp_path: Path
) -> None:
    topic: Json = {"Type": "AWS::SNS::Topic", "Properties": {"Values": [{"Fn::ImportValue": name}]}}
    templates: dict[str, Json] = {
        "One": {"Outputs": {"Key": {"Value": "1", "Export": {"Name": "acme-one-test:Key"}}}},
        "Two": {"Resources": {"Importer": topic}},
    }
    artifacts: dict[str, Json] = {}
    for stack, where in (("One", "us-east-1"), ("Two", region)):
        tags = {"Project": "acme", "Environment": "test"}
        artifacts[stack] = {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://unknown-account/{where}",
            "properties": {"templateFile": f"{stack}.template.json", "tags": tags},
        }
        (tmp_path / f"{stack}.template.json").write_text(json.dumps(templates[stack]))
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    if not dangles:
        synth.check_imports(tmp_path, "app.py")
        return
    sentence = f"app.py: Two imports {name}, but no stack of the environment exports it in {region}"
    with pytest.raises(UserError, match=sentence):
        synth.check_imports(tmp_path, "app.py")


def test_an_app_that_fails_is_reported_with_its_output_and_a_hint(synthesize: Synthesize) -> None:
    # The CDK prints "Acknowledge with" below a cdk-nag finding.
    with pytest.raises(UserError) as error:
        synthesize("print('Before')\nraise ValueError('Acknowledge with A::B')")
    assert str(error.value).startswith("Before\nTraceback")
    assert "\nValueError: Acknowledge with A::B\n" in str(error.value)  # without colors
    assert str(error.value).endswith(f"app.py does not synthesize.\n{synth.ACKNOWLEDGE}")


def test_an_import_of_a_folder_that_is_gone_is_reported_in_one_sentence(
    synthesize: Synthesize, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as error:
        synthesize("import json\nfrom stacks.gone.stack import GoneStack")
    assert str(error.value) == (
        f"{tmp_path}/app.py does not synthesize: {tmp_path}/app.py:2 imports stacks.gone, which "
        "does not exist. Correct the import; you may have renamed the folder."
    )
