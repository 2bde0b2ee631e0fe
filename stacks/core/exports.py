"""Export: a value that one domain's stack exports to the others, by name."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

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
        in the app with `add_stack_dependency`, or the synthesis fails.
        """
        return cdk.Fn.import_value(self.name(environment))


def check_imports(assembly: Path) -> None:
    """Raise `ValueError` for a stack that imports from another one without depending on it.

    CloudFormation might deploy such a stack before the export exists. An export from a stack
    outside the cloud assembly must exist already.
    """
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    templates = {
        stack: (assembly / artifact["properties"]["templateFile"]).read_text()
        for stack, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    exporters = {
        output["Export"]["Name"]: stack
        for stack, template in templates.items()
        for output in json.loads(template).get("Outputs", {}).values()
        if "Export" in output
    }
    for stack, template in templates.items():
        for name in re.findall(r'"Fn::ImportValue": "(.+)"', template):
            exporter = exporters.get(name)
            if exporter and exporter not in artifacts[stack].get("dependencies", []):
                raise ValueError(
                    f"{stack} imports {name} from {exporter}, but does not depend on {exporter}. "
                    "In the app, call `add_stack_dependency` on the importing stack."
                )
