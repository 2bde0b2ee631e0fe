"""DeliveryStack: lets GitHub Actions deploy to this account and detect drift, without keys."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.core.base import DomainStack
from stacks.core.environment import REGION, Environment
from stacks.core.policies import recorded_policy
from stacks.core.rights import Rights
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
        rights: Mapping[str, Rights],
        regions: Sequence[str] = (),
        create_provider: bool = True,
    ) -> None:
        """Trust jobs in the GitHub environments that have the name of an environment in `rights`.

        `rights` are the recorded rights of the environments in this account, by name. `regions` are
        these environments' regions, by default this stack's region. An account can have only one
        OIDC provider for GitHub. With `create_provider` False, the stack uses the existing one.
        Raises `InvalidEnvironmentError` for a region that is not a region code.
        """
        super().__init__(
            scope,
            environment,
            domain="delivery",
            description="Wealth-Ops roles for deploys by GitHub Actions",
            termination_protection=True,
            deployed_by_person=True,
        )
        self._trusted = [
            subject
            for github_environment in rights
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
        self._let_detect_drift(drift_role, rights)

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
        qualifier = (
            self.node.try_get_context("@aws-cdk/core:bootstrapQualifier")
            or cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
        )
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

    def _let_detect_drift(self, role: iam.Role, rights: Mapping[str, Rights]) -> None:
        # No bootstrap role: the lookup role has ReadOnlyAccess, which includes reading data.
        policies = {"": [drift.DETECT, drift.ACCOUNT]}
        for name, recorded in rights.items():
            for number, statements in enumerate(recorded["drift"], start=1):
                policies[f"-{name}-{number}"] = statements
        for suffix, statements in policies.items():
            recorded_policy(
                self,
                f"DriftRolePolicy{suffix}",
                statements,
                description="Configuration that DriftRole reads to detect drift",
                roles=[role],
            )

    def _iam_arn(self, resource: str) -> str:
        return f"arn:{cdk.Aws.PARTITION}:iam::{self.account}:{resource}"
