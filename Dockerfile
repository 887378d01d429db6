# qa-engine serve, with the local model prepared. docs/server.md says how to run it.
ARG PYTHON=3.12
FROM python:${PYTHON}-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY qa_engine qa_engine
RUN python -m venv /opt/qa_engine && /opt/qa_engine/bin/pip install --no-cache-dir '.[server,mcp]'
# What the image must not fetch or make when it runs: the graph of the model, and the dictionary. Another account reads them.
RUN QA_ENGINE_CACHE=/opt/cache /opt/qa_engine/bin/qa-engine models prepare && chmod -R a+rX /opt/cache

FROM python:${PYTHON}-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin qa_engine && install -d -o 10001 -g 10001 /data
COPY --from=build /opt/qa_engine /opt/qa_engine
COPY --from=build /opt/cache /opt/cache
# /tmp is the only other place that is written to: `docker run --read-only --tmpfs /tmp`.
ENV PATH=/opt/qa_engine/bin:$PATH \
    QA_ENGINE_CACHE=/opt/cache \
    QA_ENGINE_STORAGE=/data \
    PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8600
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8600/healthz')"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["qa-engine"]
CMD ["serve", "--host", "0.0.0.0"]
