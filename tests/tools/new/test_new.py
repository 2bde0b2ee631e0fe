"""`nox -s new` creates a complete domain or environment, or reports an error and writes nothing."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.git import git
from tools import project
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.errors import UserError
from tools.guard import snapshots
from tools.new import __main__ as new
from tools.new import apps, files
from tools.project import ROOT

APP = f"apps/{DEFAULT_ENVIRONMENT}/app.py"


@pytest.fixture(autouse=True)
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Run `new` in a small repository, without a synthesis; return the mock for `record`."""
    (tmp_path / "stacks/storage").mkdir(parents=True)
    for name in (APP, "pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for module in (new, files):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(project, "domains", lambda: ["storage"])
    monkeypatch.setattr(
        project,
        "environments",
        lambda: sorted(path.parent.name for path in tmp_path.glob("apps/*/app.py")),
    )
    monkeypatch.setattr(snapshots, "synthesize_all", lambda names: dict.fromkeys(names, tmp_path))
    monkeypatch.setattr(snapshots, "record", recorder := Mock())
    return recorder


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and not {".ruff_cache", "__pycache__"} & {*path.parts}
    }


def added_lines(before: str, after: str) -> list[str]:
    return [line for line in after.splitlines() if line not in before.splitlines()]


def test_every_environment_with_the_foundation_builds_the_new_stack(
    tmp_path: Path, recorded: Mock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new.main(["--environment", "other"]) == 0
    roles = tmp_path / "apps" / "roles" / "app.py"  # an environment without the foundation
    roles.parent.mkdir()
    roles.write_text("app.synth()\n")
    before = contents(tmp_path)
    recorded.reset_mock()
    assert new.main(["market_data"]) == 0
    assert "Check the stack: uv run nox -t market_data\n" in capsys.readouterr().out
    after = contents(tmp_path)
    for path in (APP, "apps/other/app.py"):
        assert added_lines(before[path], after[path]) == [
            "from stacks.market_data.stack import MarketDataStack",
            "market_data = MarketDataStack(app, environment)",
        ]
    assert after["apps/roles/app.py"] == before["apps/roles/app.py"]
    assert {path for path in after if path not in before} == {
        "stacks/market_data/__init__.py",
        "stacks/market_data/app.py",
        "stacks/market_data/exports.py",
        "stacks/market_data/stack.py",
        "tests/market_data/exports.txt",
        "tests/market_data/test_stack.py",
    }
    environments = [call.args[1].name for call in recorded.call_args_list]
    assert environments == [DEFAULT_ENVIRONMENT, "other"]


def test_a_function_has_a_module_a_test_and_the_role_of_its_environment(tmp_path: Path) -> None:
    assert new.main(["market_data", "--function", "load"]) == 0
    after = contents(tmp_path)
    assert {"src/modules/market_data/load.py", "tests/src/market_data/test_load.py"} <= {*after}
    app = ast.unparse(ast.parse(after[APP]))
    role = "lambda_role_arn=LAMBDA_EXECUTION_ROLE_ARN.import_from(environment)"
    assert f"market_data = MarketDataStack(app, environment, {role})" in app
    assert "market_data.add_stack_dependency(identity)" in app
    names = ("market_data", "MarketDataStack", "market-data-load", "modules.market_data.load")
    stack = after["stacks/market_data/stack.py"]
    assert all(name in stack for name in names)
    assert "$" not in "".join(text for path, text in after.items() if "market_data" in path)


def test_the_files_pass_the_linter_whatever_the_length_of_the_name(tmp_path: Path) -> None:
    for domain in ("a", "examples" + 18 * "_a"):
        assert new.main([domain, "--function", "check"]) == 0
        assert new.main([f"{domain}_b"]) == 0
    # Import order depends on packages that this small repository lacks.
    ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select=E,F"]
    command = [*ruff, "stacks", "src", "tests", "apps"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_git_knows_the_new_files(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "new.json").touch()
    assert new.main(["market_data", "--function", "load"]) == 0
    known = git(tmp_path, "ls-files").splitlines()
    assert "src/modules/market_data/load.py" in known
    assert "snapshots/new.json" in known
    assert APP not in known


def test_an_environment_has_the_stacks_of_the_default_one_and_its_own_settings(
    tmp_path: Path, recorded: Mock, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--account", "111122223333", "--region", "eu-west-1"]
    assert new.main(["--environment", "other", *settings]) == 0
    assert "uv run nox -s deploy -- --environment other --to local" in capsys.readouterr().out
    source = (tmp_path / "apps/other/app.py").read_text()
    assert source.startswith('"""The other environment')
    call = 'Environment(name="other", account="111122223333", region="eu-west-1")'
    assert call in source
    default = (tmp_path / APP).read_text()
    assert source.count("Stack(") == default.count("Stack(")
    assert [call.args[1].name for call in recorded.call_args_list] == ["other"]


REFUSED = {
    "market-data": "domain 'market-data': it must be a Python package name",
    "../market": "domain '../market': it must be a Python package name",
    51 * "a": "it has 51 characters, and 50 are allowed",
    "class": "The name 'class' is reserved",
    "core": "The name 'core' is reserved",
    DEFAULT_ENVIRONMENT: f"The name '{DEFAULT_ENVIRONMENT}' is reserved",
    "storage": "stacks/storage already exists",
    "pictures": "tests/pictures/test_stack.py already exists. Nothing was written.",
    f"{45 * 'a'} --function check": "it has 51 characters, and 50 are allowed",
    "market --function 2d": "function '2d': it must be a Python package name",
    "--environment eu-west": "environment name 'eu-west': it must be",
    "--environment tools": "The name 'tools' is reserved",
    f"--environment {DEFAULT_ENVIRONMENT}": f"The name '{DEFAULT_ENVIRONMENT}' is reserved",
    "--environment other --account=": "account '': it must be",
    "--environment other --account 12": "account '12': it must be 12 digits",
    "--environment other --region mars": "region 'mars': it must be a region code",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_an_invalid_reserved_or_existing_name_is_refused(
    tmp_path: Path, arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tests/pictures").mkdir(parents=True)
    (tmp_path / "tests/pictures/test_stack.py").touch()
    before = contents(tmp_path)
    assert new.main(arguments.split()) in (1, 2)
    assert REFUSED[arguments] in capsys.readouterr().err
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "arguments",
    ["", "--function load", "market --region eu-west-1", "market --environment other", "a b"],
)
def test_a_command_line_with_a_missing_or_unused_argument_is_refused(arguments: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        new.main(arguments.split())


@pytest.mark.parametrize("times", [0, 2])
def test_an_app_without_exactly_one_synth_line_or_environment_is_refused(times: int) -> None:
    with pytest.raises(UserError, match=r"dev/app\.py must contain the line `app.synth\(\)` once"):
        apps.with_stack(times * "app.synth()\n", "dev/app.py", "market", takes_role=False)
    with pytest.raises(UserError, match=rf"calls Environment\(…\) {times} times"):
        apps.other_environment(times * "e = Environment()\n", "other")
