"""Export: a value that one domain's stack exports to the others, by name."""

from dataclasses import dataclass

import aws_cdk as cdk

from stacks.core.environment import Environment


@dataclass(frozen=True)
class Export:
    """A CloudFormation export. Its name is a public contract: renaming it breaks its importers."""

    domain: str
    key: str
    description: str

    def name(self, environment: Environment) -> str:
        """The export's name in `environment`, e.g. `wealth-ops-storage-dev:DataBucketArn`."""
        return environment.export_name(self.domain, self.key)

    def import_from(self, environment: Environment) -> str:
        """A token for the exported value: `Fn::ImportValue`.

        The stack that uses the token must deploy after the exporting stack: declare the dependency
        in the app.
        """
        return cdk.Fn.import_value(self.name(environment))
