# syntax=docker/dockerfile:1
FROM python:3.11.14-slim-bookworm AS dependencies
# ranking serves on CPU; ranking-cuda adds the CUDA libraries, gigabytes of them, so that this same base serves on
# a GPU with nothing from the host but the driver.
ARG GROUP=ranking
RUN python -m venv /opt/venv
ENV PATH="/opt/venv/bin:${PATH}"
WORKDIR /build
COPY constraints.txt pyproject.toml deploy/docker/requirements.py deploy/docker/cuda-constraints.txt ./
RUN python requirements.py "${GROUP}" > requirements.txt \
    && pip install --no-cache-dir -c constraints.txt -c cuda-constraints.txt -r requirements.txt

FROM python:3.11.14-slim-bookworm
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="winnow-ranking" \
      org.opencontainers.image.description="Winnow's ranking: a score for each candidate and objective." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# A new named volume takes the owner of the folder that it is mounted on.
RUN install --directory --owner=10001 --group=10001 /var/lib/winnow/snapshots
WORKDIR /app
COPY --from=dependencies /opt/venv /opt/venv
COPY shared shared
COPY protos/winnow/exchange winnow/exchange
COPY protos/winnow/ranking winnow/ranking
COPY services/__init__.py services/
COPY services/ranking services/ranking
# The root file system is read-only: caches and temporary files go to /tmp.
ENV HOME=/tmp \
    PATH="/opt/venv/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
EXPOSE 50054 50064 9104
ENTRYPOINT ["python", "-m", "services.ranking"]
