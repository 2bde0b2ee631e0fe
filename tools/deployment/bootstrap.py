"""Bootstrap the target's account: once for each region, before the first deploy."""

from collections.abc import Sequence

from botocore.exceptions import ClientError

from tools.cdk_cli.assembly import StackArtifact
from tools.cdk_cli.cdk import EVERYTHING
from tools.console import say
from tools.deployment.deployment import Deployment
from tools.deployment.execution import policies_for_bootstrap
from tools.deployment.next_command import next_command
from tools.deployment.options import Options
from tools.deployment.prepare import prepare
from tools.errors import UserError


def bootstrap(options: Options) -> int:
    """Prepare the target's account and the stacks' regions for CDK deploys."""
    flags = [*options.cdk_flags]
    with prepare(options) as deployment:
        if deployment.target.kind == "aws":
            flags += _execution_policies(deployment)
            deployment.confirm("Bootstrap the account for", deployment.stacks)
        return _run(deployment, deployment.stacks, flags)


def ensure_bootstrapped(deployment: Deployment) -> None:
    """Bootstrap the local cloud if necessary. For AWS, raise `UserError` with the command."""
    missing = _unbootstrapped(deployment)
    if missing and deployment.target.kind == "aws":
        raise UserError(
            f"The account {deployment.target.account} is not bootstrapped in "
            f"{', '.join(stack.region for stack in missing)}: the SSM parameter "
            f"{missing[0].version_parameter} does not exist. "
            f"{next_command(deployment, 'bootstrap')}"
        )
    if missing and (status := _run(deployment, missing)):
        raise UserError("The local cloud was not bootstrapped; cdk shows the reason above.", status)


def _execution_policies(deployment: Deployment) -> list[str]:
    """The flag with CloudFormation's policies, unless the user gave it."""
    flag = "--cloudformation-execution-policies"
    if any(each.startswith(f"{flag}=") for each in deployment.options.cdk_flags):
        return []
    regions = sorted({stack.region for stack in deployment.stacks if stack.execution_role})
    if not regions:
        raise UserError(
            f"The environment {deployment.options.environment} needs no bootstrap: you deploy it "
            "with your own credentials."
        )
    arns = [arn for region in regions for arn in policies_for_bootstrap(deployment, region)]
    return [f"{flag}={','.join(dict.fromkeys(arns))}"]


def _run(deployment: Deployment, stacks: Sequence[StackArtifact], flags: Sequence[str] = ()) -> int:
    account = deployment.target.account
    environments = sorted({f"aws://{account}/{stack.region}" for stack in stacks})
    parameters = [stack.version_parameter for stack in stacks if stack.version_parameter]
    if parameters and not any(flag.startswith("--qualifier") for flag in flags):
        # The CDK synthesizer names the SSM parameter /cdk-bootstrap/QUALIFIER/version.
        flags = [*flags, f"--qualifier={parameters[0].split('/')[2]}"]
    step = f"Bootstrapping the {deployment.target}"
    return deployment.cdk(step, "bootstrap", *environments, *flags, hidden=EVERYTHING).status


def _unbootstrapped(deployment: Deployment) -> list[StackArtifact]:
    """One stack in each region that is not bootstrapped.

    Reads the SSM parameter that `cdk deploy` reads, so any qualifier, toolkit stack or bootstrap
    template works. Skips the check if the principal has no permission to read the parameter.
    """
    missing: list[StackArtifact] = []
    regions = {stack.region: stack for stack in deployment.stacks if stack.version_parameter}
    for region, stack in regions.items():
        ssm = deployment.deployed.session(stack.lookup_role).client("ssm", region_name=region)
        try:
            ssm.get_parameter(Name=str(stack.version_parameter))
        except ssm.exceptions.ParameterNotFound:
            missing.append(stack)
        except ClientError as error:
            say(f"Not checked whether {region} is bootstrapped: {error}")
    return missing
