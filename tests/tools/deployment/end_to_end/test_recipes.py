"""The recipes in docs/changing.md, walked on the local cloud: the data survives each.

The tests are one history: each begins with what the test before it deployed.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import boto3
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from botocore.exceptions import ClientError

from stacks.core.base import DomainStack
from stacks.core.environment import Environment
from stacks.core.exports import Export
from tests.clouds import Tools
from tools.cdk_cli import cdk as cli

pytestmark = pytest.mark.usefixtures("entered_cloud")
ENVIRONMENT = Environment(project="recipes")
BUCKET = ENVIRONMENT.resource_name("data")
TABLE = ENVIRONMENT.resource_name("prices")
ITEM = {"asset": {"S": "AAPL"}}
ADOPT = "--import-existing-resources"
# The logical ids of a table with the construct ids Prices and Quotes.
PRICES = "PricesEF2AB66A"
QUOTES = "Quotes4DCFF1CF"
Step = Callable[[cdk.App], None]
Run = Callable[..., None]


def add_stack(app: cdk.App, domain: str) -> DomainStack:
    """A stack with a topic, because CloudFormation refuses an empty stack."""
    stack = DomainStack(app, ENVIRONMENT, domain=domain, description=domain)
    sns.CfnTopic(stack, "Topic")
    return stack


def add_bucket(stack: DomainStack) -> None:
    """Add a bucket, which is retained."""
    s3.Bucket(stack, "Data", bucket_name=BUCKET, removal_policy=cdk.RemovalPolicy.RETAIN)


def add_table(stack: DomainStack, construct: str = "Prices") -> dynamodb.Table:
    """Add a table, which is retained, and has the same name whatever its construct id."""
    return dynamodb.Table(
        stack,
        construct,
        table_name=TABLE,
        partition_key=dynamodb.Attribute(name="asset", type=dynamodb.AttributeType.STRING),
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )


def publish(exporter: DomainStack, arn: str) -> Export:
    """Export the table's ARN."""
    export = Export(exporter.domain, "TableArn", "ARN of the table")
    exporter.publish(export, arn)
    return export


def add_reader(app: cdk.App, exporter: DomainStack, export: Export) -> None:
    """Add a stack that imports the table's ARN."""
    reader = add_stack(app, "reader")
    # Another id for another export: MiniStack ignores an import that changes to the same value.
    sns.CfnTopic(reader, exporter.node.id, display_name=export.import_from(ENVIRONMENT))
    reader.add_stack_dependency(exporter)


def first(app: cdk.App) -> None:
    """The table in one stack, the bucket in another, and a stack that imports the table's ARN."""
    alpha, beta = add_stack(app, "alpha"), add_stack(app, "beta")
    add_bucket(beta)
    add_reader(app, alpha, publish(alpha, add_table(alpha).table_arn))


def renamed(app: cdk.App) -> None:
    """Another construct id, the same logical id, and the tag of the stack to which it moves."""
    alpha, beta = add_stack(app, "alpha"), add_stack(app, "beta")
    add_bucket(beta)
    alpha.rename_logical_id(QUOTES, PRICES)
    table = add_table(alpha, "Quotes")
    cdk.Tags.of(table).add("Stack", "beta", priority=300)
    add_reader(app, alpha, publish(alpha, table.table_arn))


def imported_elsewhere(app: cdk.App) -> None:
    """Nothing imports the old export: another stack exports the same value."""
    alpha, beta = add_stack(app, "alpha"), add_stack(app, "beta")
    add_bucket(beta)
    sns.CfnTopic(beta, "Another")  # MiniStack ignores a change of outputs alone
    publish(alpha, add_table(alpha).table_arn)
    add_reader(app, beta, publish(beta, beta.arn("dynamodb", f"table/{TABLE}")))


def released(app: cdk.App) -> None:
    """The table and its export have left the old stack."""
    add_stack(app, "alpha")
    beta = add_stack(app, "beta")
    add_bucket(beta)
    add_reader(app, beta, publish(beta, beta.arn("dynamodb", f"table/{TABLE}")))


def moved(app: cdk.App, domain: str = "beta") -> None:
    """The table and the bucket in one stack."""
    add_stack(app, "alpha")
    beta = add_stack(app, domain)
    add_bucket(beta)
    add_reader(app, beta, publish(beta, add_table(beta).table_arn))


def renamed_domain(app: cdk.App) -> None:
    """The domain of the table and the bucket has another name."""
    moved(app, "gamma")


STEPS = (first, renamed, imported_elsewhere, released, moved, renamed_domain)


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each step's cloud assembly."""
    folder = tmp_path_factory.mktemp("apps")
    for step in STEPS:
        app = cdk.App(outdir=str(folder / step.__name__), analytics_reporting=False)
        step(app)
        app.synth()
    return {step.__name__: folder / step.__name__ for step in STEPS}


@pytest.fixture
def run(tools: Tools, here: dict[str, str], apps: dict[str, Path]) -> Run:
    """Run a verb for the stacks in a step; it must succeed."""

    def succeed(verb: str, step: Step, *flags: str) -> None:
        done = tools(verb, "--to=local", *flags, app=apps[step.__name__], **here)
        assert done.status == 0, done.output

    return succeed


@pytest.fixture
def refactor(apps: dict[str, Path]) -> Callable[[Step], str]:
    """What `cdk refactor` would do for a step: only AWS does it."""

    def dry_run(step: Step) -> str:
        flags = ("--unstable=refactor", "--dry-run", f"--app={apps[step.__name__]}")
        command = cli.command("refactor", *flags)
        variables = os.environ | cli.VARIABLES
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    return dry_run


def put_data() -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="raw/AAPL.parquet", Body=b"1")
    boto3.client("dynamodb").put_item(TableName=TABLE, Item=ITEM)


def has_data() -> bool:
    body = boto3.client("s3").get_object(Bucket=BUCKET, Key="raw/AAPL.parquet")["Body"].read()
    items = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    return body == b"1" and items == [ITEM]


def owner(kind: str) -> tuple[str, str]:
    """The stack that has the only resource of a type, and the resource's logical id."""
    stacks = boto3.client("cloudformation")
    found = [
        (stack["StackName"], resource["LogicalResourceId"])
        for stack in stacks.describe_stacks()["Stacks"]
        if stack["StackName"].startswith(f"{ENVIRONMENT.project}-")
        for resource in stacks.list_stack_resources(StackName=stack["StackName"])[
            "StackResourceSummaries"
        ]
        if resource["ResourceType"] == kind
    ]
    (only,) = found
    return only


def test_a_renamed_construct_keeps_its_table_if_it_keeps_its_logical_id(
    run: Run,
) -> None:
    run("deploy", first)
    put_data()
    run("deploy", renamed, "AlphaStack")
    assert owner("AWS::DynamoDB::Table") == (ENVIRONMENT.stack_name("alpha"), PRICES)
    assert has_data()


def test_a_table_moves_to_another_stack_when_nothing_imports_its_old_export(
    run: Run, refactor: Callable[[Step], str]
) -> None:
    assert f"{ENVIRONMENT.stack_name('beta')}.{PRICES}" in refactor(moved)
    run("deploy", imported_elsewhere)
    stacks = boto3.client("cloudformation")
    old = ENVIRONMENT.export_name("alpha", "TableArn")
    with pytest.raises(ClientError, match="is not imported by any stack"):
        stacks.list_imports(ExportName=old)
    run("deploy", released, "AlphaStack")
    (alpha,) = stacks.describe_stacks(StackName=ENVIRONMENT.stack_name("alpha"))["Stacks"]
    assert alpha["Outputs"] == []
    assert has_data()
    run("deploy", moved, "BetaStack", ADOPT)
    assert owner("AWS::DynamoDB::Table") == (ENVIRONMENT.stack_name("beta"), PRICES)
    assert has_data()


def test_a_domain_is_renamed_when_its_stack_is_destroyed_and_another_one_adopts_its_data(
    run: Run,
) -> None:
    run("destroy", moved, "BetaStack", "--yes")
    assert has_data()
    run("deploy", renamed_domain, ADOPT)
    for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket"):
        assert owner(kind)[0] == ENVIRONMENT.stack_name("gamma")
    assert has_data()
