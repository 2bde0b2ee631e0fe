"""Export: one value that a domain publishes for the others, by name."""

from dataclasses import dataclass

import aws_cdk as cdk

from stacks.core.environment import Environment


@dataclass(frozen=True)
class Export:
    """A CloudFormation export: a public contract, whose renaming breaks those that import it."""

    domain: str
    key: str
    description: str

    def name(self, environment: Environment) -> str:
        """The export's name in `environment`, e.g. `wealth-ops-storage-dev:DataBucketArn`."""
        return environment.export_name(self.domain, self.key)

    def import_from(self, environment: Environment) -> str:
        """A token that CloudFormation resolves to the exported value (`Fn::ImportValue`).

        Whoever uses it must be deployed after the exporting stack: declare the dependency in the
        app.
        """
        return cdk.Fn.import_value(self.name(environment))
