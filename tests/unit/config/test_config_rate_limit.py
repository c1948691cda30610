import pytest

from gateway.config.rate_limit import RateLimitConfig


def test_what_is_left_out_is_a_limit_of_each_caller_in_a_second():
    limit = RateLimitConfig.model_validate({"requests": 5})

    assert (limit.requests, limit.per, limit.by) == (5, 1.0, "identity")


@pytest.mark.parametrize("requests", [0, -1, "many", 1.5, None])
def test_no_requests_at_all_is_no_limit_but_a_mistake(requests):
    with pytest.raises(ValueError, match="requests"):
        RateLimitConfig.model_validate({"requests": requests})
