"""Synthesize apps and list their findings: `python -m tools.security [--all-scanners] dev …`."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from tools.cdk_cli import synth
from tools.console import say, waiting
from tools.errors import reports_errors
from tools.project import environments
from tools.security.scans import (
    Acknowledgement,
    ScannedAssembly,
    cdk_nag,
    cfn_lint,
    checkov,
    load_cfn_lint,
)


def scan(name: str, folder: Path, *, all_scanners: bool) -> bool:
    """Print an app's faults, and return whether it has any.

    Faults are findings that no construct acknowledges. With `all_scanners`, acknowledgements of no
    finding are faults too, and the report ends with the acknowledged findings. Raises `UserError`
    if a scanner cannot run.
    """
    assembly = ScannedAssembly(folder)
    say(f"{name}: {', '.join(file.name for file in assembly.files)}")
    findings = [*cdk_nag(assembly), *cfn_lint(assembly)]
    if all_scanners:
        with waiting("Running checkov"):
            findings += checkov(assembly)
    faults = [
        assembly.describe(finding)
        for finding in sorted(findings, key=lambda finding: finding.path)
        if not assembly.acknowledgement(finding)
    ]
    if faults:
        faults.append(synth.ACKNOWLEDGE)
    if all_scanners:
        faults += [
            f"{old.path} ({old.line}): remove the stale acknowledgement of {old.id}"
            for old in assembly.stale(findings)
        ]
    for fault in faults:
        say(f"\n{fault}", style="red")
    if all_scanners:
        say(f"\nAcknowledged findings in {name}:")
        _list({*filter(None, map(assembly.acknowledgement, findings))})
    return bool(faults)


def _list(acknowledgements: Iterable[Acknowledgement]) -> None:
    """Print each construct's acknowledgements by their reasons, for a security reviewer."""

    def where(found: Acknowledgement) -> tuple[str, str]:
        return found.path, found.reason

    for (path, reason), group in groupby(sorted(acknowledgements, key=where), where):
        ids = sorted(found.id for found in group)
        say("\n  ".join([f"\n{path}", reason, *ids]))
    say("")


@reports_errors
def main(arguments: Sequence[str]) -> int:
    """Scan the named apps, or every environment; return the exit status."""
    parser = argparse.ArgumentParser(prog="nox -s security --", allow_abbrev=False)
    parser.add_argument("names", nargs="*", choices=synth.apps(), help="default: environments")
    parser.add_argument(
        "--all-scanners", action="store_true", help="with checkov, and one more cdk-nag pack"
    )
    options = parser.parse_args(arguments)
    names = options.names or environments()
    context = {"serverless-checks": True} if options.all_scanners else {}
    with ThreadPoolExecutor() as pool, waiting(f"Synthesizing {', '.join(names)}"):
        pool.submit(load_cfn_lint)  # while the apps run
        folders = synth.synthesize_all(names, context=synth.REPORT_FINDINGS | context)
    faulty = [
        scan(name, folder, all_scanners=options.all_scanners) for name, folder in folders.items()
    ]
    return int(any(faulty))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
