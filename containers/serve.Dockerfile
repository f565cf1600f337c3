# A bundle over HTTP, with what prediction needs alone. From the root of the checkout:
#   docker build -f containers/serve.Dockerfile -t raphe-serve .
#   docker run --rm --read-only --tmpfs /tmp -p 127.0.0.1:8000:8000 \
#       -v "$PWD/verdict-bundle:/bundle:ro" raphe-serve
# It prints a link with a token: open http://127.0.0.1:8000/?token=… with that token, or give one that
# stays: -e RAPHE_TOKEN=…
# It is new at each start unless -e RAPHE_TOKEN=… sets one.
# Further words go to `raphe serve`, as --allow-host NAME where browsers reach it by a name.

FROM python:3.13-slim-bookworm AS build
ARG EXTRAS=serve,nwb
# glif as well for bundles of neurons: --build-arg EXTRAS=serve,nwb,glif
WORKDIR /source
COPY pyproject.toml setup.py constraints.txt README.md LICENSE ./
COPY conf conf
COPY src src
RUN python -m venv /opt/raphe \
    && /opt/raphe/bin/pip wheel --no-cache-dir --no-deps --wheel-dir /wheel . \
    && /opt/raphe/bin/pip install --no-cache-dir --constraint constraints.txt \
        "$(echo /wheel/raphe-*.whl)[${EXTRAS}]"

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin raphe
COPY --from=build /opt/raphe /opt/raphe
ENV PYTHONUNBUFFERED=1 NUMBA_CACHE_DIR=/tmp MPLCONFIGDIR=/tmp
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/opt/raphe/bin/python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["/opt/raphe/bin/raphe", "serve", "/bundle", "--host", "0.0.0.0", "--port", "8000"]
