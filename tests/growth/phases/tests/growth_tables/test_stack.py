"""The table survives its stack, and has a name that the shared roles reach."""

from collections.abc import Callable

from aws_cdk.assertions import Template

from stacks.growth_tables.stack import GrowthTablesStack
from tests.stacks import ENVIRONMENT, new_test_app


def test_the_table_is_retained_protected_and_named_by_the_contract() -> None:
    stack = GrowthTablesStack(new_test_app(), ENVIRONMENT)
    assert stack.termination_protection
    Template.from_stack(stack).has_resource(
        "AWS::DynamoDB::Table",
        {
            "Properties": {
                "TableName": "acme-growth-prices-test",
                "DeletionProtectionEnabled": True,
            },
            "DeletionPolicy": "Retain",
        },
    )


def test_the_app_has_this_stack_with_the_reviewed_exports(check_app: Callable[[], None]) -> None:
    check_app()
