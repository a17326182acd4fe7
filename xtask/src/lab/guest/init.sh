#!/bin/sh
# The first process of a lab machine: a host with one disk and one network, which then runs the scripts that a
# machine of Vagrant runs.
/bin/busybox --install -s /bin
export PATH=/usr/local/bin:/opt/mesh:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /var/log /var/lib/mesh /srv /usr/local/sbin
mount -t devpts devpts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
while read -r module; do
    insmod "/modules/$module" || echo "mesh-lab: module $module cannot be loaded"
done </modules/order

for word in $(cat /proc/cmdline); do
    case $word in
    mesh.node=*) node=${word#mesh.node=} ;;
    esac
done
hostname "$node"
ip link set lo up
ip addr add "$(awk -v node="$node" '$1 == node { print $3 }' /opt/mesh/nodes)/24" dev eth0
ip link set eth0 up

# What the agent keeps outlives the machine.
mount -t ext4 /dev/vda /var/lib/mesh || echo "mesh-lab: there is no disk: what the agent keeps will be lost"
telnetd -l /bin/sh
nc -ll -p 2323 -e /bin/sh &
mkdir -p /etc/mesh
cp "/opt/mesh/$(awk -v node="$node" '$1 == node { print $2 }' /opt/mesh/nodes).json" /etc/mesh/20-lab.json
# Nobody answers there: what is asked for names of the mesh goes to the agent.
echo nameserver 10.78.0.1 >/etc/resolv.conf
/opt/mesh/services.sh "$node"
/opt/mesh/agent.sh "$node"
echo "mesh-lab: $node is up, Linux $(uname -r)"
# The first process takes in those whose parents have ended.
while :; do
    wait
    sleep 1
done
