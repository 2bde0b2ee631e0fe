"""The task has the shared role, and logs where the role may write."""

from collections.abc import Callable

from aws_cdk.assertions import Template

from stacks.growth_tasks.stack import GrowthTasksStack
from tests.stacks import ENVIRONMENT, new_test_app


def test_the_task_runs_under_the_shared_role() -> None:
    role = "arn:aws:iam::111122223333:role/tasks"
    stack = GrowthTasksStack(
        new_test_app(), ENVIRONMENT, task_role_arn=role, repository_uri="images"
    )
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ECS::TaskDefinition", {"TaskRoleArn": role, "ExecutionRoleArn": role}
    )
    template.has_resource_properties("AWS::Logs::LogGroup", {"LogGroupName": "/acme/test/growth"})


def test_the_app_has_this_stack_with_the_reviewed_exports(check_app: Callable[[], None]) -> None:
    check_app()
