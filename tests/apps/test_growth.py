"""`nox -s new` adds a domain that passes its checks, and changes no template of other stacks."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.project import ROOT
from tools.snapshots import templates
from tools.synth import DEFAULT_ENVIRONMENT

FOLDERS = ("apps", "snapshots", "stacks", "tests", "tools")
FILES = ("cdk.json", "noxfile.py", "pyproject.toml")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "node_modules", ".venv")
# Run `nox -s new -- example` without the CDK CLI, then the app of the new domain. One process runs
# both, because loading the CDK takes longer than building the stacks. cdk-nag and CloudFormation's
# rules check only the environment, because they take seconds for each app.
CREATE = """
import os, runpy
from functools import partial
from pathlib import Path
from stacks.core import app
from tools import new

def run(path: str, output: Path) -> Path:
    os.environ["CDK_OUTDIR"] = str(output)
    runpy.run_path(path)
    return output

new.synthesize = lambda name: run(f"apps/{name}/app.py", Path("build/wired"))
assert new.main(["example"]) == 0
app.new_app = partial(app.new_app, validate=False)
run("stacks/example/app.py", Path("build/alone"))
"""


def run_in(copy: Path, *command: str, environment: Mapping[str, str] = os.environ) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env={**environment, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, to which `nox -s new` has added the domain "example"."""
    copy, home = tmp_path_factory.mktemp("grown"), tmp_path_factory.mktemp("home")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=NOT_COPIED)
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    # The result must not depend on the home, time zone, locale, folder, region, profile or proxy of
    # the user.
    environment = {
        "PATH": os.environ["PATH"],
        "CDK_CONTEXT_JSON": os.environ["CDK_CONTEXT_JSON"],
        "JSII_NODE": os.environ["JSII_NODE"],
        # Without this cache, jsii fills a new cache, which takes ten seconds.
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(Path.home() / ".cache/aws/jsii/package-cache"),
        "HOME": str(home),
        "TZ": "Pacific/Auckland",
        "LC_ALL": "C",
        "AWS_PROFILE": "nobody",
        "AWS_REGION": "xx-nowhere-1",
        "CDK_DEFAULT_ACCOUNT": "999999999999",
        "CDK_DEFAULT_REGION": "xx-nowhere-1",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    run_in(copy, "-c", CREATE, environment=environment)
    return copy


def test_nox_offers_the_sessions_of_the_new_domain(grown: Path) -> None:
    sessions = json.loads(run_in(grown, "-m", "nox", "--list", "--json", "-t", "example"))
    offered = [entry["session"] for entry in sessions]
    assert offered == [f"{name}(example)" for name in ("lint", "mypy", "test", "synth")]


def test_the_new_domain_passes_its_checks(grown: Path, tmp_path: Path) -> None:
    paths = ("stacks/example", "tests/example", "apps")
    run_in(grown, "-m", "ruff", "check", *paths)
    run_in(grown, "-m", "ruff", "format", "--check", *paths)
    # Without the cache of the repository, mypy reads aws_cdk again, which takes a minute.
    if (ROOT / ".mypy_cache").exists():
        shutil.copytree(ROOT / ".mypy_cache", grown / ".mypy_cache")
    run_in(grown, "-m", "mypy", *paths)
    data = f"--data-file={tmp_path / 'coverage'}"
    tests = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/example")
    run_in(grown, "-m", "coverage", "run", data, "--source=stacks/example", *tests)
    run_in(grown, "-m", "coverage", "report", data, "--fail-under=100")
    (template,) = grown.glob(f"snapshots/{DEFAULT_ENVIRONMENT}/ExampleStack.template.json")
    run_in(grown, str(Path(sys.executable).with_name("cfn-lint")), str(template))


def test_the_new_domain_has_the_same_template_alone_and_changes_no_other_template(
    grown: Path, assemblies: Mapping[str, Path]
) -> None:
    wired, alone = templates(grown / "build/wired"), templates(grown / "build/alone")
    assert alone == {"ExampleStack.template.json": wired.pop("ExampleStack.template.json")}
    assert wired == templates(assemblies[DEFAULT_ENVIRONMENT])


LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def test_the_new_domain_keeps_the_import_rules(grown: Path) -> None:
    assert "4 kept, 0 broken" in run_in(grown, "-c", LINT)


def test_each_import_rule_is_enforced(grown: Path) -> None:
    wrong = [
        ("stacks.example.stack", "stacks.storage.stack"),
        ("stacks.identity.stack", "stacks.storage.exports"),
        ("stacks.identity.app", "stacks.registry.stack"),
        ("stacks.core.exports", "stacks.storage.exports"),
        ("stacks.storage.stack", "stacks.storage.app"),
        ("stacks.example.exports", f"apps.{DEFAULT_ENVIRONMENT}"),
        ("stacks.example.app", "tools.cdk"),
        ("stacks.storage.layout", "aws_cdk"),
    ]
    for importer, imported in wrong:
        with (grown / f"{importer.replace('.', '/')}.py").open("a") as module:
            module.write(f"\nimport {imported}\n")
    with pytest.raises(AssertionError) as broken:
        run_in(grown, "-c", LINT)
    assert "0 kept, 4 broken" in str(broken.value)
    for importer, imported in wrong:
        assert f"{importer} -> {imported}" in str(broken.value)


@pytest.mark.parametrize("name", ["environments", DEFAULT_ENVIRONMENT])
def test_nox_refuses_a_domain_with_a_reserved_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "tools").mkdir()
    for file in ("noxfile.py", "tools/__init__.py", "tools/project.py"):
        shutil.copy(ROOT / file, tmp_path / file)
    for app in (f"stacks/{name}/app.py", f"apps/{DEFAULT_ENVIRONMENT}/app.py"):
        (tmp_path / app).parent.mkdir(parents=True)
        (tmp_path / app).touch()
    with pytest.raises(AssertionError, match=f"stacks/{name}: .* rename the domain"):
        run_in(tmp_path, "-m", "nox", "--list")
