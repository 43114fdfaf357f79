"""Certificates that Dask cannot use are one sentence, before it tries."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dask
import pytest
from distributed.security import Security

from service.cluster.certificates import check_certificates
from service.errors import InputError

ADDRESS = "tls://10.0.0.1:8786"


@contextmanager
def configured(ca: str, cert: str, key: str | None, required: bool = True) -> Iterator[None]:
    with dask.config.set(
        {
            "distributed.comm.require-encryption": required,
            "distributed.comm.tls.ca-file": ca,
            "distributed.comm.tls.client": {"cert": cert, "key": key},
        }
    ):
        yield


def test_certificates_are_taken_as_files_or_as_they_are(tmp_path: Path) -> None:
    made = Security.temporary()
    cert, key = made.tls_client_cert, made.tls_client_key
    with configured(cert, cert, key):
        check_certificates(ADDRESS)
    (tmp_path / "one.crt").write_text(cert, encoding="ascii")
    (tmp_path / "one.key").write_text(key, encoding="ascii")
    file, key_file = str(tmp_path / "one.crt"), str(tmp_path / "one.key")
    with configured(file, file, key_file):
        check_certificates(ADDRESS)
    with configured(key_file, file, key_file), pytest.raises(InputError, match="cannot be used"):
        check_certificates(ADDRESS)
    with configured(file, file, "/gone.key"), pytest.raises(InputError, match=r"/gone\.key.*is not there"):
        check_certificates(ADDRESS)
    with configured(file, file, key_file), pytest.raises(InputError, match=r"as tls://10\.0\.0\.1:8786$"):
        check_certificates("tcp://10.0.0.1:8786")
    with configured(file, file, key_file, required=False):
        check_certificates("tcp://10.0.0.1:8786")


def test_a_key_may_be_in_the_file_of_its_certificate(tmp_path: Path) -> None:
    made = Security.temporary()
    both, cert = tmp_path / "both.pem", tmp_path / "one.crt"
    both.write_text(f"{made.tls_client_cert}{made.tls_client_key}", encoding="ascii")
    cert.write_text(str(made.tls_client_cert), encoding="ascii")
    with configured(str(cert), str(both), None):
        check_certificates(ADDRESS)
    with configured(str(cert), str(cert), None), pytest.raises(InputError, match="cannot be used"):
        check_certificates(ADDRESS)


def test_an_encrypted_scheduler_without_certificates_is_one_sentence() -> None:
    with pytest.raises(InputError, match=r"does not name tls\.ca-file, tls\.client\.cert \(docs"):
        check_certificates(ADDRESS)
    check_certificates("10.0.0.1:8786")
