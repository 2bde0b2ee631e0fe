"""GrowthIngestStack: a state machine that runs a function for each event, as phase 1.2 adds it."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.core.base import DomainStack
from stacks.core.environment import Environment
from stacks.core.findings import acknowledge, wildcards
from stacks.core.function import PythonFunction
from stacks.growth_ingest import exports


class GrowthIngestStack(DomainStack):
    """A function under the shared role, a state machine with retries, and a daily rule."""

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        lambda_role_arn: str,
        bucket_name: str,
        table_name: str,
    ) -> None:
        super().__init__(
            scope, environment, domain="growth_ingest", description="Ingestion of prices"
        )
        function = PythonFunction(
            self,
            "Ingest",
            label="growth-ingest",
            handler="modules.growth_ingest.ingest.handler",
            role_arn=lambda_role_arn,
            dependency_group="growth-ingest",
            timeout=cdk.Duration.minutes(1),
            environment={"BUCKET": bucket_name, "TABLE": table_name},
        )
        run = tasks.LambdaInvoke(
            self, "Store", lambda_function=function, retry_on_service_exceptions=False
        )
        run.add_retry(max_attempts=2, interval=cdk.Duration.seconds(1))
        machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=environment.resource_name("growth-ingest"),
            definition_body=sfn.DefinitionBody.from_chainable(run),
        )
        rule = events.Rule(
            self,
            "EachDay",
            schedule=events.Schedule.cron(hour="5", minute="0"),
            targets=[targets.SfnStateMachine(machine)],
        )
        acknowledge(
            rule,
            "The next day's run also ingests a missed day",
            "Serverless::Serverless-EventBusDLQ",
        )
        acknowledge(
            machine,
            "The history of an execution has every event, for 90 days",
            "AwsSolutions::AwsSolutions-SF1",
            "AwsSolutions::AwsSolutions-SF2",
            "Serverless::Serverless-StepFunctionStateMachineXray",
        )
        acknowledge(
            machine,
            "The CDK writes the policies of the state machine and its rule",
            "NIST.800.53.R5::NIST.800.53.R5-IAMNoInlinePolicy",
        )
        acknowledge(
            machine,
            "The state machine invokes all versions of one function",
            *wildcards(self, [], [f"{function.function_arn}:*"]),
        )
        self.publish(exports.STATE_MACHINE_ARN, machine.state_machine_arn)
