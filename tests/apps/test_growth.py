"""A new domain passes its sessions, changes no template of other stacks, and keeps the rules."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from stacks.core.environment import construct_id
from tools.cdk_cli import cdk
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.guard.snapshots import FOLDER, templates
from tools.project import ROOT

DOMAIN = "examples" + 21 * "_a"  # 50 characters, the maximum
FOLDERS = ("apps", "snapshots", "src", "stacks", "tests", "tools")
FILES = ("cdk.json", "noxfile.py", "package.json", "package-lock.json", "pyproject.toml", "uv.lock")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "node_modules", ".venv")


def run_in(copy: Path, *command: str, environment: Mapping[str, str] = os.environ) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env={**environment, "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'src'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository."""
    cdk.command()  # installs the CLI
    copy = tmp_path_factory.mktemp("copy")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=NOT_COPIED)
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    (copy / "node_modules").symlink_to(ROOT / "node_modules")
    # Without the cache of the repository, mypy reads aws_cdk again, which takes a minute.
    if (ROOT / ".mypy_cache").exists():
        shutil.copytree(ROOT / ".mypy_cache", copy / ".mypy_cache")
    return copy


def test_a_new_domain_passes_its_sessions_and_changes_no_other_template(
    copy: Path, tmp_path: Path
) -> None:
    # The result must not depend on the home, time zone, locale, folder, region, profile or proxy of
    # the user.
    environment = {
        "PATH": os.environ["PATH"],
        # Without this cache, jsii fills a new cache, which takes ten seconds.
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(Path.home() / ".cache/aws/jsii/package-cache"),
        # nox in the copy uses the project environment of this repository.
        "UV_PROJECT_ENVIRONMENT": sys.prefix,
        "UV_NO_SYNC": "1",
        "HOME": str(tmp_path),
        "TZ": "Pacific/Auckland",
        "LC_ALL": "C",
        "AWS_PROFILE": "nobody",
        "AWS_REGION": "xx-nowhere-1",
        "CDK_DEFAULT_ACCOUNT": "999999999999",
        "CDK_DEFAULT_REGION": "xx-nowhere-1",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    run_in(copy, "-m", "nox", "-s", "new", "--", DOMAIN, environment=environment)
    run_in(copy, "-m", "ruff", "check", "apps")
    output = run_in(copy, "-m", "nox", "-t", DOMAIN, environment=environment)
    passed = re.findall(r"\* (\w+)\((\w+)\): success", output)
    assert passed == [(name, DOMAIN) for name in ("lint", "mypy", "test", "synth")]
    file = f"{construct_id(DOMAIN)}.template.json"
    wired = templates(copy / "snapshots" / DEFAULT_ENVIRONMENT)
    assert templates(copy / "build" / "synth" / DOMAIN) == {file: wired.pop(file)}
    assert wired == templates(FOLDER / DEFAULT_ENVIRONMENT)


LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def test_each_import_rule_is_enforced(copy: Path) -> None:
    shutil.copytree(copy / "stacks" / "registry", copy / "stacks" / "example")  # a new domain
    wrong = [
        ("stacks.example.stack", "stacks.storage.stack"),
        ("stacks.identity.stack", "stacks.storage.exports"),
        ("stacks.identity.app", "stacks.registry.stack"),
        ("stacks.core.exports", "stacks.storage.exports"),
        ("stacks.storage.stack", "stacks.storage.app"),
        ("stacks.example.exports", f"apps.{DEFAULT_ENVIRONMENT}"),
        ("stacks.example.app", "tools.cdk_cli.cdk"),
        ("src.modules.data_bucket.keys", "stacks.core.environment"),
        ("src.modules.data_bucket.keys", "aws_cdk"),
    ]
    for importer, imported in wrong:
        with (copy / f"{importer.replace('.', '/')}.py").open("a") as module:
            module.write(f"\nimport {imported}\n")
    with pytest.raises(AssertionError) as broken:
        run_in(copy, "-c", LINT)
    assert "0 kept, 5 broken" in str(broken.value)
    for importer, imported in wrong:
        assert f"{importer.removeprefix('src.')} -> {imported}" in str(broken.value)
