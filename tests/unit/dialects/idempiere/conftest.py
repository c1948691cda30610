import pytest
from fakes.garden import Garden, dialects, people


@pytest.fixture
def garden_with(rig_with):
    def build(*, listed=None, policy=(), **options):
        return Garden(rig_with(dialects=dialects(**options), listed=listed or people(), **dict(policy)))

    return build


@pytest.fixture
def garden(garden_with):
    return garden_with()
