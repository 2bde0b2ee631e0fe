"""ExecutionStack: the managed policies with which CloudFormation deploys environments."""

from collections.abc import Mapping
from dataclasses import replace

from constructs import Construct

from stacks.core.base import DomainStack
from stacks.core.environment import Environment
from stacks.core.policies import recorded_policy
from stacks.core.rights import Rights
from stacks.execution import exports


class ExecutionStack(DomainStack):
    """Each environment's execution policies, and the boundary of its roles.

    `nox -s snapshots` records them, and `nox -s bootstrap` attaches the execution policies to the
    role with which CloudFormation deploys.
    """

    def __init__(
        self, scope: Construct, environment: Environment, *, rights: Mapping[str, Rights]
    ) -> None:
        """Take the recorded rights of the environments in this account, by environment name."""
        super().__init__(
            scope,
            environment,
            domain="execution",
            description="Wealth-Ops policies for CloudFormation, and the boundaries of roles",
            termination_protection=True,
            deployed_by_person=True,
        )
        for name, recorded in rights.items():
            deployed = replace(environment, name=name)
            recorded_policy(
                self,
                f"Boundary-{name}",
                recorded["boundary"],
                name=deployed.boundary_name,
                description=f"The most that a role in {name} may do",
            )
            for number, statements in enumerate(recorded["execution"], start=1):
                recorded_policy(
                    self,
                    f"Execution-{name}-{number}",
                    statements,
                    name=deployed.execution_policy_name(number),
                    description=f"What CloudFormation may do to deploy {name}",
                )
        self.publish(exports.ENVIRONMENTS, ",".join(rights))
