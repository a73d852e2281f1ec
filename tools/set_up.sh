#!/usr/bin/env bash
# Install what CBAT needs into .venv: `tools/set_up.sh run` for the workflow, `tools/set_up.sh dev` for the tests
# and linters as well. A second run finds it there. PYTHON names the interpreter; pip's own settings hold
# (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL, ...), so they also choose between builds of torch.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly VENV=.venv
readonly UNDER_WAY=$VENV/.set-up-under-way
# The environment must not be made anew by its own interpreter.
PATH=${PATH//"$PWD/$VENV/bin:"/}
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 DEBIAN_FRONTEND=noninteractive

say() { printf 'set-up: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# An installer that was told to stop may report an ordinary failure; the half-made environment must not be kept.
trap 'say "interrupted; run the same command again to go on"; exit 130' INT TERM

case ${1:-} in
    run) lock=requirements.lock ;;
    dev) lock=requirements-dev.lock ;;
    *) die "usage: tools/set_up.sh run|dev" ;;
esac

retry() {
    local attempt
    for attempt in 1 2 3; do
        "$@" && return
        [ "$attempt" = 3 ] || { say "that failed; trying again"; sleep $((attempt * 5)); }
    done
    return 1
}

install_debian_package() {
    command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
    say "installing the Debian package $1"
    retry apt-get update -qq >&2 && retry apt-get install -y -qq --no-install-recommends "$1" >&2
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

find_python() {
    local candidate version
    for candidate in ${PYTHON:-python3.11 python3.12 python3}; do
        version=$(version_of "$candidate") || continue
        case $version in 3.11 | 3.12) command -v "$candidate" && return ;; esac
    done
    if [ -n "${PYTHON:-}" ]; then
        die "PYTHON=$PYTHON is $(version_of "$PYTHON" || echo no Python that runs); CBAT needs Python 3.11 or 3.12"
    fi
    die "no Python 3.11 or 3.12 was found. Install one (Debian: apt-get install python3.11 python3.11-venv), or name it: make PYTHON=/path/to/python3.11"
}

# One set-up at a time: two `make` in one checkout wait for each other.
if command -v flock >/dev/null; then
    exec 9>.venv.lock
    flock 9
fi

fingerprint() {
    { cat requirements*.lock pyproject.toml tools/set_up.sh; pwd; version_of $VENV/bin/python || true; } | sha256sum | cut -d ' ' -f 1
}
# A stamp counts only while the environment it was written for still works, at the same place.
is_ready() {
    [ ! -e $UNDER_WAY ] && [ "$(cat "$VENV/.set-up-$1" 2>/dev/null)" = "$(fingerprint)" ] && $VENV/bin/cbat --version >/dev/null 2>&1
}

if ! command -v bedtools >/dev/null && ! install_debian_package bedtools; then
    die "the program bedtools is missing. Install it (Debian: sudo apt-get install bedtools; conda: conda install -c bioconda bedtools), then run the same command again"
fi

# Without PYTHON, the interpreter of an environment that is there will do.
wanted=
if [ -n "${PYTHON:-}" ]; then
    python=$(find_python)
    wanted=$(version_of "$python")
fi
is_wanted() {
    case $(version_of $VENV/bin/python) in "${wanted:-3.11}" | "${wanted:-3.12}") ;; *) return 1 ;; esac
}

# Everything that the workflow needs is among what the tests need, at the same versions.
if is_wanted && { is_ready "$1" || { [ "$1" = run ] && is_ready dev; }; }; then exit; fi

# An environment that was moved still runs the programs of its old place.
is_whole() {
    [ ! -e $UNDER_WAY ] && $VENV/bin/python -m pip --version >/dev/null 2>&1 &&
        head -n 1 $VENV/bin/pip 2>/dev/null | grep -qF "$PWD/$VENV/"
}

if ! is_wanted || ! is_whole; then
    python=$(find_python)
    [ ! -e $VENV ] || say "$VENV is unfinished, was moved or has another Python; making it anew"
    rm -rf $VENV
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        package="python$(version_of "$python")-venv"
        install_debian_package "$package" || die "$python cannot make virtual environments. Install what is missing (Debian: sudo apt-get install $package), then run the same command again"
    fi
    say "making $VENV with $python"
    "$python" -m venv $VENV || die "$python -m venv $VENV failed; its message is above"
fi

touch $UNDER_WAY
pip_install() {
    retry $VENV/bin/python -m pip install "$@" && return
    # pip undoes what it could not finish, so what was there before can stay.
    rm -f $UNDER_WAY
    die "pip could not install the packages; its message is above. Once that is mended, run the same command again"
}

pip_install -qq --require-hashes -r requirements-build.lock

# First and alone: the build of torch (CPU, CUDA) is the machine's choice, and one that is there is kept.
torch=$(sed -n 's/^ *"\(torch==[0-9.]*\)",$/\1/p' pyproject.toml)
if ! $VENV/bin/python - "${torch#*==}" 2>/dev/null <<'PYTHON'; then
import sys
from importlib.metadata import version
sys.exit(version("torch").split("+")[0] != sys.argv[1])
PYTHON
    say "installing $torch (once, some minutes)"
    pip_install "$torch"
fi

say "installing the $(grep -c == $lock) packages of $lock"
pip_install -qq --require-hashes --no-deps --no-build-isolation -r $lock
pip_install -qq --no-deps --no-build-isolation --editable .
$VENV/bin/python -m pip check >&2 || die "the packages in $VENV do not fit together; run 'make distclean' and the same command again"

fingerprint >"$VENV/.set-up-$1"
rm -f $UNDER_WAY
say "done"
