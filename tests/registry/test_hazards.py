"""What the guard stops, and what passes, when somebody changes the registry stack."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.core.exports import Export
from stacks.registry.stack import RegistryStack
from tests.hazards import Case, Change, made_with, said_to, then

REPOSITORY = "Repository (AWS::ECR::Repository)"


def stack() -> RegistryStack:
    return RegistryStack(new_app(), Environment())


def with_repository(**arguments: object) -> Change:
    """The stack, if its repository is made with other arguments."""
    return made_with(stack, ecr, "Repository", "Repository", arguments)


def describe_export(changed: RegistryStack) -> None:
    output = changed.node.find_child("RepositoryName")
    assert isinstance(output, cdk.CfnOutput)
    output.description = "In other words"


CASES = {
    "rename the repository": Case(
        with_repository(repository_name="other-ecr-dev"),
        f"{REPOSITORY} is replaced: RepositoryName changes from "
        '"wealth-ops-ecr-dev" to "other-ecr-dev"',
    ),
    "make images mutable": Case(
        with_repository(image_tag_mutability=ecr.TagMutability.MUTABLE),
        f'{REPOSITORY}: ImageTagMutability changes from "IMMUTABLE" to "MUTABLE"',
    ),
    "drop retention": Case(
        with_repository(removal_policy=cdk.RemovalPolicy.DESTROY),
        f'{REPOSITORY}: DeletionPolicy changes from "Retain" to "Delete"',
        f'{REPOSITORY}: UpdateReplacePolicy changes from "Retain" to "Delete"',
    ),
    "scan no more": Case(with_repository(image_scan_on_push=False)),
    "add an export": Case(
        then(stack, lambda stack: stack.publish(Export("registry", "Home", "Where"), "here"))
    ),
    "describe an export in other words": Case(then(stack, describe_export)),
}


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    return said_to(CASES, stack())


@pytest.mark.parametrize("name", CASES)
def test_what_the_guard_says_to(name: str, said: dict[str, list[str]]) -> None:
    assert said[name] == CASES[name].said
