"""Kill runs of the toy workflow at random moments, go on as a user would, and compare what comes out.

First the workflow runs undisturbed. Then, on a copy of it, the outputs of one job of every rule are deleted,
the job is started, and all processes are killed by SIGKILL after a random share of the time that it took; and
a run from nothing is killed again and again. After each kill every file that stands under its own name below
results must have the bytes of the undisturbed run, for a reader could meet it. Then the run goes on, and in
the end all files are compared.

It prints a line of JSON for each kill and one for the sum; ``--table`` adds the counts as Markdown, on
standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

import psutil
from toy_world import TOP, set_up

from cbat.files import sha256_of

DIFFERS: Final = ("results/report.html", "results/checkpoints/")
"""Files that two runs write differently: the report tells when jobs ran, and checkpoints come and go."""
ATTEMPTS: Final = 4
"""How often a rule is started until the kill has met its job at work."""


def start(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    """Snakemake in a session of its own, so that it can be killed with all that it has started."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(TOP / "Snakefile"), "--nocolor"]
    with open(directory / "snakemake.log", "w") as log:
        return subprocess.Popen(
            [*command, "--configfile", "toy.yaml", *arguments],
            cwd=directory, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, text=True,
        )  # fmt: skip


def go_on(directory: Path, *arguments: str) -> None:
    """What a user does: take away the lock of the run that is dead, and run the same command again."""
    if lock_left(directory) and start(directory, "--unlock").wait():
        raise SystemExit((directory / "snakemake.log").read_text())
    if start(directory, "--cores", "2", *arguments).wait():
        raise SystemExit((directory / "snakemake.log").read_text())


def lock_left(directory: Path) -> bool:
    """Whether Snakemake would refuse to run."""
    return any((directory / ".snakemake" / "locks").glob("*"))


def kill(process: subprocess.Popen[str]) -> list[str]:
    """Kill a run with all its processes; the rules whose jobs were at work."""
    try:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    except psutil.NoSuchProcess:
        family = []
    verbs = set()
    for one in family:
        try:
            words = one.cmdline()
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        if "cbat" in words[1:3] and "-m" in words:
            verbs.add(words[words.index("cbat") + 1])
        if "--report" in words:
            verbs.add("write_report")
    for one in family:
        try:
            one.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    psutil.wait_procs(family, timeout=30)
    return sorted(verbs)


def is_temporary(path: Path) -> bool:
    """Whether a name is one of those that are replaced once a file or folder is whole."""
    return any(part.startswith(".") for part in path.parts)


def hashes(directory: Path) -> dict[str, str]:
    """Path -> SHA-256 of every file below results that a reader would look for."""
    found = {}
    for path in sorted((directory / "results").rglob("*")):
        name = path.relative_to(directory)
        if path.is_file() and not is_temporary(name) and not str(name).startswith(DIFFERS):
            found[str(name)] = sha256_of(path)
    return found


def other_files(directory: Path, expected: dict[str, str]) -> list[str]:
    """Files that stand under their own name with other bytes than those of the undisturbed run."""
    return [name for name, digest in hashes(directory).items() if expected.get(name) != digest]


def state_after(directory: Path, expected: dict[str, str]) -> dict[str, Any]:
    """What a kill has left."""
    below = (directory / "results").rglob(".*.cbat-????????*")
    return {
        "lock_left": lock_left(directory),
        "temporaries_left": sum(1 for _ in below),
        "checkpoints_left": len([*directory.glob("results/checkpoints/*/last.safetensors")]),
        "half_written": other_files(directory, expected),
    }


def jobs_of(directory: Path) -> dict[str, list[list[str]]]:
    """Rule -> the outputs of each of its jobs."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(TOP / "Snakefile"), "--summary"]
    done = subprocess.run(
        [*command, "--configfile", "toy.yaml"], cwd=directory, check=True, capture_output=True, text=True
    )
    jobs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in done.stdout.splitlines()[1:]:
        output, _, rule, log = line.split("\t")[:4]
        if rule != "-" and log != "-":
            jobs[rule, log].append(output)
    of_rules: dict[str, list[list[str]]] = defaultdict(list)
    for (rule, _), outputs in jobs.items():
        of_rules[rule].append(outputs)
    return of_rules


def seconds_of(directory: Path, rule: str) -> float:
    """How long the jobs of a rule took, in the mean."""
    found = []
    for file in (directory / "benchmarks" / rule).glob("*.tsv"):
        header, row = (line.split("\t") for line in file.read_text().splitlines()[:2])
        found.append(float(dict(zip(header, row, strict=True))["s"]))
    return sum(found) / len(found)


def kill_in_rule(
    directory: Path,
    rule: str,
    outputs: list[str],
    seconds: float,
    expected: dict[str, str],
    rng: random.Random,
) -> dict[str, Any]:
    """Start a job whose inputs are there, kill everything, and go on."""
    for output in outputs:
        (directory / output).unlink(missing_ok=True)
    shutil.rmtree(directory / "logs" / rule, ignore_errors=True)
    wanted = ["--allowed-rules", rule, "--", *outputs]
    process = start(directory, "--cores", "2", *wanted)
    while process.poll() is None and not [*(directory / "logs" / rule).glob("*.log")]:
        time.sleep(0.02)
    waited = rng.uniform(0.1, 0.9) * seconds
    end = time.monotonic() + waited
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    running = kill(process)
    found = {"kind": "rule", "rule": rule, "after_s": round(waited, 2), "at_work": running}
    found |= state_after(directory, expected)
    go_on(directory, *wanted)
    told = "".join(path.read_text(errors="replace") for path in (directory / "logs" / rule).glob("*.log"))
    found["went_on_from_checkpoint"] = "going on after step" in told
    found["differ_in_the_end"] = [
        output
        for output in outputs
        if output in expected and sha256_of(directory / output) != expected[output]
    ]
    return found


def kill_whole_runs(
    directory: Path, n: int, seconds: float, expected: dict[str, str], rng: random.Random
) -> list[dict[str, Any]]:
    """Kill a run from nothing ``n`` times, each time going on where the one before was killed."""
    found = []
    for _ in range(n):
        if lock_left(directory):
            start(directory, "--unlock").wait()
        process = start(directory, "--cores", "2")
        # Late enough that every run gets somewhere.
        waited = rng.uniform(0.1, 0.3) * seconds
        end = time.monotonic() + waited
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        done = process.poll() is not None
        running = kill(process)
        if done:
            break
        line = {"kind": "run", "after_s": round(waited, 2), "at_work": running}
        found.append(line | state_after(directory, expected))
        print(json.dumps(found[-1]), flush=True)
    go_on(directory)
    return found


def main() -> None:
    """Print what was seen; the status is 1 where a file differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rule-kills", type=int, default=40, help="kills of single jobs; each rule has one")
    parser.add_argument("--run-kills", type=int, default=12, help="kills of whole runs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rules", nargs="*", help="only these rules")
    parser.add_argument("--directory", type=Path, help="where to work; a temporary folder by default")
    parser.add_argument(
        "--table", action="store_true", help="also write counts as Markdown to standard error"
    )
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="cbat-kill-") as temporary:
        top = (options.directory or Path(temporary)).absolute()
        undisturbed, spoiled, anew = (top / name for name in ("undisturbed", "spoiled", "anew"))
        if not undisturbed.exists():
            set_up(undisturbed)
            started = time.monotonic()
            go_on(undisturbed)
            (undisturbed / "seconds").write_text(str(time.monotonic() - started))
        expected, jobs = hashes(undisturbed), jobs_of(undisturbed)
        shutil.rmtree(spoiled, ignore_errors=True)
        shutil.copytree(undisturbed, spoiled, symlinks=True)
        chosen = options.rules or sorted(jobs)
        kills = kill_rules(spoiled, chosen, options.rule_kills, jobs, expected, rng)
        ends = {"rules": hashes(spoiled)}
        if options.run_kills:
            shutil.rmtree(anew, ignore_errors=True)
            set_up(anew)
            seconds = float((undisturbed / "seconds").read_text())
            kills += kill_whole_runs(anew, options.run_kills, seconds, expected, rng)
            ends["runs"] = hashes(anew)
        report(kills, chosen, ends, expected)
        if options.table:
            print(table(kills), file=sys.stderr)
        sound = all(found == expected for found in ends.values())
        sys.exit(0 if sound and not any(one["half_written"] for one in kills) else 1)


def kill_rules(
    directory: Path,
    rules: list[str],
    n: int,
    jobs: dict[str, list[list[str]]],
    expected: dict[str, str],
    rng: random.Random,
) -> list[dict[str, Any]]:
    """Kill each rule until a kill has met its job at work, and then rules at random up to ``n`` kills."""
    kills: list[dict[str, Any]] = []
    at_random = [rng.choice(rules) for _ in range(n)]
    for rule in [*rules, *at_random]:
        every = {one["rule"] for one in kills} >= set(rules)
        if every and len(kills) >= n:
            break
        for _ in range(ATTEMPTS):
            outputs, seconds = rng.choice(jobs[rule]), seconds_of(directory, rule)
            kills.append(kill_in_rule(directory, rule, outputs, seconds, expected, rng))
            print(json.dumps(kills[-1]), flush=True)
            if rule in kills[-1]["at_work"]:
                break
    return kills


def report(
    kills: list[dict[str, Any]], rules: list[str], ends: dict[str, dict[str, str]], expected: dict[str, str]
) -> None:
    """Print the sum of all kills."""
    met = Counter(verb for one in kills for verb in one["at_work"])
    total = {
        "name": "kills",
        "n": len(kills),
        "of_rules": sum(one["kind"] == "rule" for one in kills),
        "of_runs": sum(one["kind"] == "run" for one in kills),
        "met_at_work": dict(sorted(met.items())),
        "never_met": [rule for rule in rules if not met[rule]],
        "half_written": sum(bool(one["half_written"]) for one in kills),
        "locks_left": sum(one["lock_left"] for one in kills),
        "temporaries_left": sum(one["temporaries_left"] > 0 for one in kills),
        "went_on_from_checkpoint": sum(one.get("went_on_from_checkpoint", False) for one in kills),
        "files_compared": len(expected),
        "files_that_differ": {
            name: sorted(file for file in expected | found if expected.get(file) != found.get(file))
            for name, found in ends.items()
        },
    }
    print(json.dumps(total), flush=True)


def table(kills: list[dict[str, Any]]) -> str:
    """How often a kill has met each rule at work, as Markdown."""
    met = Counter(verb for one in kills for verb in one["at_work"])
    return "\n".join(
        ["| Rule | Kills |", "|---|---|", *(f"| `{name}` | {n} |" for name, n in sorted(met.items()))]
    )


if __name__ == "__main__":
    main()
