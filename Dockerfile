# CBAT with all that a run on processors needs, at the versions of requirements.lock:
#   docker build --tag cbat .
#   docker run --rm --volume "$PWD:/data" --user "$(id -u):$(id -g)" cbat --cores 8
# The entry point is snakemake; `docker run --rm --entrypoint cbat cbat --help` is the command line.
# Another build of torch, as for a GPU: --build-arg PIP_EXTRA_INDEX_URL=<where it is>. More: docs/environments.md.

FROM python:3.11-slim-bookworm AS build

# Where pip looks besides; empty takes the build of torch that pip finds by itself.
ARG PIP_EXTRA_INDEX_URL=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1

RUN python -m venv /opt/cbat/.venv
ENV PATH=/opt/cbat/.venv/bin:$PATH

WORKDIR /opt/cbat
# The packages first: a change of the code alone does not install them again.
COPY requirements-build.lock requirements.lock ./
RUN pip install --require-hashes -r requirements-build.lock \
    && pip install torch==2.13.0 \
    && pip install --require-hashes --no-deps --no-build-isolation -r requirements.lock

COPY pyproject.toml README.md LICENSE Snakefile ./
COPY src src
COPY workflow workflow
COPY config config
COPY resources resources
COPY profiles profiles
RUN pip install --no-deps --no-build-isolation --editable . \
    && pip check \
    && python -m compileall -q src


FROM python:3.11-slim-bookworm

# Versions of Debian's packages are those of the release that the base image names.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bedtools \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 cbat

COPY --from=build /opt/cbat /opt/cbat

# Whoever runs it with --user has neither name nor home: caches go where everybody may write.
ENV PATH=/opt/cbat/.venv/bin:$PATH \
    USER=cbat \
    HOME=/tmp \
    XDG_CACHE_HOME=/tmp/cache \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1

# Configuration, results and logs lie in the folder that is mounted here.
WORKDIR /data
RUN chown cbat:cbat /data
USER 1000

ENTRYPOINT ["snakemake", "--snakefile", "/opt/cbat/Snakefile"]
CMD ["--help"]
