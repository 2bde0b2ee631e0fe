"""A resource that the shared roles cannot reach is a finding of the synthesis."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from stacks.core.base import DomainStack
from stacks.core.name_checks import check_names
from stacks.core.templates import read_templates
from tests.stacks import ENVIRONMENT, new_test_app

KEY = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
SORT_KEY = dynamodb.Attribute(name="date", type=dynamodb.AttributeType.STRING)
SHARED_ROLE = "acme-identity-test:LambdaExecutionRoleArn"


@pytest.fixture
def stack() -> DomainStack:
    # With the credentials' account, names may contain a token.
    environment = replace(ENVIRONMENT, account=None)
    return DomainStack(new_test_app(), environment, domain="prices", description="Prices")


def findings(stack: cdk.Stack) -> list[tuple[str, str]]:
    """Each finding's rule and fault."""
    app = stack.node.root
    assert isinstance(app, cdk.App)
    templates = read_templates(Path(app.synth().directory))
    return [
        (finding.rule, finding.fault) for template in templates for finding in check_names(template)
    ]


def rules(stack: cdk.Stack) -> list[str]:
    return [rule for rule, _ in findings(stack)]


def table(
    stack: cdk.Stack, name: str | None = "acme-prices-test", *, protected: bool = True
) -> dynamodb.Table:
    return dynamodb.Table(
        stack,
        "Table",
        table_name=name,
        partition_key=KEY,
        sort_key=SORT_KEY,
        deletion_protection=protected,
    )


@pytest.mark.parametrize(
    "name",
    [
        "acme-prices-test",
        "acme-eu-prices-test",
        f"acme-{cdk.Aws.REGION}-test",
        f"acme-{cdk.Aws.ACCOUNT_ID}-test",
    ],
)
def test_a_table_with_a_name_of_the_environment_and_protection_has_no_finding(
    stack: DomainStack, name: str
) -> None:
    created = table(stack, name)
    created.add_global_secondary_index(index_name="by-date", partition_key=SORT_KEY)
    created.add_local_secondary_index(index_name="test", sort_key=SORT_KEY)
    assert findings(stack) == []


PATTERN = "outside acme-*-test, the pattern of the shared roles."
UNKNOWN = "has the name {}, which is known only at deployment and is {}"


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("prices", f"prices is {PATTERN}"),
        ("acme-test-alerts", f"acme-test-alerts is {PATTERN}"),
        ("acme-prices-prod", f"acme-prices-prod is {PATTERN}"),
        (None, f"has no name, and a generated name is {PATTERN}"),
        (
            f"acme-prices-{cdk.Aws.ACCOUNT_ID}",
            UNKNOWN.format("acme-prices-<AWS::AccountId>", PATTERN),
        ),
        (cdk.Fn.import_value("other:Name"), UNKNOWN.format("<other:Name>", PATTERN)),
        (cdk.Fn.sub("acme-${AWS::StackName}-test"), UNKNOWN.format("<unknown>", PATTERN)),
    ],
)
def test_a_table_with_another_name_is_a_finding(
    stack: DomainStack, name: str | None, fault: str
) -> None:
    table(stack, name)
    assert findings(stack) == [("TableName", f"The table {fault}")]


def test_an_index_whose_name_ends_in_the_environment_is_a_finding(stack: DomainStack) -> None:
    created = table(stack)
    created.add_global_secondary_index(index_name="by-id-test", partition_key=SORT_KEY)
    created.add_local_secondary_index(index_name=cdk.Aws.STACK_NAME, sort_key=KEY)
    fault = "The shared roles are denied the index {}: its name may end in -test."
    assert findings(stack) == [
        ("TableIndexName", fault.format("by-id-test")),
        ("TableIndexName", fault.format("<AWS::StackName>")),
    ]


def test_a_table_without_deletion_protection_is_a_finding(stack: DomainStack) -> None:
    table(stack, protected=False)
    assert findings(stack) == [
        ("TableDeletionProtection", "The table can be deleted with its data.")
    ]


@pytest.mark.parametrize(
    ("name", "protected", "found"),
    [
        ("acme-prices-test", [True, True], []),
        ("acme-prices-test", [True, False], ["TableDeletionProtection"]),
        ("acme-prices-test", [False, True], ["TableDeletionProtection"]),
        ("prices", [True, True], ["TableName"]),
    ],
)
def test_every_replica_of_a_global_table_is_checked(
    stack: DomainStack, name: str, protected: list[bool], found: list[str]
) -> None:
    replica = dynamodb.ReplicaTableProps(region="eu-west-1", deletion_protection=protected[1])
    dynamodb.TableV2(
        stack,
        "Table",
        table_name=name,
        partition_key=KEY,
        deletion_protection=protected[0],
        replicas=[replica],
    )
    assert rules(stack) == found


def role(stack: cdk.Stack, export: str = SHARED_ROLE) -> iam.IRole:
    arn = cdk.Fn.import_value(export)
    return iam.Role.from_role_arn(stack, "Role", arn, mutable=False)


def function(
    stack: cdk.Stack,
    role: iam.IRole | None,
    name: str | None = "acme-load-test",
    log_group: logs.ILogGroup | None = None,
) -> lambda_.Function:
    return lambda_.Function(
        stack,
        "Function",
        function_name=name,
        role=role,
        log_group=log_group,
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
    )


@pytest.mark.parametrize("group", ["/aws/lambda/acme-load-test", "/aws/lambda/acme-all-test", None])
def test_a_function_with_a_name_and_log_group_of_the_environment_has_no_finding(
    stack: DomainStack, group: str | None
) -> None:
    # Without a log group, the CDK adds one with the function's name.
    own = logs.LogGroup(stack, "Logs", log_group_name=group) if group else None
    function(stack, role(stack), log_group=own)
    assert findings(stack) == []


def test_a_function_without_a_name_is_a_finding(stack: DomainStack) -> None:
    function(stack, role(stack), name=None)
    fault = f"The function has no name, and a generated name is {PATTERN}"
    assert findings(stack) == [("FunctionName", fault)]


def test_a_function_without_a_log_group_is_a_finding(stack: DomainStack) -> None:
    without_group = function(stack, role(stack))
    assert without_group.node.try_remove_child("LogGroup")
    logs.LogGroup(stack, "Another", log_group_name="/aws/lambda/acme-other-test")
    fault = "The function has no log group; the shared roles cannot create one, so its output is "
    assert findings(stack) == [("FunctionLogGroup", f"{fault}lost.")]


LOGS_PATTERN = "outside /aws/lambda/acme-*-test, the pattern of the shared roles."


def same_arn(group: logs.LogGroup) -> logs.ILogGroup:
    return logs.LogGroup.from_log_group_arn(group, "Same", group.log_group_arn)


@pytest.mark.parametrize(
    ("name", "by", "fault"),
    [
        ("/acme/load", None, f"/acme/load is {LOGS_PATTERN}"),
        ("/acme/load", same_arn, f"/acme/load is {LOGS_PATTERN}"),
        ("/aws/lambda/acme-load-test", same_arn, None),
        (None, None, UNKNOWN.format("<Logs6819BB44>", LOGS_PATTERN)),
    ],
)
def test_a_log_group_of_a_function_is_found_by_its_reference(
    stack: DomainStack,
    name: str | None,
    by: Callable[[logs.LogGroup], logs.ILogGroup] | None,
    fault: str | None,
) -> None:
    group = logs.LogGroup(stack, "Logs", log_group_name=name)
    function(stack, role(stack), log_group=by(group) if by else group)
    expected = [("FunctionLogGroup", f"The log group {fault}")] if fault else []
    assert findings(stack) == expected


@pytest.mark.parametrize(
    "export", [None, "acme-identity-prod:RoleArn", "other-identity-test:RoleArn", "acme-test:Role"]
)
def test_a_function_with_another_role_is_not_checked(
    stack: DomainStack, export: str | None
) -> None:
    group = logs.LogGroup(stack, "Logs")
    function(stack, role(stack, export) if export else None, name=None, log_group=group)
    assert findings(stack) == []


def task(
    stack: cdk.Stack, logging: ecs.LogDriver | None, *roles: str, export: str = SHARED_ROLE
) -> None:
    shared = role(stack, export)
    definition = ecs.FargateTaskDefinition(
        stack,
        "Task",
        task_role=shared if "task" in roles else None,
        execution_role=shared if "execution" in roles else None,
    )
    image = ecs.ContainerImage.from_registry("image")
    definition.add_container("Load", image=image, logging=logging)


def to_log_group(stack: cdk.Stack, name: str | None) -> ecs.LogDriver:
    group = logs.LogGroup(stack, "Logs", log_group_name=name)
    return ecs.LogDrivers.aws_logs(stream_prefix="load", log_group=group)


TASK_PATTERN = "outside /acme/test/*, the pattern of the shared roles."


@pytest.mark.parametrize(
    ("roles", "name", "fault"),
    [
        (["task", "execution"], "/acme/test/load", None),
        (["task", "execution"], "/acme/load", f"/acme/load is {TASK_PATTERN}"),
        (["task"], None, UNKNOWN.format("<Logs6819BB44>", TASK_PATTERN)),
        (["execution"], None, UNKNOWN.format("<Logs6819BB44>", TASK_PATTERN)),
    ],
)
def test_a_task_under_a_shared_role_logs_to_a_log_group_of_the_environment(
    stack: DomainStack, roles: list[str], name: str | None, fault: str | None
) -> None:
    task(stack, to_log_group(stack, name), *roles)
    expected = [("TaskLogGroup", f"Container Load: The log group {fault}")] if fault else []
    assert findings(stack) == expected


def test_a_container_without_logging_is_a_finding_but_another_log_driver_is_not(
    stack: DomainStack,
) -> None:
    task(stack, None, "task")
    app = stack.node.root
    assert isinstance(app, cdk.App)
    other = DomainStack(app, ENVIRONMENT, domain="rates", description="Rates")
    task(other, ecs.LogDrivers.syslog(), "task")
    fault = "Container Load: It has no logging, so its output is lost."
    assert findings(stack) == [("TaskLogGroup", fault)]


def test_a_task_with_roles_of_its_own_is_not_checked(stack: DomainStack) -> None:
    task(stack, to_log_group(stack, None))
    assert findings(stack) == []


def test_a_stack_without_an_environment_is_not_checked(stack: DomainStack) -> None:
    app = stack.node.root
    assert isinstance(app, cdk.App)
    table(cdk.Stack(app, "Plain"), None)
    assert findings(stack) == []
