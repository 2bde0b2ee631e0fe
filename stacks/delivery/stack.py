"""DeliveryStack: lets GitHub Actions deploy to this account and detect drift, without keys."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.core.base import DomainStack
from stacks.core.environment import REGION, Environment
from stacks.core.findings import acknowledge, wildcards
from stacks.delivery import drift, exports
from stacks.delivery.repository import AUDIENCE, ISSUER, GitHubRepository

# The CDK bootstrap roles that a deploy assumes (CDK developer guide, "Bootstrapping").
# Only CloudFormation assumes the fifth role, which changes the resources.
DEPLOY_ROLES = ("deploy", "file-publishing", "image-publishing", "lookup")


class DeliveryStack(DomainStack):
    """GitHub's OIDC provider, and two roles for the jobs of one repository."""

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        repository: GitHubRepository,
        github_environments: Sequence[str] = ("dev",),
        regions: Sequence[str] = (),
        create_provider: bool = True,
    ) -> None:
        """Trust jobs in `github_environments`: the environments in this account.

        `regions` are these environments' regions, by default this stack's region. An account can
        have only one OIDC provider for GitHub. With `create_provider` False, the stack uses the
        existing provider.
        Raises `InvalidEnvironmentError` for a region that is not a region code.
        """
        super().__init__(
            scope,
            environment,
            domain="delivery",
            description="Wealth-Ops roles for deploys by GitHub Actions",
            termination_protection=True,
        )
        self._trusted = [
            subject
            for github_environment in github_environments
            for subject in repository.subjects(github_environment)
        ]
        self._provider = (
            iam.OidcProviderNative(
                self, "GitHub", url=f"https://{ISSUER}", client_ids=[AUDIENCE]
            ).oidc_provider_arn
            if create_provider
            else self._iam_arn(f"oidc-provider/{ISSUER}")
        )
        deploy_role = self._role("DeployRole", "Deploys from GitHub Actions")
        self._let_deploy(deploy_role, regions or [environment.region])
        drift_role = self._role("DriftRole", "Detects drift from GitHub Actions")
        self._let_detect_drift(drift_role)

        self.publish(exports.DEPLOY_ROLE_ARN, deploy_role.role_arn)
        self.publish(exports.DRIFT_ROLE_ARN, drift_role.role_arn)

    def _role(self, name: str, description: str) -> iam.Role:
        """A role for the repository's jobs."""
        return iam.Role(
            self,
            name,
            description=description,
            assumed_by=iam.FederatedPrincipal(
                self._provider,
                {"StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": self._trusted}},
                "sts:AssumeRoleWithWebIdentity",
            ),
        )

    def _let_deploy(self, role: iam.Role, regions: Sequence[str]) -> None:
        qualifier = self.synthesizer.bootstrap_qualifier
        iam.ManagedPolicy(
            self,
            "DeployRolePolicy",
            description="Roles of the CDK bootstrap that DeployRole may assume",
            roles=[role],
            statements=[
                iam.PolicyStatement(
                    sid="BootstrapRoles",
                    actions=["sts:AssumeRole"],
                    resources=[
                        self._iam_arn(f"role/cdk-{qualifier}-{kind}-role-{self.account}-{region}")
                        for region in map(REGION.check, regions)
                        for kind in DEPLOY_ROLES
                    ],
                )
            ],
        )

    def _let_detect_drift(self, role: iam.Role) -> None:
        # No bootstrap role: the lookup role has ReadOnlyAccess, which includes reading data.
        statements = drift.statements(self.environment_settings.project, self.account)
        policy = iam.ManagedPolicy(
            self,
            "DriftRolePolicy",
            description="Configuration that DriftRole reads to detect drift",
            roles=[role],
            statements=statements,
        )
        for statement in statements:
            acknowledge(
                policy,
                "Drift detection reads resources of every stack of the account. No action returns "
                "their data; code and keys are readable only in this project",
                *wildcards(self, statement.actions, statement.resources),
            )

    def _iam_arn(self, resource: str) -> str:
        return f"arn:{cdk.Aws.PARTITION}:iam::{self.account}:{resource}"
