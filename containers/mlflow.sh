#!/bin/sh
# MLflow's server with accounts: runs in PostgreSQL, their files in a store that speaks S3.
#   PGHOST=… MLFLOW_S3_ENDPOINT_URL=http://…:8333 SECRETS=FOLDER sh containers/mlflow.sh --host 127.0.0.1
# SECRETS: the folder that secrets.sh made. FILES: where runs' files go, s3://BUCKET (made if it is
# not there) or a folder of this machine. What follows goes to `mlflow server`. Passwords are read
# from files into the environment of this one process.
set -eu
secrets=${SECRETS:-/run/secrets}
here=$(cd "$(dirname "$0")" && pwd)
export FILES="${FILES:-s3://runs}"
export PGUSER=mlflow PGDATABASE=mlflow PGPASSWORD="$(cat "$secrets/database_password.txt")"
export MLFLOW_AUTH_CONFIG_PATH="$here/accounts.ini"
export MLFLOW_AUTH_ADMIN_PASSWORD="$(cat "$secrets/admin_password.txt")"
export MLFLOW_FLASK_SERVER_SECRET_KEY="$(cat "$secrets/server_key.txt")"
export MLFLOW_BACKEND_STORE_URI=postgresql+psycopg:///
export MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
case $FILES in s3://*)
    export AWS_ACCESS_KEY_ID=mlflow AWS_SECRET_ACCESS_KEY="$(cat "$secrets/s3_secret.txt")"
    export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}"
    python -c '
import os, boto3, botocore
store = boto3.client("s3", endpoint_url=os.environ.get("MLFLOW_S3_ENDPOINT_URL"))
bucket = os.environ["FILES"].removeprefix("s3://").partition("/")[0]
try:
    store.head_bucket(Bucket=bucket)
except botocore.exceptions.ClientError as error:
    if error.response["Error"]["Code"] != "404":
        raise
    store.create_bucket(Bucket=bucket)
' ;;
esac
exec python -m mlflow server --app-name basic-auth --artifacts-destination "$FILES" "$@"
