from gateway.upstream.known_answers import LONGEST, MOST, KnownAnswer, KnownAnswers

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


def test_the_head_of_a_whole_answer_is_kept_without_its_body():
    heads = KnownAnswers()
    known = KnownAnswer(200, b"head for the client", 2)

    heads.remember(HEAD + b"ok", known)

    assert dict(heads) == {HEAD: known}


def test_long_heads_are_not_worth_it():
    heads = KnownAnswers()

    heads.remember(b"x" * (LONGEST + 1), KnownAnswer(200, b"", 0))

    assert not heads


def test_their_number_is_bounded():
    heads = KnownAnswers()
    for number in range(MOST + 1):
        heads.remember(b"%d" % number, KnownAnswer(200, b"", 0))

    assert len(heads) == 1
