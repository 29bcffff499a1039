"""What stands outside quotes is counted as it is by looking at one byte after the other."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from worker.adapters.csv_marks import Outside, outside

TEXTS = st.lists(st.sampled_from([b'"', b'""', b",", b"\n", b"x" * 63, b"\xff", bytes(70)]), max_size=400).map(b"".join)


def one_by_one(text: bytes, *, in_quotes: bool) -> Outside:
    separators = lines = 0
    for byte in text:
        in_quotes ^= byte == ord('"')
        separators += byte == ord(",") and not in_quotes
        lines += byte == ord("\n") and not in_quotes
    return Outside(separators, lines, in_quotes)


@given(text=TEXTS, in_quotes=st.booleans())
@example(text=b"", in_quotes=True)
@example(text=b'"' * 64 * 64, in_quotes=False)
@example(text=b'"' + b"," * 64 * 64 + b'"\n', in_quotes=False)
def test_counts_are_those_of_one_byte_after_the_other(text: bytes, in_quotes: bool) -> None:
    assert outside(text, in_quotes=in_quotes) == one_by_one(text, in_quotes=in_quotes)


@given(texts=st.lists(TEXTS, max_size=5), in_quotes=st.booleans())
def test_a_text_counts_the_same_in_pieces(texts: list[bytes], in_quotes: bool) -> None:
    separators, lines, inside = 0, 0, in_quotes
    for text in texts:
        found = outside(text, in_quotes=inside)
        separators, lines, inside = separators + found.separators, lines + found.lines, found.in_quotes
    assert Outside(separators, lines, inside) == outside(b"".join(texts), in_quotes=in_quotes)
