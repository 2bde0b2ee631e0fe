"""PythonFunction: a Lambda function whose code is in `src/modules`.

In a domain's stack:

    PythonFunction(
        self,
        "Ingest",
        label="ingest",
        handler="modules.prices.ingest.handler",
        role_arn=role_arn,
    )
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, Unpack

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.core import bundle
from stacks.core.base import DomainStack
from stacks.core.bundle import Bundle
from stacks.core.environment import NamingRule
from stacks.core.findings import acknowledge

FUNCTION_NAME = NamingRule(
    "function name",
    re.compile(r"[a-zA-Z0-9_-]+"),
    64,
    "letters, digits, hyphens and underscores",
    "Lambda API reference, CreateFunction",
)
NIST = "NIST.800.53.R5::NIST.800.53.R5"


class FunctionOptions(TypedDict, total=False):
    """The `lambda_.Function` properties that a function may set. The shared role allows no others.

    For example, a dead-letter queue, a VPC or tracing needs more permissions.
    """

    description: str
    environment: Mapping[str, str]
    ephemeral_storage_size: cdk.Size
    reserved_concurrent_executions: int


class PythonFunction(lambda_.Function):
    """A Lambda function with its log group, under an imported role.

    `label` gives its name, and `handler` names its code, e.g. `modules.prices.ingest.handler`.
    `dependency_group` is a group in pyproject.toml; Lambda itself has only boto3. `memory_size` is
    in MiB. The default `timeout` is 30 seconds. The default architecture matches CI and most
    computers; on another one, the local cloud cannot run compiled packages.

    Raises `BundleError` if the code or the group is missing, and `InvalidEnvironmentError` for a
    label that gives an invalid name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        label: str,
        handler: str,
        role_arn: str,
        dependency_group: str | None = None,
        memory_size: int = 256,
        timeout: cdk.Duration | None = None,
        architecture: lambda_.Architecture = lambda_.Architecture.X86_64,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        log_removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.DESTROY,
        **options: Unpack[FunctionOptions],
    ) -> None:
        stack = cdk.Stack.of(scope)
        if not isinstance(stack, DomainStack):
            path = f"{scope.node.path}/{construct_id}"
            raise TypeError(f"{path} must be in a DomainStack, which names it.")
        name = FUNCTION_NAME.check(stack.environment_settings.resource_name(label))
        # The role may write to this log group, but not create it.
        log_group = logs.LogGroup(
            scope,
            f"{construct_id}Logs",
            log_group_name=f"/aws/lambda/{name}",
            retention=log_retention,
            removal_policy=log_removal_policy,
        )
        super().__init__(
            scope,
            construct_id,
            function_name=name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=architecture,
            handler=handler,
            code=_code(stack, Bundle(handler, dependency_group, architecture.name)),
            # Immutable: otherwise the CDK would add grants to another stack's role.
            role=iam.Role.from_role_arn(scope, f"{construct_id}Role", role_arn, mutable=False),
            memory_size=memory_size,
            timeout=timeout or cdk.Duration.seconds(30),
            log_group=log_group,
            **options,
        )
        if not stack.bundling_required:
            _hide_path(self)
        _acknowledge_findings(self, log_group, options)


def _hide_path(function: lambda_.Function) -> None:
    """Replace the absolute path that the CDK writes into the template instead of a bundle."""
    resource = function.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    resource.add_metadata("aws:asset:path", f"asset.{64 * '0'}")


@jsii.implements(cdk.ILocalBundling)
class _LocalBundling:
    def __init__(self, files: Bundle) -> None:
        self._files = files

    def try_bundle(self, output_dir: str, *_: object, **__: object) -> bool:
        self._files.write(Path(output_dir))
        return True


def _code(stack: DomainStack, files: Bundle) -> lambda_.Code:
    """The files as an asset. The CDK writes them if the cloud assembly does not have them yet."""
    files.check()
    return lambda_.Code.from_asset(
        str(bundle.ROOT / "src"),
        asset_hash=files.digest if stack.bundling_required else "not bundled",
        bundling=cdk.BundlingOptions(
            image=cdk.DockerImage.from_registry("not used"), local=_LocalBundling(files)
        ),
    )


def _acknowledge_findings(
    function: lambda_.Function, log_group: logs.LogGroup, options: FunctionOptions
) -> None:
    acknowledge(
        function,
        "Python 3.13 is the version of this repository: the tests run on the deployed version",
        "AwsSolutions::AwsSolutions-L1",
        "Serverless::Serverless-LambdaLatestVersion",
    )
    acknowledge(
        function,
        "The caller handles failures: a state machine and an event source retry, and record the "
        "failed event. The role may not send to a queue",
        f"{NIST}-LambdaDLQ",
        "Serverless::Serverless-LambdaDLQ",
        "checkov::CKV_AWS_116",
    )
    acknowledge(
        function,
        "S3 and DynamoDB need no VPC. In a VPC, a function needs endpoints or a NAT gateway",
        f"{NIST}-LambdaInsideVPC",
        "checkov::CKV_AWS_117",
    )
    acknowledge(
        function,
        "CloudWatch has the logs and metrics. The role may not write traces",
        "Serverless::Serverless-LambdaTracing",
    )
    if "reserved_concurrent_executions" not in options:
        acknowledge(
            function,
            "Lambda limits the concurrency of the account. Reserved concurrency would take a part "
            "of it from all other functions",
            f"{NIST}-LambdaConcurrency",
            "checkov::CKV_AWS_115",
        )
    if "environment" in options:
        acknowledge(
            function,
            "The variables hold names, not secrets, and Lambda encrypts them with its own key",
            "checkov::CKV_AWS_173",
        )
    acknowledge(
        log_group,
        "CloudWatch Logs encrypts every log group. A KMS key would stop only readers of logs "
        "without the key",
        f"{NIST}-CloudWatchLogGroupEncrypted",
        "checkov::CKV_AWS_158",
    )
