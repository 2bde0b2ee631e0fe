"""What a round stands on: assemblies to deploy, and local clouds that hold data, to copy."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import boto3

from tests.faults.round import FaultError, Round
from tools import synth
from tools.local_cloud.client import local_cloud

# The third needs the others.
STACKS = ("StorageStack", "RegistryStack", "IdentityStack")
BUCKET, REPOSITORY, WITNESS = "wealth-ops-data-dev", "wealth-ops-ecr-dev", "witness"
KEY = "raw/WITNESS.parquet"
BODIES = {b"first", b"second"}
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {"mediaType": "application/json", "size": 1, "digest": f"sha256:{'0' * 64}"},
    "layers": [],
}


def prepare(folder: Path) -> None:
    """Make assemblies `plain`, `changed`, `broken-*` (changed, too); clouds `begun`, `deployed`."""
    plain = folder / "plain"
    with patch.object(synth, "assembly", return_value=plain):
        synth.synthesize("dev")
    shutil.copytree(plain, folder / "changed")
    for stack in STACKS:
        _rewrite(folder / "changed", stack, lambda text: text.replace('"aws-cdk"', '"changed"'))
    for stack in STACKS:
        broken = shutil.copytree(folder / "changed", folder / f"broken-{stack}")
        _rewrite(broken, stack, _with_a_taken_bucket)
    begun = Round(folder, folder / "begun", "preparing-begun")
    begun.succeed("bootstrap", "plain")
    with local_cloud(begun.cloud) as running, running.entered():
        boto3.client("s3").create_bucket(Bucket=WITNESS)
        _put(WITNESS)
    deployed = Round(folder, folder / "deployed", "preparing-deployed")
    shutil.copytree(begun.cloud, deployed.cloud)
    deployed.succeed("deploy", "plain")
    with local_cloud(deployed.cloud) as running, running.entered():
        _put(BUCKET)
        boto3.client("ecr").put_image(
            repositoryName=REPOSITORY, imageManifest=json.dumps(MANIFEST), imageTag="v1"
        )


def check_data(*, deployed: bool) -> None:
    """Raise `FaultError` unless each object, in each version, and the image are there as put."""
    s3 = boto3.client("s3")
    for bucket in (WITNESS, BUCKET) if deployed else (WITNESS,):
        versions = s3.list_object_versions(Bucket=bucket, Prefix=KEY).get("Versions", [])
        bodies = {
            s3.get_object(Bucket=bucket, Key=KEY, VersionId=version["VersionId"])["Body"].read()
            for version in versions
        }
        latest = s3.get_object(Bucket=bucket, Key=KEY)["Body"].read()
        if bodies != BODIES or latest != b"second":
            raise FaultError(f"{bucket}/{KEY} lost data: versions {bodies}, latest {latest!r}")
    if deployed:
        images = boto3.client("ecr").list_images(repositoryName=REPOSITORY)["imageIds"]
        if [image.get("imageTag") for image in images] != ["v1"]:
            raise FaultError(f"{REPOSITORY} lost its image: {images}")


def _put(bucket: str) -> None:
    s3 = boto3.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in sorted(BODIES):
        s3.put_object(Bucket=bucket, Key=KEY, Body=body)


def _rewrite(assembly: Path, stack: str, change: Callable[[str], str]) -> None:
    # The hash of a template, by which the CLI tells whether it is uploaded, goes with it.
    template, assets = (assembly / f"{stack}.{part}.json" for part in ("template", "assets"))
    (old,) = json.loads(assets.read_text())["files"]
    template.write_text(change(template.read_text()))
    new = hashlib.sha256(template.read_bytes()).hexdigest()
    for path in (assets, assembly / "manifest.json"):
        path.write_text(path.read_text().replace(old, new))


def _with_a_taken_bucket(text: str) -> str:
    template = json.loads(text)
    # Joined, so that the tools do not notice beforehand.
    name = {"Fn::Join": ["", [WITNESS]]}
    template["Resources"]["Taken"] = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}
    return json.dumps(template)
