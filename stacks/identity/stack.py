"""IdentityStack: the IAM roles for Lambda functions and Fargate tasks, and their permissions."""

from typing import NamedTuple

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.core.base import DomainStack
from stacks.core.environment import Environment
from stacks.core.findings import acknowledge, wildcards
from stacks.identity import exports


class Grant(NamedTuple):
    """One row in the permission table: actions on an ARN or ARN pattern, and the reason."""

    sid: str
    actions: list[str]
    resource: str
    why: str
    effect: iam.Effect = iam.Effect.ALLOW

    def statement(self) -> iam.PolicyStatement:
        """The row as a policy statement."""
        return iam.PolicyStatement(
            sid=self.sid, effect=self.effect, actions=self.actions, resources=[self.resource]
        )


class IdentityStack(DomainStack):
    """Two roles with a policy each. AWS denies every action that no grant lists."""

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        data_bucket_arn: str,
        repository_arn: str,
    ) -> None:
        """Take the ARN of the bucket to read and write, and of the repository to pull from."""
        super().__init__(
            scope,
            environment,
            domain="identity",
            description="Wealth-Ops roles for Lambda functions and Fargate tasks",
        )
        lambda_role = iam.Role(
            self,
            "LambdaExecutionRole",
            description="Runs every Wealth-Ops Lambda function",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        self._attach(
            lambda_role,
            [*_objects(data_bucket_arn), *self._tables(), *self._logs_of_functions()],
        )
        fargate_role = iam.Role(
            self,
            "FargateTaskRole",
            description="Runs every Wealth-Ops Fargate task, and pulls its image",
            assumed_by=self._tasks_of_this_account(),
        )
        self._attach(
            fargate_role,
            [
                *_objects(data_bucket_arn),
                *self._tables(),
                *_images(repository_arn),
                self._logs_of_tasks(),
            ],
        )

        self.publish(exports.LAMBDA_EXECUTION_ROLE_ARN, lambda_role.role_arn)
        self.publish(exports.FARGATE_TASK_ROLE_ARN, fargate_role.role_arn)

    def _attach(self, role: iam.Role, grants: list[Grant]) -> None:
        name = role.node.id
        # Managed, not inline, so that AWS keeps policy versions (NIST 800-53 AC-6).
        policy = iam.ManagedPolicy(
            self,
            f"{name}Policy",
            description=f"Everything that {name} may do",
            roles=[role],
            statements=[grant.statement() for grant in grants],
        )
        for grant in grants:
            findings = []
            if grant.effect == iam.Effect.ALLOW:
                findings = wildcards(self, grant.actions, [grant.resource])
                if "dynamodb:*" in grant.actions:
                    findings.append(
                        "NIST.800.53.R5::NIST.800.53.R5-IAMPolicyNoStatementsWithFullAccess"
                    )
            acknowledge(policy, grant.why, *findings)

    def _tables(self) -> list[Grant]:
        environment = self.environment_settings
        tables = f"table/{environment.resource_pattern}"
        return [
            Grant(
                "Tables",
                ["dynamodb:*"],
                self.arn("dynamodb", tables),
                "Later phases add tables; the pattern excludes tables of other projects and "
                "environments",
            ),
            Grant(
                "IndexesAndStreams",
                ["dynamodb:*"],
                self.arn("dynamodb", f"{tables}/*"),
                "Indexes, streams, backups and exports of the same tables",
            ),
            Grant(
                "SharesAndBackups",
                [
                    "dynamodb:DeleteBackup",
                    "dynamodb:DeleteResourcePolicy",
                    "dynamodb:PutResourcePolicy",
                    "dynamodb:UpdateContinuousBackups",
                ],
                self.arn("dynamodb", "table/*"),
                "A role can turn off a table's deletion protection and delete the table. Without "
                "this denial, it could also delete the backups, turn off point-in-time recovery, "
                "and let another account read the table (docs/decisions/0009)",
                effect=iam.Effect.DENY,
            ),
            Grant(
                "OtherIndexes",
                ["dynamodb:*"],
                self.arn("dynamodb", f"table/*/index/*-{environment.name}"),
                "The wildcard of Tables also matches '/'. Without this denial, Tables allows an "
                "index of another environment's table if the index name ends in -<environment>",
                effect=iam.Effect.DENY,
            ),
        ]

    def _logs_of_functions(self) -> list[Grant]:
        environment = self.environment_settings
        group = f"log-group:{environment.function_log_groups}"
        return [
            _logs("Logs", self.arn("logs", group)),
            # PutLogEvents names the stream (Service Authorization Reference, CloudWatch Logs).
            _logs("LogStreams", self.arn("logs", f"{group}:*")),
            Grant(
                "OtherLogStreams",
                ["logs:*"],
                self.arn("logs", f"log-group:/aws/lambda/*:log-stream:*-{environment.name}"),
                "The wildcard of Logs also matches ':'. Without this denial, Logs allows a stream "
                "of another environment's function if the stream name ends in -<environment>",
                effect=iam.Effect.DENY,
            ),
        ]

    def _logs_of_tasks(self) -> Grant:
        groups = f"log-group:{self.environment_settings.task_log_groups}"
        return _logs("Logs", self.arn("logs", groups))

    def _tasks_of_this_account(self) -> iam.IPrincipal:
        # Without the conditions, another account could make ECS use this role (ECS developer guide,
        # "Amazon ECS task IAM role", confused deputy prevention).
        return iam.ServicePrincipal("ecs-tasks.amazonaws.com").with_conditions(
            {
                "StringEquals": {"aws:SourceAccount": self.account},
                "ArnLike": {"aws:SourceArn": self.arn("ecs", "*")},
            }
        )


def _objects(data_bucket_arn: str) -> list[Grant]:
    return [
        Grant(
            "Objects",
            ["s3:GetObject", "s3:PutObject"],
            f"{data_bucket_arn}/*",
            "Later phases choose the keys, so the grant covers every object. The bucket is "
            "retained, so nobody else can claim its name",
        ),
        Grant(
            "ListObjects",
            ["s3:ListBucket"],
            data_bucket_arn,
            "Without s3:ListBucket, S3 answers 403 instead of 404 for a missing object (S3 API "
            "reference, GetObject), and pandas, pyarrow, polars and awswrangler cannot list a tier",
        ),
        Grant(
            "AbortUploads",
            ["s3:AbortMultipartUpload"],
            f"{data_bucket_arn}/*",
            "Transfer managers abort a multipart upload that fails; otherwise its parts are "
            "charged until the lifecycle rule aborts the upload",
        ),
    ]


def _images(repository_arn: str) -> list[Grant]:
    return [
        Grant(
            "RegistryLogin",
            ["ecr:GetAuthorizationToken"],
            "*",
            "Allows the login to the account's registry; the action has no resource",
        ),
        Grant(
            "PullImage",
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            repository_arn,
            "A task cannot start without its image",
        ),
    ]


def _logs(sid: str, log_groups: str) -> Grant:
    # The stack that owns a function creates its log group: logs:CreateLogGroup is not granted.
    return Grant(
        sid,
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        log_groups,
        "Without these actions, the output of a function or task is lost. Later phases create the "
        "log groups, so only the pattern of their names is known",
    )
