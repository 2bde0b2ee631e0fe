"""The dev environment wires the stacks by their exports, and each is the same alone as wired."""

import ast
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from aws_cdk import Stack
from aws_cdk.assertions import Template

from stacks.core.base import construct_id
from stacks.core.environment import Environment
from stacks.identity.stack import IdentityStack
from stacks.registry.exports import REPOSITORY_ARN
from stacks.registry.stack import RegistryStack
from stacks.storage.exports import DATA_BUCKET_ARN
from stacks.storage.stack import StorageStack
from tests.support import new_test_app
from tools import snapshots
from tools.project import ROOT
from tools.snapshots import templates


def test_it_holds_the_stack_of_every_domain(dev: Path, domains: list[str]) -> None:
    assert templates(dev).keys() == {f"{construct_id(d)}.template.json" for d in domains}


def test_every_stack_is_the_same_bytes_alone_as_wired(
    dev: Path, domains: list[str], synthesize: Callable[[str], Path]
) -> None:
    wired = templates(dev)
    for domain in domains:
        ((name, alone),) = templates(synthesize(f"stacks.{domain}.app")).items()
        assert alone == wired[name], f"stacks/{domain}/app.py differs from apps/dev/app.py"


def test_identity_is_deployed_after_what_it_imports_from(
    manifest: Mapping[str, Mapping[str, list[str]]],
) -> None:
    needs = {
        stack: {other for other in artifact.get("dependencies", []) if other.endswith("Stack")}
        for stack, artifact in manifest.items()
        if stack.endswith("Stack")
    }
    assert needs["StorageStack"] == needs["RegistryStack"] == set()
    assert needs["IdentityStack"] == {"StorageStack", "RegistryStack"}


def test_the_stacks_go_to_us_east_1_of_whichever_account_deploys(
    manifest: Mapping[str, Mapping[str, object]],
) -> None:
    places = {a["environment"] for key, a in manifest.items() if key.endswith("Stack")}
    assert places == {"aws://unknown-account/us-east-1"}


def test_the_exports_are_the_reviewed_ones_and_cdk_invents_none(
    dev: Path, domains: list[str]
) -> None:
    reviewed = {
        line
        for domain in domains
        for line in (ROOT / "tests" / domain / "exports.txt").read_text().split()
    }
    published = {
        output["Export"]["Name"].partition(":")[2]
        for template in templates(dev).values()
        for output in json.loads(template)["Outputs"].values()
    }
    assert published == reviewed


def test_what_a_stack_imports_another_one_exports(dev: Path, domains: list[str]) -> None:
    text = b"".join(templates(dev).values()).decode()
    imported = set(re.findall(r'"Fn::ImportValue": "([^"]+)"', text))
    assert imported >= {
        "wealth-ops-storage-dev:DataBucketArn",
        "wealth-ops-registry-dev:RepositoryArn",
    }
    assert {name.partition(":")[2] for name in imported} <= {
        line
        for domain in domains
        for line in (ROOT / "tests" / domain / "exports.txt").read_text().split()
    }


def test_another_project_prefix_flows_into_every_name_export_and_policy() -> None:
    environment = Environment(project="acme", name="prod", region="eu-central-1")
    app = new_test_app()
    stacks: list[Stack] = [
        StorageStack(app, environment),
        RegistryStack(app, environment),
        IdentityStack(
            app,
            environment,
            data_bucket_arn=DATA_BUCKET_ARN.import_from(environment),
            repository_arn=REPOSITORY_ARN.import_from(environment),
        ),
    ]
    text = "".join(json.dumps(Template.from_stack(stack).to_json()) for stack in stacks)
    assert "wealth-ops" not in text
    assert "us-east-1" not in text
    assert "-dev" not in text
    for name in (
        "acme-data-prod",
        "acme-ecr-prod",
        "acme-storage-prod:DataBucketArn",
        ":table/acme-*-prod",
        ":log-group:/aws/lambda/acme-*-prod",
        ":log-group:/acme/prod/*",
        ":function:acme-*-prod",
    ):
        assert name in text


def test_the_prefix_is_written_down_in_one_place_only() -> None:
    # Docstrings may give examples; whatever else is a string would be a second place to change.
    places = [
        path.relative_to(ROOT).as_posix()
        for part in ("stacks", "apps", "tools")
        for path in (ROOT / part).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if not isinstance(node, ast.Expr)
        for child in ast.iter_child_nodes(node)
        if isinstance(child, ast.Constant) and "wealth-ops" in str(child.value)
    ]
    assert places == ["stacks/core/environment.py"]


def test_what_would_be_deployed_was_reviewed(dev: Path) -> None:
    snapshots.check(dev, snapshots.FOLDER / "dev")
