#!/usr/bin/env bash
# Installs what building, testing and checking voucherd needs: Debian 12 packages, by name,
# from whatever mirror the machine is set up with. Does nothing where all are installed.
#   deploy/install-packages.sh          what deploy/check.sh needs
#   deploy/install-packages.sh --bench  also what tests/bench/driver compares voucherd with
set -euo pipefail

build=(
  g++ cmake ninja-build ccache git ca-certificates
  libboost1.81-dev librocksdb-dev prometheus-cpp-dev libsimdjson-dev nlohmann-json3-dev
  libtomlplusplus-dev libcli11-dev libspdlog-dev libfmt-dev libssl-dev libzstd-dev zlib1g-dev libxxhash-dev libarchive-dev
  pkg-config libxlsxwriter-dev libpango1.0-dev
)
run=(python3 python3-cryptography curl fonts-noto-cjk)
test=(
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev python3-venv
  prometheus clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev valgrind slowhttptest openssl
  python3-openpyxl poppler-utils qpdf libreoffice-calc-nogui locales
)
bench=(postgresql-15 libpq-dev nats-server victoria-metrics)

packages=("${build[@]}" "${run[@]}" "${test[@]}")
if [ "${1:-}" = --bench ]; then packages+=("${bench[@]}"); fi

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "These packages are missing and only root can install them: ${missing[*]}" >&2
    exit 1
  }
  sudo=(sudo)
fi
echo "Installing ${missing[*]}" >&2
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2 </dev/null
