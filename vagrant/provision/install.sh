#!/bin/sh
# Puts the binary and these scripts where the others expect them: a copied binary where there is one, else one that
# is built here from /src.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

build() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends build-essential ca-certificates curl
    curl -fsS https://sh.rustup.rs | sh -s -- -y --profile minimal
    # One job: the machine is small.
    (cd /src && CARGO_TARGET_DIR=/var/tmp/mesh-target "$HOME/.cargo/bin/cargo" build --release --workspace --bin mesh -j 1)
    install -m 755 /var/tmp/mesh-target/release/mesh /usr/local/bin/mesh
}

if [ -f "$here/mesh" ]; then
    install -m 755 "$here/mesh" /usr/local/bin/mesh
elif [ -d /src ]; then
    build
else
    echo "install.sh: there is neither $here/mesh nor a checkout in /src" >&2
    exit 1
fi
mkdir -p /opt/mesh
for script in agent.sh services.sh smoke.sh; do
    install -m 755 "$here/$script" "/opt/mesh/$script"
done
install -m 644 "$here/nodes" /opt/mesh/nodes
install -m 600 "$here/key" /opt/mesh/key
mesh version
