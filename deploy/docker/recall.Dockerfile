# syntax=docker/dockerfile:1
FROM python:3.11.14-slim-bookworm AS dependencies
# Annoy comes as source alone. Debian's mirrors keep no older g++ to pin.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
# Annoy compiles for the CPU of the machine that builds it (-march=native) and then dies of SIGILL on an older one.
# This variable replaces all of its flags, so the others are its own defaults, threads included. x86-64-v3 searches
# about a seventh faster where every node has AVX2.
ARG ANNOY_MARCH=x86-64-v2
ENV ANNOY_COMPILER_ARGS="-D_CRT_SECURE_NO_WARNINGS,-fpermissive,-march=${ANNOY_MARCH},-O3,-ffast-math,-fno-associative-math,-DANNOYLIB_MULTITHREADED_BUILD,-std=c++14"
RUN python -m venv /opt/venv
ENV PATH="/opt/venv/bin:${PATH}"
WORKDIR /build
COPY constraints.txt pyproject.toml deploy/docker/requirements.py ./
RUN python requirements.py recall > requirements.txt \
    && pip install --no-cache-dir -c constraints.txt -r requirements.txt

FROM python:3.11.14-slim-bookworm
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="winnow-recall" \
      org.opencontainers.image.description="Winnow's recall: candidates for a user from several channels." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# A new named volume takes the owner of the folder that it is mounted on.
RUN install --directory --owner=10001 --group=10001 /var/lib/winnow/snapshots
WORKDIR /app
COPY --from=dependencies /opt/venv /opt/venv
COPY shared shared
COPY protos/winnow/exchange winnow/exchange
COPY protos/winnow/recall winnow/recall
# To follow what items changed.
COPY protos/winnow/feature_store winnow/feature_store
COPY services/__init__.py services/
COPY services/recall services/recall
# The root file system is read-only: caches and temporary files go to /tmp.
ENV HOME=/tmp \
    PATH="/opt/venv/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 50053 50063 9103
ENTRYPOINT ["python", "-m", "services.recall"]
