"""Use the data bucket with one library: `python libraries.py <library> <bucket>`.

Runs in the environment of the pyproject.toml beside this file, with a role's credentials. Exits
with an error if an allowed call fails or a denied call succeeds.
"""

import io
import os
import sys
from collections.abc import Callable

import awswrangler
import boto3
import pandas
import polars
import pyarrow
import pyarrow.fs
import pyarrow.parquet
import s3fs
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
FRAME = pandas.DataFrame({"close": [1.0, 2.0]})
LARGE = b"x" * (32 * 2**20)
PART = 8 * 2**20


def refused(error: type[Exception], call: Callable[[], object], text: str = "") -> None:
    """Expect `call` to fail with `error`, whose message contains `text`."""
    try:
        call()
    except error as raised:
        if text in str(raised):
            return
        raise
    raise AssertionError(f"{error.__name__} was not raised")


def keys(bucket: str) -> set[str]:
    """The keys under `raw/` that exist."""
    answer = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix="raw/")
    return {entry["Key"] for entry in answer.get("Contents", [])}


def pandas_with_s3fs(bucket: str) -> None:
    path = f"s3://{bucket}/raw/pandas.parquet"
    FRAME.to_parquet(path)
    assert pandas.read_parquet(path).equals(FRAME)
    refused(FileNotFoundError, lambda: pandas.read_parquet(f"s3://{bucket}/raw/missing.parquet"))
    files = s3fs.S3FileSystem()
    assert f"{bucket}/raw/pandas.parquet" in files.ls(f"{bucket}/raw", refresh=True)
    with files.open(f"{bucket}/raw/large", "wb", block_size=PART) as file:
        file.write(LARGE)
    assert files.info(f"{bucket}/raw/large")["size"] == len(LARGE)
    aborted = files.open(f"{bucket}/raw/aborted", "wb", block_size=PART)
    aborted.write(LARGE)
    aborted.discard()
    assert "raw/aborted" not in keys(bucket)
    files.copy(f"{bucket}/raw/pandas.parquet", f"{bucket}/processed/pandas.parquet")
    refused(PermissionError, lambda: files.rm_file(f"{bucket}/raw/pandas.parquet"))


def arrow(bucket: str) -> None:
    files = pyarrow.fs.S3FileSystem(
        endpoint_override=ENDPOINT, tls_ca_file_path=os.environ["AWS_CA_BUNDLE"]
    )
    table, path = pyarrow.Table.from_pandas(FRAME), f"{bucket}/raw/arrow.parquet"
    pyarrow.parquet.write_table(table, path, filesystem=files)
    assert pyarrow.parquet.read_table(path, filesystem=files).equals(table)
    missing = f"{bucket}/raw/missing.parquet"
    refused(FileNotFoundError, lambda: pyarrow.parquet.read_table(missing, filesystem=files))
    listed = files.get_file_info(pyarrow.fs.FileSelector(f"{bucket}/raw"))
    assert path in {entry.path for entry in listed}
    with files.open_output_stream(f"{bucket}/raw/large") as stream:
        stream.write(LARGE)
    assert files.get_file_info(f"{bucket}/raw/large").size == len(LARGE)
    files.copy_file(path, f"{bucket}/processed/arrow.parquet")
    refused(OSError, lambda: files.delete_file(path), "ACCESS_DENIED")


def polars_alone(bucket: str) -> None:
    path = f"s3://{bucket}/raw/polars.parquet"
    frame = polars.from_pandas(FRAME)
    frame.write_parquet(path)
    assert polars.read_parquet(path).equals(frame)
    missing = f"s3://{bucket}/raw/missing.parquet"
    refused(FileNotFoundError, lambda: polars.scan_parquet(missing).collect())
    assert polars.scan_parquet(f"s3://{bucket}/raw/polars*.parquet").collect().equals(frame)
    polars.scan_parquet(path).sink_parquet(f"s3://{bucket}/processed/polars.parquet")


def wrangler(bucket: str) -> None:
    path = f"s3://{bucket}/raw/wrangler.parquet"
    awswrangler.s3.to_parquet(FRAME, path)
    assert awswrangler.s3.read_parquet(path).equals(FRAME)
    assert awswrangler.s3.does_object_exist(path)
    missing = f"s3://{bucket}/raw/missing.parquet"
    assert not awswrangler.s3.does_object_exist(missing)
    error = awswrangler.exceptions.NoFilesFound
    refused(error, lambda: awswrangler.s3.read_parquet(missing))
    assert path in awswrangler.s3.list_objects(f"s3://{bucket}/raw/")
    awswrangler.s3.upload(io.BytesIO(LARGE), f"s3://{bucket}/raw/large")
    source, target = f"s3://{bucket}/raw", f"s3://{bucket}/processed"
    awswrangler.s3.copy_objects([path], source, target)
    refused(ClientError, lambda: awswrangler.s3.delete_objects(path), "AccessDenied")


def managed_transfer(bucket: str) -> None:
    s3 = boto3.client("s3")
    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)
    s3.upload_fileobj(io.BytesIO(LARGE), bucket, "raw/large", Config=config)
    received = io.BytesIO()
    s3.download_fileobj(bucket, "raw/large", received, Config=config)
    assert received.getvalue() == LARGE
    refused(ClientError, lambda: s3.download_file(bucket, "raw/missing", os.devnull), "404")

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= 2 * PART:
                raise OSError("broken source")
            return super().read(size)

    refused(OSError, lambda: s3.upload_fileobj(Broken(LARGE), bucket, "raw/broken", Config=config))
    assert "raw/broken" not in keys(bucket)
    s3.copy({"Bucket": bucket, "Key": "raw/large"}, bucket, "processed/large", Config=config)
    refused(ClientError, lambda: s3.delete_object(Bucket=bucket, Key="raw/large"), "AccessDenied")


LIBRARIES: dict[str, Callable[[str], None]] = {
    "pandas": pandas_with_s3fs,
    "pyarrow": arrow,
    "polars": polars_alone,
    "awswrangler": wrangler,
    "boto3": managed_transfer,
}

if __name__ == "__main__":
    LIBRARIES[sys.argv[1]](sys.argv[2])
