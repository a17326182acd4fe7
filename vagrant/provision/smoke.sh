#!/bin/sh
# Whether the cluster is one, asked on any of its nodes; and on that of `web`, whether it reaches `api` through the
# mesh, and no longer once an intention forbids it. Each question has two minutes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export PATH=/usr/local/bin:$PATH

get() {
    if command -v curl >/dev/null; then curl -fsS --max-time 5 "$1"; else timeout 5 wget -q -O - "$1"; fi
}
count() { awk -v role="$1" '/^[^#]/ && (role == "" || $2 == role)' "$here/nodes" | wc -l; }
elect() { get http://127.0.0.1:8500/v1/status/leader 2>/dev/null | grep -q ':'; }
peers() { get http://127.0.0.1:8500/v1/status/peers 2>/dev/null | tr , '\n' | grep -c ':8300'; }
servers() { [ "$(peers)" -eq "$(count server)" ]; }
nodes() { [ "$(get http://127.0.0.1:8500/v1/catalog/nodes 2>/dev/null | tr , '\n' | grep -c '"Node":')" -eq "$(count '')" ]; }
passing() { get "http://127.0.0.1:8500/v1/health/connect/api?passing" 2>/dev/null | grep -q '"Node"'; }
reach() { get http://127.0.0.1:12000/ 2>/dev/null | grep -q 'hello from api'; }
refused() { ! reach; }

# The condition, and what it means.
expect() {
    tries=0
    until "$1"; do
        tries=$((tries + 1))
        [ $tries -lt 120 ] || { echo "smoke: FAILED: $2" >&2; exit 1; }
        sleep 1
    done
    echo "smoke: $2"
}

expect elect "there is a leader"
expect servers "all $(count server) servers are voters"
expect nodes "all $(count '') nodes are in the catalog"
if grep -q '"web"' /etc/mesh/10-service.json 2>/dev/null; then
    expect passing "api is healthy"
    expect reach "web reaches api through the mesh"
    mesh intention create -deny web api
    expect refused "an intention keeps web from api"
    mesh intention delete web api
    expect reach "web reaches api again"
fi
echo "smoke: passed"
