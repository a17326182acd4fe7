use crate::shell;
use anyhow::{Context, Result, bail};
use std::net::Ipv4Addr;

/// A machine of the lab, a line of `vagrant/nodes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    pub address: Ipv4Addr,
    /// The line itself, for the scripts inside.
    pub line: String,
}

impl Node {
    /// Those of `vagrant/nodes` that are named; all of them if none is.
    pub fn read(names: &[String]) -> Result<Vec<Self>> {
        let path = shell::root().join("vagrant/nodes");
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let all = parse(&text)?;
        if let Some(unknown) = names.iter().find(|name| all.iter().all(|node| node.name != **name)) {
            bail!("{} has no node {unknown}", path.display());
        }
        Ok(all.into_iter().filter(|node| names.is_empty() || names.contains(&node.name)).collect())
    }

    /// An interface's name may have fifteen characters.
    pub fn tap(&self) -> String {
        format!("tap-{}", self.name)
    }

    /// Where it is while it is cut off from the others.
    pub fn bridge(&self) -> String {
        format!("cut-{}", self.name)
    }

    /// Whether it is one of those that hold the state.
    pub fn is_server(&self) -> bool {
        self.line.split_whitespace().nth(1) == Some("server")
    }

    /// Locally administered, and as unique as the address.
    pub fn hardware_address(&self) -> String {
        let [_, b, c, d] = self.address.octets();
        format!("52:54:00:{b:02x}:{c:02x}:{d:02x}")
    }
}

fn parse(text: &str) -> Result<Vec<Node>> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.map(parse_line).collect()
}

fn parse_line(line: &str) -> Result<Node> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, _role, address, _service] = words[..] else {
        bail!("found {line:?}, want a name, a role, an address and a service")
    };
    let address = address.parse().with_context(|| format!("found {address:?}, want an IPv4 address"))?;
    Ok(Node { name: name.to_owned(), address, line: line.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_read_from_their_lines() {
        let nodes =
            parse("# comment\nserver1 server 10.78.0.11 -\n\nclient1 client 10.78.0.21 api\n").unwrap();
        assert_eq!(nodes.len(), 2);
        assert_eq!((nodes[1].name.as_str(), nodes[1].address), ("client1", [10, 78, 0, 21].into()));
        assert_eq!(
            (nodes[1].tap().as_str(), nodes[1].hardware_address().as_str()),
            ("tap-client1", "52:54:00:4e:00:15")
        );
        for wrong in ["server1", "server1 server nowhere -"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_nodes_of_the_checkout_are_three_servers_and_two_clients() {
        let nodes = Node::read(&[]).unwrap();
        let servers = nodes.iter().filter(|node| node.is_server()).count();
        assert_eq!((nodes.len(), servers), (5, 3));
    }
}
