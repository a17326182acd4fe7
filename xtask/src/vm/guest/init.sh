#!/bin/sh
# The first process of a test machine: it brings the kernel up to what a host has, runs each line of /mesh/run, and
# says in the place that the kernel's command line names what came of them. Whoever reads that place knows by its
# last line, `end`, that it is complete: a panic or a power cut writes none.
/bin/busybox --install -s /bin
export PATH=/mesh/bin:/usr/bin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm /etc /result
mount -t devpts devpts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
hostname machine
echo "127.0.0.1 localhost" >/etc/hosts
# Nobody to ask: tests put a resolver of theirs in this file's place.
echo "hosts: files dns" >/etc/nsswitch.conf
: >/etc/resolv.conf

result=/dev/ttyS1
for word in $(cat /proc/cmdline); do
    case $word in
    mesh.result=*)
        mount -t hostfs -o "${word#mesh.result=}" result /result && result=/result/result
        ;;
    esac
done

echo "mesh-vm: up, Linux $(uname -r)"
while read -r module; do
    insmod "/modules/$module" || echo "mesh-vm: module $module cannot be loaded"
done </modules/order

export MESH_BINARY=/mesh/bin/mesh MESH_SKIP_LOG=/tmp/skipped
[ -x /mesh/bin/consul ] && export MESH_CONSUL=/mesh/bin/consul
while read -r name line; do
    : >$MESH_SKIP_LOG
    echo "mesh-vm: $name"
    eval "$line" 2>&1
    echo "status $name $?" >>$result
    sed "s/^/skipped $name /" $MESH_SKIP_LOG >>$result
done </mesh/run
echo end >>$result
sync
poweroff -f
