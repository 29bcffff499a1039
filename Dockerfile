# One image, many commands: docker-compose.yml says which process a container is.
# Built and run nowhere yet: it has been checked by hadolint alone.
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
RUN useradd --uid 10001 --create-home --home-dir /var/lib/offgridflow offgridflow
COPY --from=build /opt/offgridflow /opt/offgridflow
# POLARS_MAX_THREADS and REMAP_SIGTERM: as in the Procfile, which says why.
ENV PATH=/opt/offgridflow/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    POLARS_MAX_THREADS=1 \
    REMAP_SIGTERM=SIGQUIT \
    OFFGRIDFLOW_HOME=/var/lib/offgridflow
USER 10001
WORKDIR /var/lib/offgridflow
CMD ["offgridflow", "--help"]
