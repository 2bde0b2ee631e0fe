"""The destructive changes that the guard finds when the registry stack changes."""

import aws_cdk as cdk

from stacks.core.exports import Export
from stacks.registry.stack import RegistryStack
from tests.support import (
    ENVIRONMENT,
    GuardCase,
    check_guard,
    new_test_app,
    override,
    resource_of,
)


def publish_another(stack: cdk.Stack) -> None:
    assert isinstance(stack, RegistryStack)
    stack.publish(Export("registry", "Home", "Where"), "here")


EXPORTS = (
    *("acme-registry-test:RepositoryName", "acme-registry-test:RepositoryArn"),
    "acme-registry-test:RepositoryUri",
)
CASES: dict[str, GuardCase] = {
    "rename the repository": (
        override("Repository", RepositoryName="other"),
        *("Repository", *EXPORTS),
    ),
    "make tags mutable": (override("Repository", ImageTagMutability="MUTABLE"), "Repository"),
    "do not retain the repository": (
        lambda stack: resource_of(stack, "Repository").apply_removal_policy(
            cdk.RemovalPolicy.DESTROY
        ),
        "Repository",
    ),
    "let functions of all accounts pull images": (
        override("Repository", RepositoryPolicyText__Statement__0__Condition=None),
        "Repository",
    ),
    "do not scan images": (override("Repository", ImageScanningConfiguration=None),),
    "add an export": (publish_another,),
}


def stack() -> RegistryStack:
    return RegistryStack(new_test_app(), ENVIRONMENT)


def test_guard_finds_destructive_changes() -> None:
    check_guard(stack, CASES)
