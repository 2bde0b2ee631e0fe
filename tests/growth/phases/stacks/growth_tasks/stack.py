"""GrowthTasksStack: a Fargate task in a VPC, as a later phase trains models."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.core.base import DomainStack
from stacks.core.environment import Environment
from stacks.core.findings import acknowledge
from stacks.growth_tasks import exports


class GrowthTasksStack(DomainStack):
    """A VPC, a cluster and the task definition."""

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        task_role_arn: str,
        repository_uri: str,
    ) -> None:
        super().__init__(scope, environment, domain="growth_tasks", description="Training in a VPC")
        vpc = ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=0)
        cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=environment.resource_name("growth"),
            vpc=vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
        )
        role = iam.Role.from_role_arn(self, "TaskRole", task_role_arn, mutable=False)
        task = ecs.FargateTaskDefinition(
            self, "Train", cpu=256, memory_limit_mib=512, task_role=role, execution_role=role
        )
        group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/{environment.project}/{environment.name}/growth",
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        task.add_container(
            "train",
            image=ecs.ContainerImage.from_registry(f"{repository_uri}:v1"),
            logging=ecs.LogDrivers.aws_logs(stream_prefix="train", log_group=group),
            readonly_root_filesystem=True,
        )
        self.publish(exports.CLUSTER_ARN, cluster.cluster_arn)
        self._acknowledge_findings(vpc, group)

    def _acknowledge_findings(self, vpc: ec2.Vpc, group: logs.LogGroup) -> None:
        nist = "NIST.800.53.R5::NIST.800.53.R5"
        acknowledge(
            vpc,
            "Tasks need the internet for market data; nothing listens in this VPC",
            "AwsSolutions::AwsSolutions-VPC7",
            f"{nist}-VPCFlowLogsEnabled",
            f"{nist}-VPCNoUnrestrictedRouteToIGW",
            f"{nist}-VPCSubnetAutoAssignPublicIpDisabled",
        )
        acknowledge(
            group,
            "CloudWatch Logs encrypts every log group",
            f"{nist}-CloudWatchLogGroupEncrypted",
            "checkov::CKV_AWS_158",
        )
        # The CDK's function that closes a VPC's default security group.
        acknowledge(
            self,
            "The function runs once for each deploy that changes the VPC",
            "checkov::CKV_AWS_115",
            "checkov::CKV_AWS_116",
            "checkov::CKV_AWS_117",
        )
