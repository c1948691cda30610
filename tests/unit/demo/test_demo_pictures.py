"""Product pictures are PNG files that any viewer accepts."""

import struct
import zlib

from gateway.demo.pictures import SIZE, picture


def chunks(png):
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at = 8
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        data = png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length)[0] == zlib.crc32(kind + data)
        yield kind, data
        at += 12 + length


def test_a_picture_is_a_whole_png_of_the_stated_size():
    parts = dict(chunks(picture(1)))

    assert list(parts) == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBBBBB", parts[b"IHDR"]) == (SIZE, SIZE, 8, 2, 0, 0, 0)
    assert len(zlib.decompress(parts[b"IDAT"])) == SIZE * (1 + 3 * SIZE)


def test_every_product_has_its_own_picture_and_always_the_same():
    pictures = [picture(number) for number in range(1, 13)]

    assert len(set(pictures)) == 12
    assert pictures == [picture(number) for number in range(1, 13)]


def test_no_picture_is_a_single_colour():
    for number in range(1, 13):
        rows = zlib.decompress(dict(chunks(picture(number)))[b"IDAT"])
        row = 1 + 3 * SIZE
        pixels = {rows[y * row + 1 + 3 * x : y * row + 4 + 3 * x] for y in range(SIZE) for x in range(SIZE)}

        assert len(pixels) == 2
