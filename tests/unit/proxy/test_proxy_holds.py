from fakes.wired_gate import Wired

from gateway.proxy import holds

REASONS = [value for name, value in vars(holds).items() if name.isupper()]


def test_every_reason_is_a_bit_of_its_own():
    assert all(reason & (reason - 1) == 0 < reason for reason in REASONS)
    assert len(set(REASONS)) == len(REASONS)


def test_reading_goes_on_only_when_the_last_reason_is_over():
    client = Wired().client()
    for reason in REASONS:
        client.connection.hold(reason)
    assert not client.transport.reading

    for reason in REASONS[:-1]:
        client.connection.free(reason)
        assert not client.transport.reading
    client.connection.free(REASONS[-1])

    assert client.transport.reading
