#!/bin/sh
# Starts the demo service of a node, if it has one, and writes its definition: services.sh NODE. A service is a web
# server on the loopback that knows nothing of the mesh.
set -eu
node=$1
here=$(cd "$(dirname "$0")" && pwd)
service=$(awk -v node="$node" '$1 == node { print $4 }' "$here/nodes")

serve() {
    mkdir -p "/srv/$1"
    echo "hello from $1 on $node" >"/srv/$1/index.html"
    if [ -d /run/systemd/system ]; then
        cat >"/etc/systemd/system/demo-$1.service" <<END
[Unit]
Description=demo service $1

[Service]
ExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory /srv/$1 $2
Restart=always

[Install]
WantedBy=multi-user.target
END
        systemctl daemon-reload
        systemctl enable "demo-$1"
        systemctl restart "demo-$1"
    else
        httpd -p "127.0.0.1:$2" -h "/srv/$1"
    fi
}

define() {
    mkdir -p /etc/mesh
    cat >/etc/mesh/10-service.json <<END
{"service": {"name": "$1", "port": $2, "check": {"http": "http://127.0.0.1:$2/", "interval": "2s"},
    "connect": {"sidecar_service": {$3}}}}
END
}

case $service in
api)
    serve api 9002
    define api 9002 ''
    ;;
web)
    serve web 9001
    define web 9001 '"proxy": {"upstreams": [{"destination_name": "api", "local_bind_port": 12000}]}'
    ;;
esac
