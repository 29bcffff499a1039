# One image, many commands: docker-compose.yml and deploy/kubernetes say which process a container is.
# It needs no root, and writes to OFFGRIDFLOW_HOME, OFFGRIDFLOW_SPOOL_DIR and /tmp alone: the rest may be read-only.
# Built and run nowhere yet: it has been checked by hadolint and by tests that read it.
FROM python:3.13-slim-bookworm AS build
ENV UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/offgridflow \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
# Dependencies before code: they change less often, and their layer is kept.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project
COPY README.md LICENSE ./
COPY worker worker
COPY tasks tasks
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.13-slim-bookworm
# Volumes take their owner from these folders.
RUN useradd --uid 10001 --create-home --home-dir /var/lib/offgridflow offgridflow \
    && install --directory --owner=10001 --group=10001 /var/spool/offgridflow
COPY --from=build /opt/offgridflow /opt/offgridflow
# POLARS_MAX_THREADS and REMAP_SIGTERM: as in the Procfile, which says why.
ENV PATH=/opt/offgridflow/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    POLARS_MAX_THREADS=1 \
    REMAP_SIGTERM=SIGQUIT \
    OFFGRIDFLOW_HOME=/var/lib/offgridflow \
    OFFGRIDFLOW_SPOOL_DIR=/var/spool/offgridflow
USER 10001
WORKDIR /var/lib/offgridflow
CMD ["offgridflow", "--help"]
