from gateway.proxy import phases


def test_every_phase_is_told_apart():
    values = [value for name, value in vars(phases).items() if name.isupper()]

    assert len(values) == len(set(values)) == 9
