# syntax=docker/dockerfile:1
FROM python:3.11.14-slim-bookworm AS dependencies
RUN python -m venv /opt/venv
ENV PATH="/opt/venv/bin:${PATH}"
WORKDIR /build
COPY constraints.txt pyproject.toml deploy/docker/requirements.py ./
RUN python requirements.py feature_store > requirements.txt \
    && pip install --no-cache-dir -c constraints.txt -r requirements.txt

FROM python:3.11.14-slim-bookworm
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="winnow-feature-store" \
      org.opencontainers.image.description="Winnow's feature store: features, histories and seen items of users." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# A new named volume takes the owner of the folder that it is mounted on.
RUN install --directory --owner=10001 --group=10001 /var/lib/winnow/snapshots /var/lib/winnow/store
WORKDIR /app
COPY --from=dependencies /opt/venv /opt/venv
COPY shared shared
COPY protos/winnow/exchange winnow/exchange
COPY protos/winnow/feature_store winnow/feature_store
COPY services/__init__.py services/
COPY services/feature_store services/feature_store
# The root file system is read-only: caches and temporary files go to /tmp.
ENV HOME=/tmp \
    PATH="/opt/venv/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 50052 50062 9102
ENTRYPOINT ["python", "-m", "services.feature_store"]
