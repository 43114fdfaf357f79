import pytest

from tests.service.image_files.samples import Sample, save_samples


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sample]:
    return save_samples(tmp_path_factory.mktemp("images"))
