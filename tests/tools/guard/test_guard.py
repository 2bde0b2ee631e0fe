"""The guard as a command: its report, acknowledgements and exit status, on git histories."""

import json
from pathlib import Path

import pytest

from stacks.core.rights import Rights
from tests.git import git
from tools.errors import UserError
from tools.execution_policy import policy
from tools.guard import __main__ as guard
from tools.guard import snapshots

DEV = "snapshots/dev/StorageStack.template.json"
STACKS = "snapshots/dev/stacks.json"
BUCKET = "dev/StorageStack/DataBucket"
SUSPENDED = 'VersioningConfiguration.Status changes from "Enabled" to "Suspended"'
# The template of a stack with a bucket, and an export of the bucket.
ENABLED = json.dumps(
    {
        "Resources": {
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"VersioningConfiguration": {"Status": "Enabled"}},
                "DeletionPolicy": "Retain",
                "Metadata": {"aws:cdk:path": "StorageStack/DataBucket/Resource"},
            }
        },
        "Outputs": {"Name": {"Value": {"Ref": "Bucket"}, "Export": {"Name": "storage:BucketName"}}},
    }
)
OTHER = ENABLED.replace("Enabled", "Suspended").replace("Retain", "Delete")


def files(content: str, acknowledged: str = "", *, protected: bool = True) -> dict[str, bytes]:
    """The files in snapshots/ with one stack and these acknowledgements."""
    settings = {"StorageStack": {"stackName": "storage", "terminationProtection": protected}}
    parts = {DEV: content, STACKS: json.dumps(settings), guard.ACKNOWLEDGED: acknowledged}
    return {path: part.encode("latin-1") for path, part in parts.items()}


def test_destructive_changes_are_listed_by_resource_with_one_entry_to_add() -> None:
    text, passes = guard.report(files(OTHER), files(ENABLED))
    assert not passes
    assert text.startswith("### dev/StorageStack\n\n```\nResources\n[~] AWS::S3::Bucket Bucket")
    assert (
        f'- **{BUCKET}**\n  - DeletionPolicy changes from "Retain" to "Delete"\n  - {SUSPENDED}\n'
    ) in text
    assert text.endswith(f'```toml\n"{BUCKET}" = ""\n```')


def test_one_entry_acknowledges_all_changes_of_a_resource() -> None:
    text, passes = guard.report(files(OTHER, f"'{BUCKET}' = 'Moved'"), files(ENABLED))
    assert passes
    assert f"- **{BUCKET}** (acknowledged: Moved)\n  - DeletionPolicy" in text
    assert "toml" not in text


@pytest.mark.parametrize(
    ("resource", "reason", "passes"),
    [(BUCKET, "Moved", False), (BUCKET, "Moved again", True), ("other", "Moved again", False)],
)
def test_only_a_new_entry_of_the_same_resource_counts(
    resource: str, reason: str, passes: bool
) -> None:
    here = files(OTHER, f"'{resource}' = '{reason}'")
    assert guard.report(here, files(ENABLED, f"'{BUCKET}' = 'Moved'"))[1] == passes


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        ("\xff", "is not valid TOML"),
        ("a = 'b'\na = 'b'", "not valid TOML: .* Replace an older entry"),
        ("a = 1", "the reason for 'a' must be a string"),
        ("a = ' '", "the reason for 'a' must be a string"),
    ],
)
def test_an_invalid_entry_is_refused(entries: str, error: str) -> None:
    with pytest.raises(UserError, match=error):
        guard.report(files(ENABLED, entries), files(ENABLED))


def test_a_removed_stack_loses_its_resources_and_exports() -> None:
    text, passes = guard.report({}, files(ENABLED))
    assert not passes
    assert f"- **{BUCKET}**\n  - leaves the stack, but is retained\n" in text
    assert "- **storage:BucketName**\n  - is no longer exported. Recorded importers: none." in text
    assert guard.report(files(ENABLED), {})[1]


def test_disabled_termination_protection_is_destructive() -> None:
    text, passes = guard.report(files(ENABLED, protected=False), files(ENABLED))
    assert not passes
    assert "- **dev/StorageStack**\n  - terminationProtection changes from true to false" in text
    unrecorded = {DEV: ENABLED.encode()}
    assert guard.report(files(ENABLED, protected=False), unrecorded)[1]


def test_the_difference_of_a_new_or_removed_stack_shows_only_what_you_wrote() -> None:
    template = json.loads(ENABLED)
    template["Rules"] = {"CheckBootstrapVersion": {"Assertions": []}, "OwnRule": {}}
    template["Parameters"] = {"BootstrapVersion": {"Type": "String"}, "OwnParameter": {}}
    stack = files(json.dumps(template))
    for text, _ in (guard.report(stack, {}), guard.report({}, stack)):
        assert all(name in text for name in ("OwnRule", "OwnParameter"))
        assert not any(name in text for name in ("Settings", "BootstrapVersion"))
    assert "CheckBootstrapVersion" in guard.report(stack, files(ENABLED))[0]
    assert "Rules" not in guard.report(files(ENABLED), {})[0]


def test_changed_settings_are_a_difference() -> None:
    text, _ = guard.report(files(ENABLED, protected=False), files(ENABLED))
    assert "[~] Settings: {" in text
    assert "No change" not in text


def test_a_renamed_construct_has_a_recipe_and_a_file_for_cdk_refactor() -> None:
    renamed = ENABLED.replace("DataBucket", "Lake").replace('"Bucket"', '"Lake"')
    text, passes = guard.report(files(renamed), files(ENABLED))
    assert not passes
    assert "is renamed to dev/StorageStack/Lake: docs/changing.md#rename-a-construct\n" in text
    assert '"storage.Bucket": "storage.Lake"' in text
    assert "refactor" not in guard.report(files(ENABLED), files(ENABLED))[0]


@pytest.mark.parametrize(
    ("policy", "resource_type", "is_noted"),
    [
        ("Delete", "S3::Bucket", True),
        ("Retain", "S3::Bucket", False),
        ("Delete", "SQS::Queue", False),
    ],
)
def test_a_new_resource_that_is_deleted_with_its_data_is_noted(
    policy: str, resource_type: str, is_noted: bool
) -> None:
    template = ENABLED.replace('"Retain"', f'"{policy}"').replace("S3::Bucket", resource_type)
    text, passes = guard.report(files(template), {})
    assert passes
    assert ("Note: dev/StorageStack/DataBucket is new" in text) == is_noted
    assert "Note" not in guard.report(files(template), files(template))[0]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with a stack's snapshots, and its cloud assembly in `cdk.out`."""
    synthesize(tmp_path, ENABLED)
    monkeypatch.setattr(guard, "ROOT", tmp_path)
    for module in (guard, snapshots):
        monkeypatch.setattr(module, "environments", lambda: ["dev"])
        monkeypatch.setattr(
            module,
            "synthesize_all",
            lambda names: dict.fromkeys(names, tmp_path / "cdk.out"),
        )
    monkeypatch.setattr(snapshots, "ROOT", tmp_path)
    monkeypatch.setattr(snapshots, "FOLDER", tmp_path / "snapshots")
    monkeypatch.setattr("tools.guard.changes.install", lambda _: None)
    assert snapshots.main() == 0
    git(tmp_path, "init", "-qb", "main")
    git(tmp_path, "add", "snapshots")
    git(tmp_path, "commit", "-qm", "Record")
    return tmp_path


def synthesize(repository: Path, content: str) -> None:
    """Write a cloud assembly."""
    assembly = repository / "cdk.out"
    assembly.mkdir(exist_ok=True)
    (assembly / Path(DEV).name).write_text(content)
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/us-east-1",
        "properties": {"templateFile": Path(DEV).name, "terminationProtection": True},
    }
    artifacts = {"StorageStack": artifact, "Tree": {"type": "cdk:tree"}}
    (assembly / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))


def test_the_working_tree_is_compared_with_the_base(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = repository / "summary"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert guard.main([]) == 0
    unchanged = "No change in dev/StorageStack.\n\n### Destructive changes\n\nNone.\n"
    assert summary.read_text().startswith(unchanged)
    synthesize(repository, OTHER)
    snapshots.main()
    assert guard.main([]) == 1
    assert SUSPENDED in capsys.readouterr().out
    assert guard.main(["--base", "HEAD"]) == 1


def test_a_difference_from_the_snapshots_is_an_error(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    synthesize(repository, OTHER)
    assert guard.main([]) == 1
    assert "StorageStack.template.json: different from snapshots/dev." in capsys.readouterr().err


def test_an_older_commit_is_compared_with_the_base_itself(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in (OTHER, ENABLED):
        synthesize(repository, content)
        snapshots.main()
        git(repository, "commit", "-qam", "Record")
    git(repository, "switch", "-q", "--detach", "HEAD~1")
    synthesize(repository, OTHER)
    assert guard.main(["--base", "main"]) == 0
    assert guard.main(["--base", "main", "--exact"]) == 1
    assert SUSPENDED in capsys.readouterr().out


def test_only_the_chosen_environment_is_compared(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (guard, snapshots):
        monkeypatch.setattr(module, "environments", lambda: ["dev", "new"])
    assert guard.main(["--environment", "dev"]) == 0
    assert guard.main([]) == 1
    assert "different from snapshots/new" in capsys.readouterr().err
    synthesize(repository, OTHER)
    assert snapshots.main() == 0
    assert guard.main(["--environment", "new"]) == 0
    assert "dev/StorageStack" not in capsys.readouterr().out
    assert guard.main(["--environment", "dev"]) == 1
    assert "dev/StorageStack" in capsys.readouterr().out


def test_every_acknowledgement_since_the_exact_base_counts(repository: Path) -> None:
    acknowledged = repository / guard.ACKNOWLEDGED
    synthesize(repository, OTHER)
    snapshots.main()
    acknowledged.write_text(f"'{BUCKET}' = 'Moved'")
    git(repository, "add", "snapshots")
    git(repository, "commit", "-qm", "Suspend the versioning, acknowledged")
    git(repository, "commit", "-qm", "Another change", "--allow-empty")
    assert guard.main(["--base", "HEAD~2", "--exact", "--environment", "dev"]) == 0
    acknowledged.unlink()
    assert guard.main(["--base", "HEAD~2", "--exact", "--environment", "dev"]) == 1


def test_an_unknown_base_is_an_error(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert guard.main(["--base", "nowhere"]) == 1
    captured = capsys.readouterr()
    assert "'nowhere'" in captured.err
    assert "Synthesizing" not in captured.out
    assert repository.exists()


def test_snapshots_contain_only_the_stacks_of_the_app(repository: Path) -> None:
    folder = repository / "snapshots/dev"
    (folder / "Gone.template.json").write_text("{}")
    with pytest.raises(UserError, match=r"Gone.template.json: different from snapshots/dev"):
        snapshots.check(repository / "cdk.out", folder)
    assert snapshots.main() == 0
    names = ["StorageStack.template.json", "stacks.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    # With core.autocrlf, git writes such line endings.
    for name in names:
        (folder / name).write_bytes((folder / name).read_bytes().replace(b"\n", b"\r\n"))
    snapshots.check(repository / "cdk.out", folder)


def test_a_removed_environment_is_an_error_until_its_snapshots_are_removed(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(snapshots, "environments", lambda: ["dev", "old"])
    assert snapshots.main() == 0
    note = repository / "snapshots/note/readme.json"
    note.parent.mkdir()
    note.touch()
    git(repository, "add", "snapshots")
    git(repository, "commit", "-qm", "Record")
    assert guard.main([]) == 0
    monkeypatch.setattr(snapshots, "environments", lambda: ["dev"])
    assert guard.main([]) == 1
    assert "snapshots/old: apps/old/app.py does not exist. Run" in capsys.readouterr().err
    assert snapshots.main() == 0
    assert not (repository / "snapshots/old").exists()
    assert note.exists()
    assert guard.main([]) == 1
    leaves = "- **old/StorageStack/DataBucket**\n  - leaves the stack, but is retained\n"
    assert leaves in capsys.readouterr().out


def test_other_files_in_the_folder_of_a_removed_environment_remain(repository: Path) -> None:
    folder = repository / "snapshots/old"
    folder.mkdir()
    for name in ("Stack.template.json", "stacks.json", "note.json"):
        (folder / name).touch()
    assert snapshots.main() == 0
    assert [path.name for path in folder.iterdir()] == ["note.json"]
    snapshots.check(repository / "cdk.out", repository / "snapshots/dev")


def test_a_change_of_code_changes_no_snapshot(repository: Path) -> None:
    template = repository / "cdk.out" / "StorageStack.template.json"
    function = {
        "Code": {"S3Bucket": "assets", "S3Key": f"{64 * 'a'}.zip"},
        "Version": {"Ref": f"LoadCurrentVersion0A1B2C3D{32 * 'a'}"},
    }
    metadata = {"aws:asset:path": f"asset.{64 * 'a'}"}
    code = {"Resources": {"Load": {"Properties": function, "Metadata": metadata}}}
    template.write_text(json.dumps(code))
    assert snapshots.main() == 0
    recorded = (repository / DEV).read_text()
    assert "aaaa" not in recorded
    assert "LoadCurrentVersion0A1B2C3D" in recorded
    template.write_text(json.dumps(code).replace("a" * 32, "b" * 32))
    snapshots.check(repository / "cdk.out", repository / "snapshots/dev")
    template.write_text(json.dumps(code).replace("assets", "other"))
    with pytest.raises(UserError, match="different from snapshots/dev"):
        snapshots.check(repository / "cdk.out", repository / "snapshots/dev")


SQS = {"Effect": "Allow", "Action": ["sqs:CreateQueue"], "Resource": ["arn:aws:sqs:x"]}
RIGHTS = "snapshots/dev/execution-policy.json"


def test_the_report_names_the_rights_that_the_base_lacks() -> None:
    def recorded(*statements: object) -> dict[str, bytes]:
        rights = {"boundary": [], "drift": [], "execution": [[*statements]]}
        return files(ENABLED) | {RIGHTS: json.dumps(rights).encode()}

    text, passes = guard.report(recorded(SQS), recorded())
    assert passes
    assert "### dev needs new rights\n" in text
    assert "- sqs:CreateQueue on arn:aws:sqs:x\n" in text
    assert "administrator" not in guard.report(recorded(SQS), recorded(SQS))[0]
    assert "administrator" not in guard.report(recorded(), recorded(SQS))[0]
    first, _ = guard.report(recorded(SQS), files(ENABLED))
    assert "### dev needs a new bootstrap\n\n- sqs:CreateQueue on" in first
    assert "nox -s bootstrap -- --to aws --environment dev\n" in first


def test_the_policies_with_recorded_rights_are_no_wider_access() -> None:
    """A person reviews the record, and the report says which rights are new."""

    def recorded(resource: str) -> dict[str, bytes]:
        rights = {"boundary": [], "drift": [[{**SQS, "Resource": [resource]}]], "execution": []}
        policy = {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Roles": ["DriftRole"],
                "PolicyDocument": {"Statement": [{**SQS, "Resource": [{"Fn::Sub": resource}]}]},
            },
        }
        template = json.dumps({"Resources": {"Policy": policy}})
        return files(template) | {RIGHTS: json.dumps(rights).encode()}

    text, passes = guard.report(recorded("arn:aws:sqs:y"), recorded("arn:aws:sqs:x"))
    assert passes
    assert text.startswith("No change in dev/StorageStack.")
    unrecorded = recorded("arn:aws:sqs:y") | {RIGHTS: recorded("arn:aws:sqs:x")[RIGHTS]}
    assert not guard.report(unrecorded, recorded("arn:aws:sqs:x"))[1]


def test_an_account_is_recorded_again_with_the_new_rights_of_its_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account's app reads what the first pass records."""
    recorded = tmp_path / "snapshots" / "dev" / Path(RIGHTS).name
    recorded.parent.mkdir(parents=True)
    passes: list[list[str]] = []

    def synthesize_all(names: list[str]) -> dict[str, Path]:
        passes.append([*names])
        return dict.fromkeys(names, tmp_path)

    monkeypatch.setattr(snapshots, "FOLDER", tmp_path / "snapshots")
    monkeypatch.setattr(snapshots, "environments", lambda: ["account", "dev"])
    monkeypatch.setattr(snapshots, "synthesize_all", synthesize_all)
    monkeypatch.setattr(snapshots, "record", lambda *_: recorded.write_text("{}"))
    snapshots.record_all(["dev"])
    assert passes == [["dev"], ["account", "dev"]]
    snapshots.record_all(["dev"])
    assert passes[2:] == [["dev"]]


def test_the_rights_are_recorded_beside_the_templates(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rights = Rights(boundary=[], drift=[], execution=[])
    monkeypatch.setattr(policy, "rights", lambda _: rights)
    file = repository / RIGHTS
    assert guard.main([]) == 1
    assert "execution-policy.json: different from snapshots/dev" in capsys.readouterr().err
    assert snapshots.main(["dev"]) == 0
    assert json.loads(file.read_text()) == rights
    monkeypatch.setattr(policy, "rights", lambda _: None)
    assert snapshots.main() == 0
    assert not file.exists()
