#!/usr/bin/env bash
# A Python environment with the programs Hone is measured against, from PyPI, in build/peers.
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ ! -x build/peers/bin/python ]]; then
  dpkg-query -W python3-venv >/dev/null 2>&1 || apt-get install -y -qq --no-install-recommends python3-venv >&2
  python3 -m venv build/peers
fi
build/peers/bin/python -c "import torch, transformers, peft, gguf, scipy, sklearn, matplotlib" 2>/dev/null ||
  build/peers/bin/pip install -q torch transformers peft gguf scipy scikit-learn tokenizers jinja2 matplotlib
# Constrained decoding: two other engines and a validator that knows every format.
build/peers/bin/python -c "import llguidance, xgrammar, jsonschema, rfc3987, fqdn" 2>/dev/null ||
  build/peers/bin/pip install -q llguidance xgrammar "jsonschema[format]"
# Built here for this machine; takes minutes.
build/peers/bin/python -c "import llama_cpp" 2>/dev/null ||
  CMAKE_ARGS="-DGGML_NATIVE=ON" build/peers/bin/pip install -q llama-cpp-python
