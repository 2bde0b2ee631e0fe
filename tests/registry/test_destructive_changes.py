"""The destructive changes that the guard finds when the registry stack changes."""

import aws_cdk as cdk
import pytest

from stacks.core.exports import Export
from stacks.registry.stack import RegistryStack
from tests.support import (
    ENVIRONMENT,
    Alteration,
    guard_findings,
    new_test_app,
    override,
    resource_of,
)


def publish_another(stack: cdk.Stack) -> None:
    assert isinstance(stack, RegistryStack)
    stack.publish(Export("registry", "Home", "Where"), "here")


CASES: dict[str, tuple[Alteration, list[str]]] = {
    "rename the repository": (
        override("Repository", RepositoryName="other"),
        [
            'Repository: is replaced: RepositoryName changes from "acme-ecr-test" to "other"',
            *(
                f"acme-registry-test:{key}: changes, because Repository22E53BBD is replaced"
                for key in ("RepositoryName", "RepositoryArn", "RepositoryUri")
            ),
        ],
    ),
    "make tags mutable": (
        override("Repository", ImageTagMutability="MUTABLE"),
        ['Repository: ImageTagMutability changes from "IMMUTABLE" to "MUTABLE"'],
    ),
    "delete the repository with the stack": (
        lambda stack: resource_of(stack, "Repository").apply_removal_policy(
            cdk.RemovalPolicy.DESTROY
        ),
        [
            'Repository: DeletionPolicy changes from "Retain" to "Delete"',
            'Repository: UpdateReplacePolicy changes from "Retain" to "Delete"',
        ],
    ),
    "let functions of all accounts pull images": (
        override("Repository", RepositoryPolicyText__Statement__0__Condition=None),
        [
            f"Repository: Service:lambda.amazonaws.com is allowed {action} on "
            "${Repository22E53BBD.Arn}"
            for action in ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
        ],
    ),
    "do not scan images": (override("Repository", ImageScanningConfiguration=None), []),
    "add an export": (publish_another, []),
}


def stack() -> RegistryStack:
    return RegistryStack(new_test_app(), ENVIRONMENT)


@pytest.fixture(scope="module")
def findings() -> dict[str, list[str]]:
    return guard_findings(stack, {name: alter for name, (alter, _) in CASES.items()})


@pytest.mark.parametrize("name", CASES)
def test_guard_finds_destructive_changes(name: str, findings: dict[str, list[str]]) -> None:
    assert findings[name] == CASES[name][1]
