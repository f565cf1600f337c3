#!/usr/bin/env bash
# What gpu.py measures, with any Python that has torch and NumPy: nothing is installed or fetched.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHONPATH=src exec "${PYTHON:-python3}" benchmarks/gpu.py "$@"
