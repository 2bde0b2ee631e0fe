"""Synthesize apps and list their findings: `python -m tools.security [--all-scanners] dev …`."""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
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
    """Print an app's findings that no construct acknowledges; return whether it has any.

    With `all_scanners`, stale acknowledgements are findings too, and the report ends with the
    acknowledged findings. Raises `UserError` if a scanner cannot run.
    """
    assembly = ScannedAssembly(folder)
    say(f"{name}: {', '.join(file.name for file in assembly.files)}")
    findings = [*cdk_nag(assembly), *cfn_lint(assembly)]
    if all_scanners:
        with waiting("Running checkov"):
            findings += checkov(assembly)
    faults = [finding for finding in findings if not assembly.acknowledgement(finding)]
    if all_scanners:
        faults += assembly.stale(findings)
    for fault in sorted(faults, key=lambda finding: finding.path):
        say(f"\n{assembly.describe(fault)}", style="red")
    if faults:
        say(f"\n{synth.ACKNOWLEDGE}", style="red")
    if all_scanners:
        say(f"\nAcknowledged findings in {name}:")
        _list({*filter(None, map(assembly.acknowledgement, findings))})
    return bool(faults)


def _list(acknowledgements: Iterable[Acknowledgement]) -> None:
    """Print each construct's acknowledgements by their reasons, for a security reviewer."""
    ids: dict[tuple[str, str], list[str]] = defaultdict(list)
    for found in sorted(acknowledgements):
        ids[found.path, found.reason].append(found.id)
    for (path, reason), acknowledged in sorted(ids.items()):
        say("\n  ".join([f"\n{path}", reason, *acknowledged]))


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
