"""Look for what is insecure in every environment: `python -m tools.security`.

A finding counts unless its construct accepts it (`stacks/core/findings.py`); what is accepted must
be found.
"""

import sys
import time

from tools.console import console, reports_errors, waiting
from tools.project import environments
from tools.scans import Assembly, Finding, Scan, cdk_nag, cfn_lint, checkov, iam_policy_validator

type Acceptance = tuple[str, str]


def examine(environment: str) -> int:
    """Run every scanner on an environment, say what it found; return how much must be mended.

    Raises `UserError` when a scanner cannot run.
    """
    start = time.monotonic()
    with waiting(f"Synthesizing {environment}, with cdk-nag"):
        assembly, scan = cdk_nag(environment)
    used, faults = _report("cdk-nag", scan, assembly, start)
    for scanner in (cfn_lint, checkov, iam_policy_validator):
        start = time.monotonic()
        name = scanner.__name__.replace("_", "-")
        with waiting(f"Running {name}"):
            scan = scanner(assembly)
        more_used, more_faults = _report(name, scan, assembly, start)
        used |= more_used
        faults += more_faults
    stale = sorted(assembly.accepted - used)
    for rule, path in stale:
        console.print(
            f"\n{path}\n  accepts {rule}, which nothing finds there any more: take it away",
            markup=False,
        )
    return faults + len(stale)


def _report(name: str, scan: Scan, assembly: Assembly, start: float) -> tuple[set[Acceptance], int]:
    """Say what a scan found; return what was accepted of it, and how much was not.

    At once: a scanner that comes later may not run.
    """
    found = [(finding, _acceptance(finding, assembly.accepted)) for finding in scan.findings]
    accepted = [acceptance for _, acceptance in found if acceptance]
    unexplained = [finding for finding, acceptance in found if not acceptance]
    console.print(
        f"{name}: {scan.scope}; {len(accepted)} accepted, {len(unexplained)} unexplained "
        f"({time.monotonic() - start:.1f} s)",
        markup=False,
    )
    for finding in unexplained:
        console.print(
            f"\n{finding.path}\n  {finding.id}\n  {finding.text}\n", markup=False, soft_wrap=True
        )
    return set(accepted), len(unexplained)


def _acceptance(finding: Finding, accepted: set[Acceptance]) -> Acceptance | None:
    """What accepts a finding: its construct, or one that this is a part of."""
    path = finding.path
    while path and (finding.id, path) not in accepted:
        path = path.rpartition("/")[0]
    return (finding.id, path) if path else None


@reports_errors
def main() -> int:
    """Examine every environment; return the exit status."""
    faults = sum([examine(environment) for environment in environments()])
    if faults:
        console.print(
            f"\n{faults} to put right: mend what was found, or accept it on its construct with a "
            "reason for the reviewer (stacks/core/findings.py)."
        )
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
