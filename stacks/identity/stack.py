"""IdentityStack: the roles that functions and tasks run as, and all that they may do."""

from typing import NamedTuple

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.core.base import DomainStack
from stacks.core.environment import Environment
from stacks.core.findings import acknowledge, wildcards
from stacks.identity import exports


class Grant(NamedTuple):
    """One row of the permission table: what a role may do, to which ARN (pattern), and why.

    `accepted` are the rules of iam-policy-validator that it breaks for that reason.
    """

    sid: str
    actions: list[str]
    resource: str
    why: str
    accepted: tuple[str, ...] = ()

    def statement(self) -> iam.PolicyStatement:
        """The row as a statement of a policy."""
        return iam.PolicyStatement(sid=self.sid, actions=self.actions, resources=[self.resource])


class IdentityStack(DomainStack):
    """Two roles and their policies. What is not listed here is denied."""

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        data_bucket_arn: str,
        repository_arn: str,
    ) -> None:
        """Take the ARNs of the bucket to read and write and of the repository to pull from."""
        super().__init__(
            scope,
            environment,
            domain="identity",
            description="Wealth-Ops roles for Lambda functions and Fargate tasks",
        )
        project = environment.project
        shared = [
            Grant(
                "Objects",
                ["s3:GetObject", "s3:PutObject"],
                f"{data_bucket_arn}/*",
                "Every object of the one data bucket: which keys there are is up to later phases; "
                "it outlives its stack, so no bucket of others can come to have its name",
                accepted=("action_condition_enforcement",),
            ),
            Grant(
                "Tables",
                ["dynamodb:*"],
                # In an ARN of IAM, * matches "/" too: the indexes and streams of a table are
                # included.
                f"{self._arn_of('dynamodb')}:table/{project}-*",
                "Later phases add tables; the prefix keeps every other table of the account out",
                accepted=("service_wildcard", "sensitive_action"),
            ),
        ]
        lambda_role = iam.Role(
            self,
            "LambdaExecutionRole",
            description="Runs every Wealth-Ops Lambda function",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        acknowledge(
            lambda_role,
            "Only who has iam:PassRole for it can give it to a function, and only in this account",
            "iam-policy-validator::sensitive_action",
        )
        self._attach(lambda_role, [*shared, self._write_logs(f"/aws/lambda/{project}-*")])

        fargate_role = iam.Role(
            self,
            "FargateTaskRole",
            description="Runs every Wealth-Ops Fargate task, and pulls its image",
            assumed_by=self._tasks_of_this_account(),
        )
        self._attach(
            fargate_role,
            [
                *shared,
                Grant(
                    "RegistryLogin",
                    ["ecr:GetAuthorizationToken"],
                    "*",
                    "Logs in to the account's registry: the action has no resource to name",
                    accepted=("wildcard_resource", "sensitive_action"),
                ),
                Grant(
                    "PullImage",
                    [
                        "ecr:BatchCheckLayerAvailability",
                        "ecr:BatchGetImage",
                        "ecr:GetDownloadUrlForLayer",
                    ],
                    repository_arn,
                    "A task that cannot fetch its image cannot start",
                    accepted=("sensitive_action",),
                ),
                self._write_logs(f"/{project}/*"),
            ],
        )

        self.publish(exports.LAMBDA_EXECUTION_ROLE_ARN, lambda_role.role_arn)
        self.publish(exports.FARGATE_TASK_ROLE_ARN, fargate_role.role_arn)

    def _attach(self, role: iam.Role, grants: list[Grant]) -> None:
        name = role.node.id
        # Managed, not inline: it can be reviewed and versioned by itself (NIST 800-53 AC-6).
        policy = iam.ManagedPolicy(
            self,
            f"{name}Policy",
            description=f"Everything that {name} may do",
            roles=[role],
            statements=[grant.statement() for grant in grants],
        )
        for grant in grants:
            findings = wildcards(self, grant.actions, [grant.resource])
            findings += [f"iam-policy-validator::{rule}[{grant.sid}]" for rule in grant.accepted]
            if "dynamodb:*" in grant.actions:
                findings.append(
                    "NIST.800.53.R5::NIST.800.53.R5-IAMPolicyNoStatementsWithFullAccess"
                )
            acknowledge(policy, grant.why, *findings)

    def _write_logs(self, log_groups: str) -> Grant:
        # The stack that owns a function makes its log group, so logs:CreateLogGroup is not granted.
        return Grant(
            "Logs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            f"{self._arn_of('logs')}:log-group:{log_groups}",
            "Without it a function or task runs but its output is lost; of the later log groups "
            "only the prefix is known",
        )

    def _tasks_of_this_account(self) -> iam.IPrincipal:
        # ECS could be asked from another account to use this role; the conditions keep that out
        # (ECS developer guide, "Amazon ECS task IAM role", confused deputy prevention).
        return iam.ServicePrincipal("ecs-tasks.amazonaws.com").with_conditions(
            {
                "StringEquals": {"aws:SourceAccount": self.account},
                "ArnLike": {"aws:SourceArn": f"{self._arn_of('ecs')}:*"},
            }
        )

    def _arn_of(self, service: str) -> str:
        # Not format_arn: to know a region's partition, it loads a table of all regions, which takes
        # longer than the rest of this stack; CloudFormation knows it anyway.
        return f"arn:{cdk.Aws.PARTITION}:{service}:{self.region}:{self.account}"
