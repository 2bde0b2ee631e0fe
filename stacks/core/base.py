"""DomainStack: the base of every stack here: its name, place, tags and exports."""

import aws_cdk as cdk
from constructs import Construct

from stacks.core.environment import Environment
from stacks.core.exports import Export


class DomainStack(cdk.Stack):
    """The stack of one domain, with construct id `<Domain>Stack`."""

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        domain: str,
        description: str,
        termination_protection: bool = False,
    ) -> None:
        """Set `termination_protection` where the stack holds data.

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
        )
        self.domain = domain
        self.environment_settings = environment
        # CloudFormation copies the tags of a stack to most resources, not to all; so each has its
        # own.
        of_each = cdk.Tags.of(self)
        for key, value in tags.items():
            of_each.add(key, value)

    def publish(self, export: Export, value: str) -> None:
        """Offer `value` to the other stacks as `export`.

        Raises `ValueError` for an export that another domain declares: importers would look there.
        """
        if export.domain != self.domain:
            raise ValueError(
                f"{self.node.id} cannot publish {export.key}: it belongs to the domain "
                f"{export.domain!r}; declare it in stacks/{self.domain}/exports.py"
            )
        cdk.CfnOutput(
            self,
            export.key,
            value=value,
            description=export.description,
            export_name=export.name(self.environment_settings),
        )


def construct_id(domain: str) -> str:
    """The construct id of a domain's stack, as typed after `cdk deploy`: `StorageStack`."""
    return "".join(word.capitalize() for word in domain.split("_")) + "Stack"
