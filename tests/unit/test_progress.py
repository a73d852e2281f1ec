"""Progress: not too often, and with the time that is left."""

from __future__ import annotations

import io
import logging
import re
import sys
import time

from cbat.progress import Progress, duration


def test_it_speaks_every_few_seconds(caplog) -> None:
    now = [0.0]
    progress = Progress("HUVEC chr1", "pairs", 1000, every=10.0, clock=lambda: now[0])
    with caplog.at_level(logging.INFO):
        for _ in range(10):
            now[0] += 4.0
            progress.add(100)
    assert [record.message for record in caplog.records] == [
        "HUVEC chr1: 300 of 1,000 pairs, 25 a second, about 28 s left",
        "HUVEC chr1: 600 of 1,000 pairs, 25 a second, about 16 s left",
        "HUVEC chr1: 900 of 1,000 pairs, 25 a second, about 4 s left",
    ]
    assert progress.text(now[0]) == "HUVEC chr1: 1,000 of 1,000 pairs in 40 s"


def test_nothing_to_do() -> None:
    assert Progress("x", "pairs", 0, clock=lambda: 0.0).text(0.0).startswith("x: 0 of 0 pairs in")


def test_durations() -> None:
    assert [duration(value) for value in (3.2, 240, 9000)] == ["3 s", "4 min", "2.5 h"]


def test_a_bar_in_a_terminal_names_rate_and_time_left(monkeypatch, caplog) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    with caplog.at_level(logging.INFO), Progress("epoch 3", "pairs", 4000, terminal=True) as told:
        time.sleep(0.15)
        told.add(1000)
    shown = screen.getvalue()
    assert "epoch 3:  25%" in shown
    assert "1.00k/4.00k" in shown
    assert re.search(r"\[00:0\d<00:0\d, +[\d.]+k? pairs/s\]", shown), shown
    assert not caplog.records


def test_a_log_has_no_bar(capsys) -> None:
    with Progress("epoch 3", "pairs", 4000) as told:
        told.add(4000)
    assert capsys.readouterr().err == ""


def test_others_than_the_first_process_say_nothing(caplog, capsys) -> None:
    with caplog.at_level(logging.INFO):
        Progress("x", "pairs", 10, every=0.0, shown=False).add(5)
        Progress("x", "pairs", 10, shown=False, terminal=True).add(5)
    assert not caplog.records
    assert capsys.readouterr().err == ""
