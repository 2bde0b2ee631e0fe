"""Two domains as later phases may add them, beside the foundation: `-m tests.cloud.phases`."""

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.core.app import new_app
from stacks.core.base import DomainStack
from stacks.core.environment import Environment
from stacks.core.exports import Export
from stacks.core.findings import acknowledge, wildcards
from stacks.core.function import PythonFunction
from stacks.identity.exports import LAMBDA_EXECUTION_ROLE_ARN
from stacks.identity.stack import IdentityStack
from stacks.registry.exports import REPOSITORY_ARN
from stacks.registry.stack import RegistryStack
from stacks.storage.exports import DATA_BUCKET_ARN, DATA_BUCKET_NAME
from stacks.storage.stack import StorageStack

NIST = "NIST.800.53.R5::NIST.800.53.R5-"
REASON = "Test: the reason does not matter."
TABLE_NAME = Export("prices", "TableName", "Name of the table of prices")
STATE_MACHINE_ARN = Export("ingestion", "StateMachineArn", "ARN of the ingestion")
# The code in src/modules/phases of a copy of the repository (tests/cloud/test_phases.py).
HANDLER = """
import os

import boto3

from modules.data_bucket.keys import Tier, object_key

def handler(event, context):
    key = object_key(Tier.RAW, event["asset"])
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=key, Body=b"PAR1")
    table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
    table.put_item(Item={"asset": event["asset"], "key": key})
"""


class PricesStack(DomainStack):
    """A table with a stream."""

    def __init__(self, scope: Construct, environment: Environment) -> None:
        super().__init__(scope, environment, domain="prices", description="Table of prices")
        table = dynamodb.Table(
            self,
            "Table",
            table_name=environment.resource_name("prices"),
            partition_key=dynamodb.Attribute(name="asset", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            stream=dynamodb.StreamViewType.NEW_IMAGE,
            deletion_protection=True,
        )
        acknowledge(table, REASON, f"{NIST}DynamoDBInBackupPlan", "checkov::CKV_AWS_119")
        self.publish(TABLE_NAME, table.table_name)


class IngestionStack(DomainStack):
    """A state machine that runs a function under the role of the identity stack."""

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        role_arn: str,
        bucket_name: str,
        table_name: str,
    ) -> None:
        super().__init__(scope, environment, domain="ingestion", description="Ingestion of prices")
        function = PythonFunction(
            self,
            "Function",
            label="ingestion",
            handler="modules.phases.handler.handler",
            role_arn=role_arn,
            environment={"BUCKET": bucket_name, "TABLE": table_name},
        )
        run = tasks.LambdaInvoke(self, "Ingest", lambda_function=function)
        definition = sfn.DefinitionBody.from_chainable(run)
        machine = sfn.StateMachine(self, "StateMachine", definition_body=definition)
        acknowledge(
            machine,
            REASON,
            "AwsSolutions::AwsSolutions-SF1",
            "AwsSolutions::AwsSolutions-SF2",
            f"{NIST}IAMNoInlinePolicy",
            *wildcards(self, [], [f"{function.function_arn}:*"]),
        )
        self.publish(STATE_MACHINE_ARN, machine.state_machine_arn)


def main() -> None:
    """Synthesize the stacks of the foundation with both stacks."""
    app, environment = new_app(), Environment()
    storage = StorageStack(app, environment)
    registry = RegistryStack(app, environment)
    identity = IdentityStack(
        app,
        environment,
        data_bucket_arn=DATA_BUCKET_ARN.import_from(environment),
        repository_arn=REPOSITORY_ARN.import_from(environment),
    )
    prices = PricesStack(app, environment)
    ingestion = IngestionStack(
        app,
        environment,
        role_arn=LAMBDA_EXECUTION_ROLE_ARN.import_from(environment),
        bucket_name=DATA_BUCKET_NAME.import_from(environment),
        table_name=TABLE_NAME.import_from(environment),
    )
    identity.add_stack_dependency(storage)
    identity.add_stack_dependency(registry)
    for exporter in (prices, identity, storage):
        ingestion.add_stack_dependency(exporter)
    app.synth()


if __name__ == "__main__":
    main()
