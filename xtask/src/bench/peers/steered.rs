use crate::bench::Scene;
use crate::bench::cgroups::Cgroups;
use crate::bench::figures::{TIER1, TIER2, TIER2_FAST};
use crate::bench::peer::{Peer, Running, Steered, text, write};
use crate::shell;
use anyhow::Result;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How the kernel sends a client of this host to a server of this host.
#[derive(Clone, Copy)]
pub enum Tier {
    /// Through the agent's proxies. Only a server that the client's own family of addresses does not reach is
    /// left to them on one host, so this one listens by IPv6 and the client asks by IPv4.
    Agent,
    /// To the server's own socket.
    Straight,
    /// To it, and past TCP.
    Accelerated,
}

/// The agent with the kernel's data plane. The client knows the service's name, and is told of no port.
pub struct Transparent(pub Tier);

impl Tier {
    fn name(self) -> &'static str {
        match self {
            Self::Agent => TIER1,
            Self::Straight => TIER2,
            Self::Accelerated => TIER2_FAST,
        }
    }

    /// The agents run side by side.
    fn first_port(self) -> u16 {
        match self {
            Self::Agent => 11100,
            Self::Straight => 11110,
            Self::Accelerated => 11120,
        }
    }

    fn server(self) -> SocketAddr {
        let ip = match self {
            Self::Agent => IpAddr::from(Ipv6Addr::LOCALHOST),
            Self::Straight | Self::Accelerated => IpAddr::from(Ipv4Addr::LOCALHOST),
        };
        SocketAddr::new(ip, self.first_port() + 9)
    }

    fn accelerate(self) -> &'static str {
        if matches!(self, Self::Accelerated) { "on" } else { "off" }
    }
}

impl Peer for Transparent {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn launch(&self, scene: &Scene, core: Option<usize>) -> Result<Running> {
        let (label, first) = (self.name().replace([' ', ','], "-"), self.0.first_port());
        let cgroups = Cgroups::create(&label)?;
        let mut server = scene.namespace.command_in(&cgroups.entrance("echo"), &scene.tool, core);
        server.args(["load", "serve", "--listen", &self.0.server().to_string()]);
        let server = scene.namespace.spawn(scene, &format!("{label}-echo"), server)?;
        let file = write(scene, &format!("{label}.json"), &self.configuration(&cgroups))?;
        let mesh = shell::target().join("release/mesh");
        let mut agent = scene.namespace.command_in(&cgroups.entrance("agent"), mesh, core);
        agent.args(["agent", "-dev", "-log-level=warn", "-config-file", &text(&file)]);
        Ok(Running {
            address: "echo.virtual.consul.:80".to_owned(),
            processes: vec![scene.namespace.spawn(scene, &label, agent)?],
            api: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, first))),
            steered: Some(Steered::new(server, cgroups)),
        })
    }
}

impl Transparent {
    fn configuration(&self, cgroups: &Cgroups) -> String {
        let (first, server) = (self.0.first_port(), self.0.server());
        let meta = |below| {
            json!({ "mesh-workload": format!("cgroup:{}", cgroups.path(below)),
                    "mesh-accelerate": self.0.accelerate() })
        };
        let proxy = json!({ "local_service_address": server.ip().to_string() });
        json!({
            "dataplane": "ebpf", "dataplane_cgroup": cgroups.top(), "dataplane_pins": cgroups.pins(),
            "ports": { "http": first, "dns": first + 1, "server": first + 2, "serf_lan": first + 3,
                       "serf_wan": first + 4 },
            "services": [
                { "name": "echo", "port": server.port(), "meta": meta("echo"),
                  "connect": { "sidecar_service": { "port": first + 5, "proxy": proxy } } },
                { "name": "client", "meta": meta("client") },
            ],
        })
        .to_string()
    }
}
