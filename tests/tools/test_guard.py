"""The guard as a command: what it compares, says and returns, on real git histories."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tools import snapshots
from tools.console import UserError
from tools.guard import __main__ as guard
from tools.guard import changes
from tools.guard.acknowledged import FILE, entry, parse

DEV = "snapshots/dev/StorageStack.template.json"
HAZARD = (
    "dev/StorageStack: DataBucket (AWS::S3::Bucket): VersioningConfiguration.Status changes from "
    '"Enabled" to "Suspended"'
)


def snapshot(versioning: str = "Enabled") -> str:
    """The template of a stack with a bucket, and an export of it."""
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {"VersioningConfiguration": {"Status": versioning}},
        "DeletionPolicy": "Retain",
        "Metadata": {"aws:cdk:path": "StorageStack/DataBucket/Resource"},
    }
    export = {"Value": {"Ref": "Bucket"}, "Export": {"Name": "storage:BucketName"}}
    return json.dumps(
        {
            "Description": "A bucket",
            "Resources": {"Bucket": bucket},
            "Outputs": {"BucketName": export},
        }
    )


def suspended() -> str:
    return snapshot("Suspended")


def roles() -> str:
    """The template of a stack with a role, what it may do, a table and some outputs."""
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": {"Fn::Join": ["", [{"Fn::ImportValue": "storage:BucketArn"}, "/*"]]},
    }
    policy = {"Roles": [{"Ref": "Role"}], "PolicyDocument": {"Statement": [statement]}}
    arn = {"Value": {"Fn::GetAtt": ["Role", "Arn"]}, "Export": {"Name": "identity:RoleArn"}}
    return json.dumps(
        {
            "Description": "Roles",
            "Resources": {
                "Role": {"Type": "AWS::IAM::Role", "Properties": {}},
                "Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": policy},
                "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {}},
            },
            "Outputs": {"RoleArn": arn, "Plain": {"Value": ""}},
        }
    )


def files(template: str, *, acknowledged: str = "") -> Mapping[str, bytes]:
    """The files of snapshots/ with one template, and an acknowledgement."""
    return {DEV: template.encode(), FILE: acknowledged.encode()}


def graver() -> str:
    """What `roles` becomes."""
    new = json.loads(roles())
    new["Resources"]["Policy"]["Properties"]["PolicyDocument"]["Statement"][0]["Action"] = "s3:*"
    new["Resources"]["Role"]["Properties"]["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/A|B"]
    new["Resources"]["Topic"] = {"Type": "AWS::SNS::Topic"}
    del new["Resources"]["Table"], new["Outputs"]["Plain"]
    new["Outputs"]["RoleArn"]["Value"] = "other"
    new["Outputs"]["Export"] = {"Value": "", "Export": {"Name": "e"}}
    new["Description"] = "Other"
    return json.dumps(new)


@pytest.fixture(autouse=True, scope="module")
def _compared_at_once() -> Iterator[None]:
    """Whatever is compared here, by the CDK, but with one start of Node."""
    pairs = [
        (snapshot(), snapshot()),
        (snapshot(), suspended()),
        (suspended(), suspended()),
        (snapshot(), "{}"),
        (roles(), graver()),
        ("{}", snapshot()),
        ("{}", roles()),
    ]
    loaded = {str(each): (json.loads(each[0]), json.loads(each[1])) for each in pairs}
    results = zip(loaded.values(), changes.compare(loaded), strict=True)
    known = {json.dumps(pair): result for pair, result in results}

    def compare(templates: Mapping[str, object]) -> list[changes.Changes]:
        return [{**known[json.dumps(pair)], "name": name} for name, pair in templates.items()]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "compare", compare)
        yield


def because(reason: str) -> str:
    return entry(HAZARD).replace('""', json.dumps(reason))


def test_no_change_is_one_line() -> None:
    text, passes = guard.judge(files(snapshot()), files(snapshot()))
    assert passes
    assert text == (
        "No change in dev/StorageStack.\n\n### Guard\n\n"
        "Nothing here may lose data, break an import or open access further."
    )


def test_a_danger_is_named_with_the_entry_that_would_let_it_through() -> None:
    text, passes = guard.judge(files(suspended()), files(snapshot()))
    assert not passes
    assert text.startswith("### dev/StorageStack\n\n- DataBucket (AWS::S3::Bucket) is updated: Ver")
    assert f"- **{HAZARD}**" in text
    assert entry(HAZARD) in text


def test_an_acknowledged_danger_passes_with_its_reason() -> None:
    here = files(suspended(), acknowledged=because("Moved to Glacier"))
    text, passes = guard.judge(here, files(snapshot()))
    assert passes
    assert f"- {HAZARD}  \n  Acknowledged: Moved to Glacier" in text
    assert "```" not in text


def test_what_was_acknowledged_before_is_not_let_through_again() -> None:
    acknowledged = because("Moved to Glacier")
    text, passes = guard.judge(
        files(suspended(), acknowledged=acknowledged),
        files(snapshot(), acknowledged=acknowledged),
    )
    assert not passes
    assert entry(HAZARD) in text


def test_an_acknowledgement_of_nothing_is_an_error() -> None:
    with pytest.raises(UserError, match="no such change since the base"):
        guard.judge(files(snapshot(), acknowledged=because("Why not")), files(snapshot()))


def test_the_grave_changes_come_first_and_access_is_a_table() -> None:
    text, _ = guard.judge(files(graver()), files(roles()))
    who, objects = "`AWS:${Role}`", "`${storage:BucketArn}/*`"
    stack, *_ = text.removeprefix("### dev/StorageStack\n\n").partition("\n\n### Guard")
    assert stack.splitlines() == [
        "- Table (AWS::DynamoDB::Table) **is deleted**",
        "- Topic (AWS::SNS::Topic) is created",
        "- Role (AWS::IAM::Role) is updated: ManagedPolicyArns",
        "- Policy (AWS::IAM::ManagedPolicy) is updated: PolicyDocument",
        "- export identity:RoleArn changes",
        "- output Plain is removed",
        "- export e is added",
        "- description changes",
        "",
        "| | Effect | Who | May do | On | If |",
        "|---|---|---|---|---|---|",
        f"| + | `Allow` | {who} | `s3:*` | {objects} |  |",
        f"| - | `Allow` | {who} | `s3:GetObject, s3:PutObject` | {objects} |  |",
        "",
        "| | Who | Managed policy |",
        "|---|---|---|",
        "| + | `${Role}` | `arn:aws:iam::aws:policy/A\\|B` |",
    ]


def test_a_stack_that_is_gone_takes_all_that_it_held() -> None:
    text, passes = guard.judge({}, files(snapshot()))
    assert not passes
    for loss in (
        "DataBucket (AWS::S3::Bucket) leaves the stack, but is kept",
        "the export storage:BucketName is removed",
    ):
        assert f"- **dev/StorageStack: {loss}**" in text


def test_a_stack_that_is_new_passes() -> None:
    new = {"storage": snapshot(), "identity": roles()}
    here = {f"snapshots/dev/{name}.template.json": new[name].encode() for name in new}
    text, passes = guard.judge(here, {})
    assert passes
    assert text.count("###") == 3
    assert "description" not in text  # all of it is new


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("[[acknowledged]", "is no TOML"),
        ("\xff", "is no TOML"),
        ("[other]", "only \\[\\[acknowledged\\]\\] entries"),
        ("acknowledged = 1", "only \\[\\[acknowledged\\]\\] entries"),
        ("acknowledged = [1]", "1 must be a change and a reason"),
        ("[[acknowledged]]\nchange = 'a'", "must be a change and a reason"),
        ("[[acknowledged]]\nchange = 'a'\nreason = 1", "must be a change and a reason"),
        ("[[acknowledged]]\nchange = 'a'\nreason = ' '", "say the reason for 'a'"),
        ("[[acknowledged]]\nchange = 'a'\nreason = 'b'\nx = 1", "must be a change and a reason"),
        ("[[acknowledged]]\nchange = 'a'\nreason = 'b'\n" * 2, "has 'a' twice"),
    ],
)
def test_an_acknowledgement_that_is_none_is_named(content: str, error: str) -> None:
    with pytest.raises(UserError, match=error):
        parse(content.encode("latin-1"))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the snapshot of one stack, which is synthesized as it is in `cdk.out`."""
    for path in (tmp_path / DEV, tmp_path / "cdk.out" / Path(DEV).name):
        path.parent.mkdir(parents=True)
        path.write_text(snapshot())
    (tmp_path / FILE).write_text("")
    commit = ("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "Record")
    for command in (("init", "-qb", "main"), ("add", "snapshots"), commit):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(guard, "ROOT", tmp_path)
    monkeypatch.setattr(snapshots, "ROOT", tmp_path)
    monkeypatch.setattr(snapshots, "FOLDER", tmp_path / "snapshots")
    monkeypatch.setattr(guard, "environments", lambda: ["dev"])
    monkeypatch.setattr(guard, "synthesize", lambda _: tmp_path / "cdk.out")
    monkeypatch.setattr("tools.guard.changes.install", lambda _: None)
    return tmp_path


def change(repository: Path, *, recorded: bool) -> None:
    """Suspend versioning in what is synthesized, and in the snapshot if it is `recorded`."""
    for path in [repository / "cdk.out" / Path(DEV).name, *[repository / DEV] * recorded]:
        path.write_text(suspended())


def test_the_working_tree_is_compared_with_the_base(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guard.main([]) == 0
    change(repository, recorded=True)
    assert guard.main([]) == 1
    assert HAZARD in "".join(capsys.readouterr())
    assert guard.main(["--base", "HEAD"]) == 1


def test_the_base_is_what_the_branch_of_origin_was_at(repository: Path) -> None:
    change(repository, recorded=True)
    head = (repository / ".git/refs/heads/main").read_text()
    commit = ("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qam", "Suspend")
    subprocess.run(["git", *commit], cwd=repository, check=True)
    assert guard.main([]) == 0
    origin = repository / ".git/refs/remotes/origin/main"
    origin.parent.mkdir(parents=True)
    origin.write_text(head)
    assert guard.main([]) == 1


def test_the_report_is_added_to_the_summary_of_a_job(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "summary").write_text("Before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(repository / "summary"))
    assert guard.main([]) == 0
    assert (repository / "summary").read_text().startswith("Before\nNo change in dev/StorageStack.")


def test_what_is_not_recorded_is_not_compared(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(repository, recorded=False)
    assert guard.main([]) == 1
    assert "StorageStack.template.json: not as in snapshots/dev" in capsys.readouterr().err


def test_an_unknown_base_is_an_error(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert guard.main(["--base", "nowhere"]) == 2
    assert "'nowhere'" in capsys.readouterr().err
    assert repository.exists()


def test_templates_are_recorded_and_then_are_as_reviewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assembly, folder = tmp_path / "cdk.out", tmp_path / "snapshots"
    (folder / "dev").mkdir(parents=True)
    (folder / "dev" / "Gone.template.json").write_text("{}")
    assembly.mkdir()
    (assembly / "New.template.json").write_text('{"New": 1}')
    (assembly / "manifest.json").write_text("{}")
    monkeypatch.setattr(snapshots, "ROOT", tmp_path)
    monkeypatch.setattr(snapshots, "FOLDER", folder)
    monkeypatch.setattr(snapshots, "environments", lambda: ["dev"])
    monkeypatch.setattr(snapshots, "synthesize", lambda _: assembly)
    with pytest.raises(UserError, match=r"Gone.template.json, New.template.json: not as in"):
        snapshots.check(assembly, folder / "dev")
    assert snapshots.main() == 0
    assert "Recorded in snapshots/dev" in "".join(capsys.readouterr())
    assert [path.name for path in (folder / "dev").iterdir()] == ["New.template.json"]
    snapshots.check(assembly, folder / "dev")


def test_nothing_is_recorded_of_an_app_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: str) -> Path:
        raise UserError("does not synthesize", 3)

    monkeypatch.setattr(snapshots, "FOLDER", tmp_path)
    monkeypatch.setattr(snapshots, "synthesize", fail)
    assert snapshots.main() == 3
    assert "does not synthesize" in "".join(capsys.readouterr())
    assert [*tmp_path.iterdir()] == []
