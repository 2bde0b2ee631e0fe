"""`nox -s new` creates a complete domain, or reports an error and creates nothing."""

import shutil
from pathlib import Path
from unittest.mock import Mock

import pytest

from tools import project
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.guard import snapshots
from tools.new import __main__ as new
from tools.project import ROOT


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Run `new` in a small repository, without a synthesis; return the mock of `record`."""
    for domain in ("core", "storage"):
        shutil.copytree(ROOT / "stacks" / domain, tmp_path / "stacks" / domain)
    (tmp_path / new.APP.parent).mkdir(parents=True)
    for name in (new.APP, "pyproject.toml", "stacks/__init__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(new, "ROOT", tmp_path)
    monkeypatch.setattr(new, "synthesize", lambda name: tmp_path / name)
    monkeypatch.setattr(snapshots, "record", recorder := Mock())
    return recorder


def contents(folder: Path) -> dict[str, bytes]:
    files = (
        path for path in folder.rglob("*") if path.is_file() and ".ruff_cache" not in path.parts
    )
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_app_imports_and_creates_the_new_stack(
    tmp_path: Path, record: Mock, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "stacks/market_data/__pycache__").mkdir(parents=True)  # of a removed domain
    (tmp_path / "stacks/market_data/__pycache__/stack.cpython-313.pyc").touch()
    before = (tmp_path / new.APP).read_text().splitlines()
    assert new.main(["market_data"]) == 0
    assert "Check the stack: uv run nox -t market_data\n" in capsys.readouterr().out
    after = (tmp_path / new.APP).read_text().splitlines()
    assert [line for line in after if line not in before] == [
        "from stacks.market_data.stack import MarketDataStack",
        "MarketDataStack(app, environment)",
    ]
    record.assert_called_once()


REFUSED = {
    "market-data": "domain 'market-data': it must be a Python package name",
    "../market": "domain '../market': it must be a Python package name",
    51 * "a": "it has 51 characters, and 50 are allowed",
    "class": "The name 'class' is reserved",
    **{name: f"The name '{name}' is reserved" for name in sorted(project.RESERVED)},
    DEFAULT_ENVIRONMENT: f"The name '{DEFAULT_ENVIRONMENT}' is reserved",
    "storage": "stacks/storage already exists",
    "pictures": "tests/pictures already exists",
    "notes": "stacks/notes already exists",
    "jobs": "stacks/jobs already exists",
    "linked": "stacks/linked already exists",
}


@pytest.mark.parametrize("domain", REFUSED)
def test_an_invalid_reserved_or_existing_name_is_refused(
    tmp_path: Path, domain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in ("tests/pictures/test_draw.py", "stacks/notes/NOTES", "stacks/jobs/a/main.py"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).touch()
    (tmp_path / "stacks/linked").mkdir()
    (tmp_path / "stacks/linked/data").symlink_to("a missing file")
    before = contents(tmp_path)
    assert new.main([domain]) == 1
    assert REFUSED[domain] in capsys.readouterr().err
    assert contents(tmp_path) == before


@pytest.mark.parametrize("times", [0, 2])
def test_an_app_without_exactly_one_synth_line_is_refused(
    tmp_path: Path, times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    app = tmp_path / new.APP
    app.write_text(app.read_text().replace("\napp.synth()\n", times * "\napp.synth()\n"))
    before = contents(tmp_path)
    assert new.main(["market_data"]) == 1
    assert "Nothing was created" in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_an_interrupted_synthesis_removes_the_new_domain(
    tmp_path: Path, record: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new, "synthesize", Mock(side_effect=KeyboardInterrupt))
    before = contents(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        new.main(["market_data"])
    assert contents(tmp_path) == before
    record.assert_not_called()
