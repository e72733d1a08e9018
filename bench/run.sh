#!/usr/bin/env bash
# Every benchmark, one after the other, results as JSON in build/bench. Refuses a busy machine.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/bench
PYTHON="${PYTHON:-build/peers/bin/python}"
"$PYTHON" bench/train_speed.py --out build/bench/train_speed.json
cmake --build build/release --target speed_probe
"$PYTHON" bench/inference.py --out build/bench/inference.json
"$PYTHON" bench/scaling.py --out build/bench
