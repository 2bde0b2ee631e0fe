"""The state machine runs the function, which has the bucket and table names."""

import json
from collections.abc import Callable

from aws_cdk.assertions import Template

from stacks.growth_ingest.stack import GrowthIngestStack
from tests.stacks import ENVIRONMENT, new_test_app


def test_the_state_machine_runs_the_function_with_retries() -> None:
    stack = GrowthIngestStack(
        new_test_app(),
        ENVIRONMENT,
        lambda_role_arn="arn:aws:iam::111122223333:role/functions",
        bucket_name="data",
        table_name="prices",
    )
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "FunctionName": "acme-growth-ingest-test",
            "Environment": {"Variables": {"BUCKET": "data", "TABLE": "prices"}},
        },
    )
    (machine,) = template.find_resources("AWS::StepFunctions::StateMachine").values()
    assert '\\"MaxAttempts\\":2' in json.dumps(machine["Properties"]["DefinitionString"])


def test_the_app_has_this_stack_with_the_reviewed_exports(check_app: Callable[[], None]) -> None:
    check_app()
