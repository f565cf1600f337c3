# The MLflow server of compose.yaml, with the clients of its database and of its store of files.

FROM python:3.13-slim-bookworm
COPY constraints.txt containers/requirements-mlflow.txt /tmp/
RUN pip install --no-cache-dir --constraint /tmp/constraints.txt \
        --requirement /tmp/requirements-mlflow.txt \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin mlflow
COPY containers/mlflow.sh containers/accounts.ini /opt/mlflow/
ENV PYTHONUNBUFFERED=1
USER 10001
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:5000/health', timeout=4)"]
ENTRYPOINT ["sh", "/opt/mlflow/mlflow.sh"]
CMD ["--host", "0.0.0.0", "--port", "5000"]
