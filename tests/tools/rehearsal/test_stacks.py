"""Recorded stacks are read with their account and region, in the order of their imports."""

from tests.tools.rehearsal.recorded import ENVIRONMENT, recorded
from tools.cdk_cli.assembly import Json
from tools.local_cloud.client import ACCOUNT, REGION
from tools.rehearsal import stacks


def test_a_stack_follows_those_that_it_imports_from() -> None:
    found = stacks.read(recorded(ENVIRONMENT, "000000000012"))
    assert [(stack.path, stack.name) for stack in found] == [
        ("test/Store", "test12-store"),
        ("test/Roles", "test12-roles"),
    ]
    assert {(stack.account, stack.region) for stack in found} == {("000000000012", REGION)}


def test_a_stack_for_any_account_has_the_account_of_the_local_cloud() -> None:
    (stack, _) = stacks.read(recorded(ENVIRONMENT, "unknown-account"))
    assert stack.account == ACCOUNT


def test_a_resource_has_its_construct_path() -> None:
    topic: Json = {
        "Type": "AWS::SNS::Topic",
        "Metadata": {"aws:cdk:path": "Store/Data/Resource"},
    }
    store: Json = {"Resources": {"Data1234": topic, "Other": {"Type": "AWS::SNS::Topic"}}}
    (stack,) = stacks.read(recorded({"Store": store}, "000000000012"))
    assert stack.resource("Data1234") == "test/Store/Data"
    assert stack.resource("Other") == "test/Store/Other"
