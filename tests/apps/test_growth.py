"""A new domain is a new folder and a line of wiring; nothing of the foundation changes."""

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

EXAMPLE = {
    "stacks/example/__init__.py": "",
    "stacks/example/exports.py": """
from stacks.core.exports import Export

TABLE_NAME = Export("example", "TableName", "Name of the table of example")
""",
    "stacks/example/stack.py": """
import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.core.base import DomainStack
from stacks.core.environment import Environment
from stacks.core.findings import acknowledge
from stacks.example import exports


class ExampleStack(DomainStack):
    def __init__(self, scope: Construct, environment: Environment) -> None:
        super().__init__(
            scope, environment, domain="example", description="Example", termination_protection=True
        )
        table = dynamodb.Table(
            self,
            "Table",
            table_name=environment.resource_name("example"),
            partition_key=dynamodb.Attribute(name="asset", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        acknowledge(table, "Test", "NIST.800.53.R5::NIST.800.53.R5-DynamoDBInBackupPlan")
        self.publish(exports.TABLE_NAME, table.table_name)
""",
    "stacks/example/app.py": """
from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.example.stack import ExampleStack

app = new_app()
ExampleStack(app, Environment())
app.synth()
""",
    "tests/example/test_stack.py": "",
}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with a fourth domain."""
    copy = tmp_path_factory.mktemp("grown")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():  # not a deleted one, nor a link to a folder
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    for name, text in EXAMPLE.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text)
    app = copy / "apps/dev/app.py"
    app.write_text(
        app.read_text().replace(
            "app.synth()",
            "from stacks.example.stack import ExampleStack\n\n"
            "ExampleStack(app, environment)\n"
            "app.synth()",
        )
    )
    return copy


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


def test_nox_offers_the_sessions_of_the_new_domain(grown: Path) -> None:
    sessions = json.loads(run_in(grown, "-m", "nox", "--list", "--json"))
    offered = {entry["session"] for entry in sessions if "example" in entry["tags"]}
    assert offered == {f"{name}(example)" for name in ("lint", "mypy", "test", "synth")}


@pytest.mark.parametrize("name", ["pipeline", "dev"])
def test_a_domain_with_a_name_that_is_taken_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "tools").mkdir()
    for file in ("noxfile.py", "tools/__init__.py", "tools/project.py"):
        shutil.copy(ROOT / file, tmp_path / file)
    for app in (f"stacks/{name}/app.py", "apps/dev/app.py"):
        (tmp_path / app).parent.mkdir(parents=True)
        (tmp_path / app).touch()
    with pytest.raises(AssertionError, match=f"stacks/{name}: .* rename the domain"):
        run_in(tmp_path, "-m", "nox", "--list")


def test_the_foundation_stays_the_same_bytes_on_any_machine_and_the_new_stack_is_the_same_alone(
    grown: Path, dev: Path, tmp_path: Path
) -> None:
    # Another home, time zone, locale and folder; a region and a profile that do not exist; and a
    # proxy that answers nobody.
    environment = {
        "PATH": os.environ["PATH"],
        "CDK_CONTEXT_JSON": os.environ["CDK_CONTEXT_JSON"],
        "CDK_VALIDATION": os.environ["CDK_VALIDATION"],
        "JSII_NODE": os.environ["JSII_NODE"],
        # Only to save the ten seconds in which jsii would fill a new cache.
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(Path.home() / ".cache/aws/jsii/package-cache"),
        "HOME": str(tmp_path),
        "TZ": "Pacific/Auckland",
        "LC_ALL": "C",
        "AWS_PROFILE": "nobody",
        "AWS_REGION": "xx-nowhere-1",
        "CDK_DEFAULT_ACCOUNT": "999999999999",
        "CDK_DEFAULT_REGION": "xx-nowhere-1",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    # One process for both: the CDK is loaded once.
    apps = {"wired": "apps/dev/app.py", "alone": "stacks/example/app.py"}
    both = ";".join(
        f"os.environ['CDK_OUTDIR'] = {str(tmp_path / name)!r}; runpy.run_path({app!r})"
        for name, app in apps.items()
    )
    run_in(grown, "-c", f"import os, runpy; {both}", environment=environment)
    wired = templates(tmp_path / "wired")
    alone = (tmp_path / "alone" / "ExampleStack.template.json").read_bytes()
    assert wired.pop("ExampleStack.template.json") == alone
    assert wired == templates(dev)


LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def test_the_new_domain_keeps_the_import_rules(grown: Path) -> None:
    assert "3 kept, 0 broken" in run_in(grown, "-c", LINT)


def test_each_import_rule_is_enforced(grown: Path) -> None:
    wrong = [
        ("stacks.example.stack", "stacks.storage.stack"),
        ("stacks.example.exports", "apps.dev"),
        ("stacks.example.app", "tools.cdk"),
        ("stacks.storage.layout", "aws_cdk"),
    ]
    for importer, imported in wrong:
        with (grown / f"{importer.replace('.', '/')}.py").open("a") as module:
            module.write(f"\nimport {imported}\n")
    with pytest.raises(AssertionError) as broken:
        run_in(grown, "-c", LINT)
    assert "0 kept, 3 broken" in str(broken.value)
    for importer, imported in wrong:
        assert f"{importer} -> {imported}" in str(broken.value)
