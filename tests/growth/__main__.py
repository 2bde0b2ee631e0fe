"""Prove that later phases need no change to the foundation: `uv run nox -s growth`.

Adds a table, a function with a dependency, a state machine that runs it, a VPC with a Fargate task
and an environment in another account and region to a copy of this repository. Then runs the copy's
gate and security scan, deploys it to a local cloud, and executes the state machine.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3

from modules.data_bucket.keys import Tier, object_key
from stacks.core.environment import Environment, construct_id
from tests.accounts import entered
from tests.growth.repository import clean, copy_repository, git, run
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.guard.snapshots import templates
from tools.local_cloud.client import ACCOUNT, local_cloud
from tools.project import ROOT

PHASES = Path(__file__).parent / "phases"
ENVIRONMENT = "growthprod"
# The commands that a developer runs. A real phase must not use these names.
COMMANDS = (
    f"nox -s new -- --environment {ENVIRONMENT} --account 111122223333 --region eu-west-1",
    "nox -s new -- growth_tables",
    "nox -s new -- growth_tasks",
    "nox -s new -- growth_ingest --function ingest",
    "nox -s new -- growth_alerts --function check",
)
# What a developer writes into the apps by hand: arguments from exports, and the dependencies.
WIRES = {
    "growth_ingest": {
        "bucket_name": ("storage", "DATA_BUCKET_NAME"),
        "table_name": ("growth_tables", "TABLE_NAME"),
    },
    "growth_tasks": {
        "task_role_arn": ("identity", "FARGATE_TASK_ROLE_ARN"),
        "repository_uri": ("registry", "REPOSITORY_URI"),
    },
}
# The foundation's files that a phase may change: the apps, dependencies and records.
CHANGING = ("apps/", "docs/", "snapshots/", "README.md", "pyproject.toml", "uv.lock")


def main() -> None:
    """Run every step; exit with the output of the step that fails."""
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_repository(Path(folder))
        for command in COMMANDS:
            run(copy, *command.split())
        add_phases(copy)
        run(copy, "nox", "-s", "snapshots")
        check_changes(copy)
        run(copy, "nox")
        run(copy, "nox", "-s", "security")
        run(copy, "nox", "-s", "deploy", "--", "--to", "local")
        execute(copy)
    print("The later phases work, and the foundation has not changed.")


def add_phases(copy: Path) -> None:
    """Write the phases' code, wire it in the apps, and add the function's dependency."""
    shutil.copytree(PHASES, copy, dirs_exist_ok=True)
    for name in (DEFAULT_ENVIRONMENT, ENVIRONMENT):
        app = copy / "apps" / name / "app.py"
        app.write_text(wired(app.read_text()))
    git(copy, "add", "--all")
    run(copy, "ruff", "check", "--select=I", "--fix", "--quiet", "apps")
    run(copy, "ruff", "format", "--quiet", "apps")
    subprocess.run(
        ["uv", "add", "--group=growth-ingest", "pydantic>=2"], cwd=copy, env=clean(), check=True
    )


def wired(app: str) -> str:
    """An app's source with the arguments and dependencies from `WIRES`."""
    for domain, wires in WIRES.items():
        stack = construct_id(domain)
        for argument, (exporter, export) in wires.items():
            value = f"{argument}={export}.import_from(environment)"
            app = re.sub(rf"({stack}\(\s*app,\s*environment)", rf"\1, {value}", app)
            app = app.replace(
                "from stacks.", f"from stacks.{exporter}.exports import {export}\nfrom stacks.", 1
            )
            app = app.replace(
                "app.synth()", f"{domain}.add_stack_dependency({exporter})\napp.synth()"
            )
    return app


def check_changes(copy: Path) -> None:
    """Exit if a file or a template in the foundation changed."""
    changed = git(copy, "diff", "HEAD", "--name-only", "--diff-filter=MDRT").split()
    if wrong := [path for path in changed if not path.startswith(CHANGING)]:
        sys.exit(f"The phases changed the foundation: {', '.join(wrong)}")
    old = templates(ROOT / "snapshots" / DEFAULT_ENVIRONMENT)
    new = templates(copy / "snapshots" / DEFAULT_ENVIRONMENT)
    if wrong := [name for name, text in old.items() if new.get(name) != text]:
        sys.exit(f"The phases changed templates of the foundation: {', '.join(wrong)}")


def execute(copy: Path) -> None:
    """Run the state machine and the function on the local cloud; exit unless they succeed."""
    environment = Environment()
    with local_cloud(copy / ".cloud") as cloud, entered(cloud):
        machine = f"{environment.resource_name('growth-ingest')}"
        arn = f"arn:aws:states:{environment.region}:{ACCOUNT}:stateMachine:{machine}"
        states = boto3.client("stepfunctions")
        event = json.dumps({"asset": "AAPL", "prices": [1, 2.5]})
        execution = states.start_execution(stateMachineArn=arn, input=event)["executionArn"]
        while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
            time.sleep(0.2)
        if found["status"] != "SUCCEEDED":
            sys.exit(f"The execution {found['status']}: {found.get('error')} {found.get('cause')}")
        table = boto3.resource("dynamodb").Table(environment.resource_name("growth-prices"))
        print("Item:", table.get_item(Key={"asset": "AAPL"})["Item"])
        bucket = environment.resource_name("data")
        boto3.client("s3").head_object(Bucket=bucket, Key=object_key(Tier.RAW, "AAPL"))
        name = environment.resource_name("growth-alerts-check")
        answer = boto3.client("lambda").invoke(FunctionName=name, Payload=b'{"a": 1}')
        if json.load(answer["Payload"]) != {"received": ["a"]}:
            sys.exit(f"The function {name} returned another value.")


if __name__ == "__main__":
    main()
