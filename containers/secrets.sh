#!/bin/sh
# Make the passwords and keys of a tracking server, each in a file of its own, once:
#   sh containers/secrets.sh [FOLDER]       default: containers/secrets, which git leaves out
# The folder is closed to others; the files are not, since a container reads them as another user.
set -eu
folder=${1:-$(dirname "$0")/secrets}
if [ -e "$folder" ]; then
    echo "error: $folder: is there already; a new password would not be that of its database" >&2
    exit 1
fi
umask 022
mkdir -m 700 "$folder"
for name in database_password admin_password server_key s3_secret; do
    openssl rand -hex 24 > "$folder/$name.txt"
done
printf '{"identities": [{"name": "mlflow", "credentials": [{"accessKey": "mlflow", "secretKey": "%s"}],
 "actions": ["Admin", "Read", "List", "Tagging", "Write"]}]}\n' \
    "$(cat "$folder/s3_secret.txt")" > "$folder/s3_accounts.json"
echo "made: $folder; who may log in first is admin, with the password in $folder/admin_password.txt"
