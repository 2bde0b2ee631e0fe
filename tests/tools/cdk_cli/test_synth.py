"""Apps are synthesized without the user's settings, and only into usable assemblies."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.quick_app import quick_app
from tools import project
from tools.cdk_cli import synth
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
        return synth.synthesize_all(["one"], folder=tmp_path / "folder")["one"]

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
    synthesize(f"{quick_app('one')}\n(folder / 'variables').write_text(str(os.environ))")
    folders = synth.synthesize_all(["one"], folder=tmp_path, context={"more": True})
    assert folders == {"one": tmp_path / "one"}
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


def test_an_environment_must_have_the_name_of_its_folder(
    synthesize: Synthesize, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"app\.py: One belongs to the environment 'dev', not to"):
        synthesize(quick_app("dev"))
    monkeypatch.setattr(synth, "environments", list)  # the app of a domain
    synthesize(quick_app("dev"))


@pytest.mark.parametrize(
    ("name", "region", "dangles"),
    [
        ("acme-x-one:Key", "us-east-1", False),
        ("acme-x-prod:Key", "us-east-1", False),  # another environment
        ("network:Key", "us-east-1", False),  # another project
        ("acme-x-one:Other", "us-east-1", True),
        ("acme-x-one:Key", "eu-west-1", True),
    ],
)
def test_an_import_dangles_if_the_environment_exports_nothing_by_its_name(
    synthesize: Synthesize,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    region: str,
    *,
    dangles: bool,
) -> None:
    importer = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::ImportValue": name}}}
    code = f"""{quick_app("one")}
manifest = json.loads((folder / "manifest.json").read_text())
two = manifest["artifacts"]["One"]
two["properties"]["tags"]["Project"] = "acme"
one = json.loads(json.dumps(two))
one["environment"] = "aws://unknown-account/{region}"
one["properties"]["templateFile"] = "Exporter.template.json"
manifest["artifacts"] = {{"One": two, "Exporter": one}}
(folder / "manifest.json").write_text(json.dumps(manifest))
export = {{"Outputs": {{"Key": {{"Value": "1", "Export": {{"Name": "acme-x-one:Key"}}}}}}}}
(folder / "Exporter.template.json").write_text(json.dumps(export))
(folder / "One.template.json").write_text('{json.dumps({"Resources": {"A": importer}})}')
"""
    if dangles:
        sentence = f"One imports {name}, but no stack of the environment exports it in us-east-1"
        with pytest.raises(UserError, match=sentence):
            synthesize(code)
        monkeypatch.setattr(synth, "environments", list)  # the app of a domain
    synthesize(code)


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
