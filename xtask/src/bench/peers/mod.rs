//! What is measured, and how each is started. Ports below 20000, one decade for each.

mod consul;
mod envoy;
mod haproxy;
mod mesh;
mod plain;
mod steered;

use super::Options;
use super::peer::Peer;
use crate::shell;
use anyhow::{Result, bail};
use std::net::SocketAddr;
use steered::{Tier, Transparent};

/// The peers that the options name, plain loopback first.
pub fn chosen(options: &Options) -> Result<Vec<Box<dyn Peer>>> {
    let mut peers: Vec<Box<dyn Peer>> = vec![Box::new(plain::Plain)];
    let ours: Box<dyn Peer> = if options.bare { Box::new(mesh::Bare) } else { Box::new(mesh::OWN_TLS) };
    peers.push(ours);
    if options.ktls {
        peers.push(Box::new(mesh::KERNEL_TLS));
    }
    if !options.bare && !options.no_kernel {
        let tiers = [Tier::Agent, Tier::Straight, Tier::Accelerated];
        peers.extend(tiers.map(|tier| Box::new(Transparent(tier)) as Box<dyn Peer>));
    }
    if !options.no_haproxy {
        if !shell::on_path("haproxy") {
            bail!("haproxy is not installed: apt-get install haproxy, or leave it out with --no-haproxy");
        }
        peers.push(Box::new(haproxy::Haproxy));
    }
    if let Some(binary) = &options.envoy {
        peers.push(Box::new(envoy::Envoy(binary.clone())));
    }
    if let Some(binary) = &options.consul {
        peers.push(Box::new(consul::Consul(binary.clone())));
    }
    Ok(peers)
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
