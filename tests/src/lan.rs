//! Hosts on one wire inside this machine: each a network namespace, and deaf to whom a test says.
//!
//! The test itself is on the wire too, and nothing cuts it off: it sees what becomes of the hosts.

use crate::netns::Namespace;
use crate::process::run;
use std::net::Ipv4Addr;
use std::process::Command;

/// Hosts `10.99.0.1`, `10.99.0.2` and so on. Make it in a network of the test's own, `netns::isolated`, and change it
/// there: the rules of who hears whom are the wire's, since User-Mode Linux has nftables for bridges alone.
pub struct Lan {
    hosts: Vec<Namespace>,
}

impl Lan {
    /// # Errors
    /// `ip` or `nft` is missing, the kernel has no bridges or no nftables for them, or we may not use them.
    pub fn new(hosts: usize) -> Result<Self, String> {
        must(&mut shell(
            "ip link add wire type bridge && ip address add 10.99.0.254/24 dev wire && ip link set wire up && \
             nft add table bridge faults && \
             nft 'add chain bridge faults cuts { type filter hook forward priority 0; }'",
        ))?;
        let hosts = (0..hosts).map(add_host).collect::<Result<_, _>>()?;
        Ok(Self { hosts })
    }

    pub fn hosts(&self) -> Vec<Host> {
        let host = |(number, namespace): (usize, &Namespace)| Host {
            ip: address(number),
            namespace: namespace.clone(),
        };
        self.hosts.iter().enumerate().map(host).collect()
    }

    /// Nothing more gets from the first to the second. What was under way is lost without a word.
    pub fn silence(&self, from: usize, to: usize) {
        let (from, to) = (address(from), address(to));
        rule(&format!("add rule bridge faults cuts ip saddr {from} ip daddr {to} drop"));
    }

    /// Nothing gets from these to the others, nor back.
    pub fn part(&self, side: &[usize]) {
        for other in self.all().filter(|other| !side.contains(other)) {
            for one in side {
                self.silence(*one, other);
                self.silence(other, *one);
            }
        }
    }

    /// Others hear nothing of this one, which hears them.
    pub fn mute(&self, host: usize) {
        self.all().filter(|other| *other != host).for_each(|other| self.silence(host, other));
    }

    /// This one hears nothing of the others, who hear it.
    pub fn deafen(&self, host: usize) {
        self.all().filter(|other| *other != host).for_each(|other| self.silence(other, host));
    }

    pub fn heal(&self) {
        rule("flush chain bridge faults cuts");
    }

    fn all(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.hosts.len()
    }
}

fn rule(rule: &str) {
    must(&mut shell(&format!("nft '{rule}'")))
        .expect("the wire's rules can be changed, as they could be at first");
}

/// A place for processes.
#[derive(Clone, Debug)]
pub struct Host {
    pub ip: Ipv4Addr,
    pub namespace: Namespace,
}

fn address(host: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 99, 0, u8::try_from(host + 1).expect("a test has few hosts"))
}

fn add_host(number: usize) -> Result<Namespace, String> {
    let host = Namespace::new()?;
    let (ip, place) = (address(number), host.path());
    must(&mut shell(&format!(
        "ip link add to{number} type veth peer name eth0 netns {place} && ip link set to{number} master wire up"
    )))?;
    let mut inside = shell(&format!("ip address add {ip}/24 dev eth0 && ip link set eth0 up"));
    host.enter(&mut inside);
    must(&mut inside)?;
    Ok(host)
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn must(command: &mut Command) -> Result<(), String> {
    let output = run(command);
    if output.status == Some(0) { Ok(()) } else { Err(format!("{command:?}: {}", output.stderr.trim())) }
}
