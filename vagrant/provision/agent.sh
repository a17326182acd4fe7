#!/bin/sh
# Starts the agent of a node: agent.sh NODE. Under systemd it is a unit, elsewhere a process that is started again
# whenever it ends.
set -eu
node=$1
here=$(cd "$(dirname "$0")" && pwd)

column() { awk -v node="$node" -v column="$1" '$1 == node { print $column }' "$here/nodes"; }
servers=$(awk '$2 == "server" { print $3 }' "$here/nodes")
address=$(column 3)
[ -n "$address" ] || { echo "agent.sh: $here/nodes has no node $node" >&2; exit 1; }

mkdir -p /etc/mesh /var/lib/mesh /usr/local/sbin
# The secret is in a file that root alone reads: everybody can read a command line.
(umask 077 && printf '{"encrypt": "%s"}\n' "$(cat "$here/key")" >/etc/mesh/00-cluster.json)

set -- -node "$node" -bind "$address" -data-dir /var/lib/mesh -config-dir /etc/mesh
if [ "$(column 2)" = server ]; then
    set -- "$@" -server -bootstrap-expect "$(echo "$servers" | wc -w | tr -d ' ')"
fi
for server in $servers; do
    [ "$server" = "$address" ] || set -- "$@" -retry-join "$server"
done
cat >/usr/local/sbin/mesh-node <<END
#!/bin/sh
exec /usr/local/bin/mesh agent $*
END
chmod 755 /usr/local/sbin/mesh-node

if [ -d /run/systemd/system ]; then
    cat >/etc/systemd/system/mesh.service <<END
[Unit]
Description=mesh
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=/usr/local/sbin/mesh-node
Restart=always
RestartSec=1
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
END
    systemctl daemon-reload
    systemctl enable mesh
    systemctl restart mesh
else
    setsid sh -c 'while :; do /usr/local/sbin/mesh-node >>/var/log/mesh.log 2>&1; sleep 1; done' </dev/null &
fi
