import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol

from gateway.proxy.websocket_frames import Frames, close_frame

LENGTHS = st.one_of(st.integers(0, 200), st.sampled_from([125, 126, 127, 65535, 65536, 70000]))


def spelled(length, opcode, *, masked):
    return Frame(opcode, b"x" * length).serialize(mask=masked)


@given(
    st.lists(st.tuples(LENGTHS, st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT])), min_size=1, max_size=5),
    st.booleans(),
    st.data(),
)
def test_it_knows_at_every_byte_whether_a_frame_is_under_way(frames, masked, data):
    whole = b"".join(spelled(length, opcode, masked=masked) for length, opcode in frames)
    ends, place = {0}, 0
    for length, opcode in frames:
        place += len(spelled(length, opcode, masked=masked))
        ends.add(place)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))

    counted, last = Frames(), 0
    for cut in (*cuts, len(whole)):
        counted.pass_on(whole[last:cut])
        last = cut
        assert counted.between == (cut in ends)
        assert not counted.closed


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_bytes_confuse_it(pieces):
    counted = Frames()
    for piece in pieces:
        counted.pass_on(piece)


@pytest.mark.parametrize("masked", [False, True])
def test_a_close_frame_that_goes_by_is_noticed(masked):
    counted = Frames()
    counted.pass_on(spelled(2, Opcode.PING, masked=masked))
    assert not counted.closed

    counted.pass_on(Frame(Opcode.CLOSE, Close(1000, "").serialize()).serialize(mask=masked))

    assert counted.closed
    assert counted.between


@pytest.mark.parametrize(("reader", "masked"), [(CLIENT, False), (SERVER, True)])
def test_ours_is_read_by_a_library_of_its_own(reader, masked):
    protocol = Protocol(reader)
    protocol.receive_data(close_frame(1008, masked=masked))

    (event,) = protocol.events_received()

    assert Close.parse(event.data) == Close(1008, "")
