"""What a log says of counts and settings."""

from __future__ import annotations

import pytest

from cbat.sentences import in_words


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            {"pairs": 3000, "left_out": {"too_near": 12, "too_far": 3}},
            "pairs 3,000; left out (too near 12, too far 3)",
        ),
        ({"share": 0.123456, "collapse": [], "lines": ["a", "b"]}, "share 0.1235; collapse none; lines a, b"),
        ({"sibling": None, "stranded": True, "signals": {}}, "sibling none; stranded yes; signals none"),
    ],
)
def test_a_report_reads_as_words(content: dict, said: str) -> None:
    assert in_words(content) == said
