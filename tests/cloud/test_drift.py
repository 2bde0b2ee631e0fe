"""`drift` prints one line for each property that was changed by hand."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from stacks.core.environment import Environment
from tests.cloud.conftest import Tools
from tools.assembly import StackArtifact
from tools.deployment import compare
from tools.deployment.operation import Operation
from tools.deployment.options import Options
from tools.targets import Target


@pytest.fixture
def roles(deployed_cloud: object) -> Iterator[dict[str, str]]:
    """The deployed roles and their descriptions, which are restored afterwards."""
    del deployed_cloud
    cloudformation, iam = boto3.client("cloudformation"), boto3.client("iam")
    exports = cloudformation.list_exports()["Exports"]
    keys = ("FargateTaskRoleArn", "LambdaExecutionRoleArn")
    ours = [Environment().export_name("identity", key) for key in keys]
    arns = [export["Value"] for export in exports if export["Name"] in ours]
    names = [arn.rpartition("/")[2] for arn in arns]
    found = {name: iam.get_role(RoleName=name)["Role"]["Description"] for name in names}
    yield found
    for name, description in found.items():
        iam.update_role(RoleName=name, Description=description)


def test_each_changed_property_has_a_line(
    tools: Tools, here: dict[str, str], roles: dict[str, str]
) -> None:
    for name in roles:
        boto3.client("iam").update_role(RoleName=name, Description="Anything")
    status, output = tools("drift", "--to", "local", **here)
    assert status == 1
    lines = [line for line in output.splitlines() if " -> " in line]
    assert sorted(lines) == sorted(
        f"IdentityStack {role} /Description: {description} -> Anything"
        for role in ("FargateTaskRole", "LambdaExecutionRole")
        for name, description in roles.items()
        if role in name
    )
    assert len(lines) == 2


class Pages:
    """CloudFormation with two pages of drift."""

    def describe_stack_resource_drifts(self, **request: object) -> object:
        assert request["StackResourceDriftStatusFilters"] == ["MODIFIED", "DELETED"]
        if "NextToken" not in request:
            deleted = {"LogicalResourceId": "Role1", "StackResourceDriftStatus": "DELETED"}
            return {"StackResourceDrifts": [deleted], "NextToken": "more"}
        assert request["NextToken"] == "more"
        difference = {"PropertyPath": "/Path", "ExpectedValue": "/", "ActualValue": "/x/"}
        changed = {
            "LogicalResourceId": "NotInTheAssembly",
            "StackResourceDriftStatus": "MODIFIED",
            "PropertyDifferences": [difference, difference | {"PropertyPath": "/Other"}],
        }
        return {"StackResourceDrifts": [changed]}


def test_all_pages_and_deleted_resources_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = {"Metadata": {"aws:cdk:path": "AStack/Role/Resource"}}
    template = {"Resources": {"Role1": resource}}
    (tmp_path / "AStack.template.json").write_text(json.dumps(template))
    stack = StackArtifact("AStack", "a", None, "us-east-1", frozenset(), "AStack.template.json")
    monkeypatch.setattr(Operation, "cloudformation", lambda *_: Pages())
    target = Target("aws", "111122223333", "arn:aws:iam::111122223333:root")
    op = Operation(Options("drift"), target, tmp_path, [stack])
    assert list(compare._differences(op, stack)) == [
        "AStack Role: deleted",
        "AStack NotInTheAssembly /Path: / -> /x/",
        "AStack NotInTheAssembly /Other: / -> /x/",
    ]
