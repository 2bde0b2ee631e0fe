"""import-linter finds every import that the design forbids."""

import shutil
import subprocess
import sys
from pathlib import Path

from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.project import ROOT

NEW_DOMAIN = "stacks.of_the_test"
FORBIDDEN = [
    (f"{NEW_DOMAIN}.stack", "stacks.storage.stack"),
    ("stacks.identity.stack", "stacks.storage.exports"),
    ("stacks.identity.app", "stacks.registry.stack"),
    ("stacks.core.exports", "stacks.storage.exports"),
    ("stacks.storage.stack", "stacks.storage.app"),
    (f"{NEW_DOMAIN}.exports", f"apps.{DEFAULT_ENVIRONMENT}"),
    (f"{NEW_DOMAIN}.app", "tools.cdk_cli.cdk"),
    ("modules.data_bucket.keys", "stacks.core.environment"),
    ("modules.data_bucket.keys", "aws_cdk"),
]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def test_each_import_rule_is_enforced(tmp_path: Path) -> None:
    for name in ("apps", "stacks", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(ROOT / "src" / "modules", tmp_path / "modules")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(tmp_path / "stacks" / "registry", tmp_path / NEW_DOMAIN.replace(".", "/"))
    for importer, imported in FORBIDDEN:
        with (tmp_path / f"{importer.replace('.', '/')}.py").open("a") as module:
            module.write(f"\nimport {imported}\n")
    done = subprocess.run(
        [sys.executable, "-c", LINT], cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 1
    assert "0 kept, 5 broken" in done.stdout
    for importer, imported in FORBIDDEN:
        assert f"{importer} -> {imported}" in done.stdout
