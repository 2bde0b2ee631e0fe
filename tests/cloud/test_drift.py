"""What was changed by hand is named in a line for each property."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest

from tests.cloud.conftest import Tools
from tools.assembly import StackArtifact
from tools.deployment import compare
from tools.deployment.operation import Operation, Options
from tools.local_cloud.client import LocalCloud
from tools.targets import Target


@pytest.fixture
def roles(deployed_cloud: LocalCloud) -> Iterator[dict[str, str]]:
    """The deployed roles and their descriptions, which are put back afterwards."""
    del deployed_cloud
    iam = boto3.client("iam")
    found = {role["RoleName"]: role["Description"] for role in iam.list_roles()["Roles"]}
    found = {name: found[name] for name in found if "wealth-ops-id" in name}
    yield found
    for name, description in found.items():
        iam.update_role(RoleName=name, Description=description)


def test_each_property_that_was_changed_has_its_line(
    tools: Tools, local: dict[str, str], roles: dict[str, str]
) -> None:
    for name in roles:
        boto3.client("iam").update_role(RoleName=name, Description="Anything")
    status, output = tools("drift", "--to", "local", **local)
    assert status == 1
    lines = [line for line in output.splitlines() if " -> " in line]
    assert sorted(lines) == [
        f"IdentityStack {role} /Description: {description} -> Anything"
        for role in ("FargateTaskRole", "LambdaExecutionRole")
        for name, description in roles.items()
        if role in name
    ]
    assert len(lines) == len(roles) == 2


class Pages:
    """CloudFormation with more drift than fits on a page."""

    def describe_stack_resource_drifts(self, **asked: object) -> object:
        assert asked["StackResourceDriftStatusFilters"] == ["MODIFIED", "DELETED"]
        if "NextToken" not in asked:
            gone = {"LogicalResourceId": "Role1", "StackResourceDriftStatus": "DELETED"}
            return {"StackResourceDrifts": [gone], "NextToken": "more"}
        assert asked["NextToken"] == "more"
        difference = {"PropertyPath": "/Path", "ExpectedValue": "/", "ActualValue": "/x/"}
        changed = {
            "LogicalResourceId": "NotInTheAssembly",
            "StackResourceDriftStatus": "MODIFIED",
            "PropertyDifferences": [difference, difference | {"PropertyPath": "/Other"}],
        }
        return {"StackResourceDrifts": [changed]}


def test_all_pages_are_read_and_what_was_deleted_is_named(tmp_path: Path) -> None:
    resource = {"Metadata": {"aws:cdk:path": "AStack/Role/Resource"}}
    template = {"Resources": {"Role1": resource}}
    (tmp_path / "AStack.template.json").write_text(json.dumps(template))
    stack = StackArtifact("AStack", "a", None, "us-east-1", frozenset(), "AStack.template.json")
    session = SimpleNamespace(client=lambda *_, **__: Pages())
    target = Target("aws", "111122223333", session)  # type: ignore[arg-type]  # one call of it
    op = Operation(Options("drift"), target, tmp_path, [stack])
    assert list(compare._differences(op, stack)) == [
        "AStack Role: deleted",
        "AStack NotInTheAssembly /Path: / -> /x/",
        "AStack NotInTheAssembly /Other: / -> /x/",
    ]
