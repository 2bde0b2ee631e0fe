"""DomainStack: the base class of every stack, with its name, target, tags and exports."""

import aws_cdk as cdk
from constructs import Construct

from stacks.core.environment import Environment, construct_id
from stacks.core.exports import Export


class DomainStack(cdk.Stack):
    """One domain's stack, with construct id `<Domain>Stack`."""

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        domain: str,
        description: str,
        termination_protection: bool = False,
        deployed_by_person: bool = False,
    ) -> None:
        """Set `termination_protection` for a stack that holds data.

        Set `deployed_by_person` for a stack that decides what a deploy may do. A person deploys it
        with their own credentials, so it needs no bootstrap, and a deploy of the other stacks needs
        no right to change it. Every role in the other stacks has the environment's boundary.
        Raises `InvalidEnvironmentError` for a domain that gives an invalid stack name.
        """
        tags = environment.tags(domain)
        super().__init__(
            scope,
            construct_id(domain),
            stack_name=environment.stack_name(domain),
            description=description,
            env=cdk.Environment(account=environment.account, region=environment.region),
            termination_protection=termination_protection,
            tags=tags,
            # Unlike BootstraplessSynthesizer, it names no role for the deploy.
            synthesizer=cdk.LegacyStackSynthesizer() if deployed_by_person else None,
            permissions_boundary=None
            if deployed_by_person
            else cdk.PermissionsBoundary.from_name(environment.boundary_name),
        )
        self.domain = domain
        self.environment_settings = environment
        # CloudFormation copies stack tags to most resource types, not all.
        resource_tags = cdk.Tags.of(self)
        for key, value in tags.items():
            resource_tags.add(key, value)

    @property
    def availability_zones(self) -> list[str]:
        """The region's first two zones, for example for an `ec2.Vpc`.

        CloudFormation chooses them at deployment. For a pinned account, the CDK would look up the
        zones, which needs credentials. Every region has two zones for every account, but not three:
        for three, pass `availability_zones` to the `ec2.Vpc`.
        """
        zones = cdk.Fn.get_azs()
        return [cdk.Fn.select(index, zones) for index in range(2)]

    def publish(self, export: Export, value: str) -> None:
        """Export `value` from the stack under the export's name.

        Raises `ValueError` for another domain's export: its name contains another stack's name.
        """
        if export.domain != self.domain:
            raise ValueError(
                f"{self.node.id} cannot publish {export.key}: the export belongs to the domain "
                f"{export.domain!r}. Declare the export in stacks/{self.domain}/exports.py."
            )
        cdk.CfnOutput(
            self,
            export.key,
            value=value,
            description=export.description,
            export_name=export.name(self.environment_settings),
        )

    def arn(self, service: str, resource: str) -> str:
        """A resource ARN in this stack's account and region; `resource` may hold wildcards.

        `format_arn` is slower, because it loads a table with all regions to find the partition.
        """
        return f"arn:{cdk.Aws.PARTITION}:{service}:{self.region}:{self.account}:{resource}"
