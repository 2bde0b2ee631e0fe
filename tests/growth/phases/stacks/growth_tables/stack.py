"""GrowthTablesStack: the price table, as phase 1.1 adds it."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.core.base import DomainStack
from stacks.core.environment import Environment
from stacks.core.findings import acknowledge
from stacks.growth_tables import exports


class GrowthTablesStack(DomainStack):
    """A table that the shared roles reach by its name."""

    def __init__(self, scope: Construct, environment: Environment) -> None:
        super().__init__(
            scope,
            environment,
            domain="growth_tables",
            description="Table of prices",
            termination_protection=True,
        )
        table = dynamodb.Table(
            self,
            "Prices",
            table_name=environment.resource_name("growth-prices"),
            partition_key=dynamodb.Attribute(name="asset", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        acknowledge(
            table,
            "Point-in-time recovery keeps 35 days; a backup plan of the account may add more",
            "NIST.800.53.R5::NIST.800.53.R5-DynamoDBInBackupPlan",
        )
        acknowledge(
            table,
            "The key of DynamoDB encrypts every item; no reader has a key of its own",
            "checkov::CKV_AWS_119",
        )
        self.publish(exports.TABLE_NAME, table.table_name)
