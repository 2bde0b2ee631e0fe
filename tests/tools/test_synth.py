"""`nox -s synth` synthesizes an app and lints its templates."""

import json
from pathlib import Path

import pytest

from tests.support import quick_app
from tools import cdk, project, synth
from tools.console import UserError
from tools.project import ROOT


def test_every_domain_and_every_environment_is_an_app() -> None:
    assert synth.apps().keys() == {*project.domains(), *project.environments()}
    assert synth.DEFAULT_ENVIRONMENT in project.environments()


def test_the_default_environment_is_synthesized_to_cdk_out_and_a_domain_to_build() -> None:
    assert synth.assembly(synth.DEFAULT_ENVIRONMENT) == ROOT / "cdk.out"
    assert synth.assembly("storage") == ROOT / "build/synth/storage"


TOPIC = {"Type": "AWS::SNS::Topic"}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The app of the environment "one", outside the repository."""
    file = tmp_path / "app.py"
    file.write_text(quick_app("one"))
    outside = Path("../" * len(ROOT.parts)) / str(file).removeprefix("/")
    monkeypatch.setattr(synth, "apps", lambda: {"one": ROOT / outside})
    monkeypatch.setattr(synth, "environments", lambda: ["one"])
    monkeypatch.setattr(synth, "assembly", lambda _: tmp_path / "folder" / "out")
    return file


@pytest.mark.parametrize("environments", [["one"], []], ids=["environment", "domain"])
def test_an_app_is_synthesized_and_linted(
    app: Path,
    environments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(synth, "environments", lambda: environments)
    folder = app.parent / "folder" / "out"
    folder.mkdir(parents=True)
    # The template of a removed stack, and the template of a nested stack.
    (folder / "Gone.template.json").touch()
    (folder / "Nest.nested.template.json").write_text(json.dumps({"Resources": {"One": TOPIC}}))
    assert synth.main(["one"]) == 0
    nested, template = sorted(folder.glob("*.template.json"))
    assert (nested.name, template.name) == ("Nest.nested.template.json", "One.template.json")
    assert "one: Nest.nested.template.json, One.template.json" in "".join(capsys.readouterr())


def test_an_environment_without_the_name_of_its_folder_is_refused(
    app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app.write_text(app.read_text().replace('"Environment": "one"', '"Environment": "dev"'))
    assert synth.main(["one"]) == 1
    assert (
        "apps/one/app.py builds One for the environment 'dev'. Build every stack there with "
        'Environment(name="one"), or rename the folder.'
    ) in "".join(capsys.readouterr())


def test_an_app_that_fails_is_reported_with_its_output(
    app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app.write_text("raise ValueError('broken')")
    assert synth.main(["one"]) == 1
    output = "".join(capsys.readouterr())
    assert "ValueError: broken" in output  # without colours
    assert output.endswith("app.py does not synthesize.\n")


# An app with `Vpc.from_lookup` writes `missing` to its manifest until the CLI passes the context.
MISSING = """
if "vpc" not in os.environ.get("CDK_CONTEXT_JSON", ""):
    file = folder / "manifest.json"
    props = {"account": "111122223333", "region": "eu-central-1", "filter": {}}
    missing = [{"key": "vpc", "provider": "vpc-provider", "props": props}]
    file.write_text(json.dumps(json.loads(file.read_text()) | {"missing": missing}))
"""


def test_context_comes_from_the_committed_file_and_never_from_aws(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.write_text(quick_app("one") + MISSING)
    monkeypatch.setattr(synth, "ROOT", app.parent)  # with its own cdk.context.json
    monkeypatch.setattr(synth, "apps", lambda: {"one": app})
    file = app.with_name("cdk.context.json")
    with pytest.raises(UserError) as error:
        synth.synthesize("one")
    assert "`uv run cdk synth --quiet --app 'uv run app.py'`. Then commit" in str(error.value)
    assert "Traceback" not in str(error.value)
    assert not file.exists()
    file.write_text('{"vpc": {}}')
    assert synth.synthesize("one") == app.parent / "folder" / "out"


@pytest.mark.usefixtures("app")
def test_a_finding_of_cdk_nag_is_reported_with_the_way_to_acknowledge(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "Acknowledge with 'Pack::Rule'"  # as the CLI prints it
    monkeypatch.setattr(cdk, "command", lambda *_: ["sh", "-c", f'echo "{line}"; exit 1'])
    assert synth.main(["one"]) == 1
    assert "`acknowledge` in stacks/core/findings.py" in "".join(capsys.readouterr())


@pytest.mark.parametrize("acknowledged", [True, False])
def test_a_finding_of_cfn_lint_fails_unless_its_construct_acknowledges_it(
    acknowledged: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = {"aws:cdk:path": "One/Topic/Resource"}
    topic = {**TOPIC, "Properties": {"Colour": "red"}, "Metadata": path}
    template = {"Resources": {"Topic": topic}}
    (tmp_path / "One.template.json").write_text(json.dumps(template))
    data = {"cfn-lint::E3002": "because"} if acknowledged else {}
    metadata = {"/One/Topic": [{"type": "aws:cdk:acknowledged-rules", "data": data}]}
    (tmp_path / "One.metadata.json").write_text(json.dumps(metadata))
    monkeypatch.setattr(synth, "synthesize", lambda _: tmp_path)
    status = synth.main(["one"])
    output = "".join(capsys.readouterr())
    if acknowledged:
        assert (status, output.splitlines()[-1]) == (0, "one: One.template.json")
    else:
        assert status == 1
        assert output.count("cfn-lint::") == 1
        assert "One/Topic\n  cfn-lint::E3002\n" in output
        assert "`acknowledge` in stacks/core/findings.py" in output
        assert "one: One.template.json" not in output
