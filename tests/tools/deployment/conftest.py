"""A deployment with two stacks, and a fake account in place of AWS and the CDK CLI."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from tools.cdk_cli.assembly import StackArtifact
from tools.cdk_cli.cdk import Done
from tools.deployment import bootstrap, deploy, destroy
from tools.deployment.deployed import UnreadableError
from tools.deployment.deployment import Deployment
from tools.deployment.options import Options
from tools.deployment.target import Kind, Target

ACCOUNT = "111122223333"
ROLES = StackArtifact("Roles", "acme-roles", None, "eu-central-1", frozenset({"Data"}), "R.json")
DATA = StackArtifact(
    id="Data",
    name="acme-data",
    account=None,
    region="eu-central-1",
    dependencies=frozenset(),
    template="Data.json",
    is_protected=True,
    version_parameter="/cdk-bootstrap/acme/version",
    deploy_role="arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-acme-deploy-role",
    execution_role="arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-cfn-exec-role-${AWS::AccountId}",
    tags={"Project": "acme"},
)


TEMPLATE = {"Resources": {"Bucket": {"DeletionPolicy": "RetainExceptOnCreate"}, "Role": {}}}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "AnyCall")


class FakeAccount:
    """What is deployed. `stacks` has what CloudFormation returns for each stack, by its name."""

    def __init__(self) -> None:
        self.stacks: dict[str, dict[str, Any]] = {}
        self.unreadable: set[str] = set()
        self.unchangeable: set[str] = set()
        self.interrupted: set[str] = set()
        self.undeletable = False
        self.deleted: list[str] = []
        self.contents: dict[str, dict[str, str]] = {}
        """The type of each resource by its logical id, by the name of the stack."""
        self.templates: dict[str, object] = {}
        self.validations: list[str] = []
        self.left: list[str] = []
        self.client = Mock()
        """The client of each other service."""
        self.cdk = Mock(return_value=Done(0, ""))

    def deploy(self, stack: StackArtifact, status: str = "CREATE_COMPLETE") -> None:
        protection = {"EnableTerminationProtection": stack.is_protected}
        self.stacks[stack.name] = {"StackStatus": status, **protection}

    def is_protected(self, stack: StackArtifact) -> bool:
        return bool(self.stacks[stack.name]["EnableTerminationProtection"])

    def session(self, _: object) -> Mock:
        return Mock(client=Mock(return_value=self.client))

    def find(self, stack: StackArtifact) -> dict[str, Any] | None:
        if stack.name in self.unreadable:
            raise UnreadableError("AccessDenied")
        return self.stacks.get(stack.name)

    def resources(self, stack: StackArtifact) -> list[dict[str, str]]:
        if self.stacks[stack.name]["StackStatus"] == "REVIEW_IN_PROGRESS":
            return []
        status = "DELETE_FAILED" if self.undeletable else "CREATE_COMPLETE"
        result = {"ResourceStatus": status, "ResourceStatusReason": "in use"}
        return [
            {"LogicalResourceId": key, "ResourceType": kind, "PhysicalResourceId": key.lower()}
            | result
            for key, kind in self.contents.get(stack.name, {}).items()
        ] + [{"LogicalResourceId": "New", "ResourceType": "AWS::SNS::Topic", "ResourceStatus": ""}]

    def template(self, stack: StackArtifact) -> object:
        return self.templates.get(stack.name, TEMPLATE)

    def failed_validations(self, _: object) -> list[str]:
        return self.validations

    def left_by_creation(self, _: object) -> list[str]:
        return self.left

    def others(self, _: object) -> list[StackArtifact]:
        return []

    def importers(self, *_: object) -> set[str]:
        return set()

    def delete(self, stack: StackArtifact) -> None:
        if self.undeletable:
            raise refused("DependencyViolation")
        assert not self.is_protected(stack)
        del self.stacks[stack.name]
        self.deleted.append(stack.id)

    def set_protection(self, stack: StackArtifact, *, on: bool) -> None:
        if stack.name in self.unchangeable:
            raise refused("AccessDenied")
        self.stacks[stack.name]["EnableTerminationProtection"] = on
        if stack.name in self.interrupted and not on:
            raise KeyboardInterrupt


Prepare = Callable[..., Deployment]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> FakeAccount:
    """The account for all deployments, and the CDK CLI."""
    fake = FakeAccount()
    monkeypatch.setattr(Deployment, "deployed", fake)
    monkeypatch.setattr(Deployment, "cdk", fake.cdk)
    monkeypatch.setattr(deploy, "leave_out", lambda deployment: deployment)  # end_to_end/
    monkeypatch.setattr(deploy, "check_rights", Mock())  # test_execution
    monkeypatch.setattr(bootstrap, "policies_for_bootstrap", lambda *_: ["arn:one", "arn:two"])
    return fake


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepare:
    """Make the verbs use the deployment that the function returns."""

    def new(
        kind: Kind = "aws", artifacts: Sequence[StackArtifact] = (DATA, ROLES), **settings: object
    ) -> Deployment:
        values: dict[str, Any] = {"verb": "deploy", "environment": "test", "yes": True, **settings}
        target = Target(kind, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
        deployment = Deployment(Options(**values), target, tmp_path, artifacts, artifacts)

        @contextmanager
        def prepare(*_: object, **__: object) -> Iterator[Deployment]:
            yield deployment

        for module in (bootstrap, deploy, destroy):
            monkeypatch.setattr(module, "prepare", prepare)
        return deployment

    return new
