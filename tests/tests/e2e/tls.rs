//! Certificates that an operator makes with `mesh tls`, or with Consul's own command, are who nodes are.

use mesh_tests::cluster::TestCluster;
use mesh_tests::wait::{PATIENCE, eventually};
use mesh_tests::{Output, binary, peers, run, skip};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A directory of certificates and the program that makes them.
struct Maker {
    directory: TempDir,
}

impl Maker {
    /// With an authority made by this program.
    fn with_authority(program: &Path) -> Self {
        let maker = Self { directory: tempfile::tempdir().unwrap() };
        let saved = maker.tls(program, &["ca", "create"]).success();
        assert_eq!(saved.trim(), "==> Saved consul-agent-ca.pem\n==> Saved consul-agent-ca-key.pem");
        maker
    }

    fn tls(&self, program: &Path, arguments: &[&str]) -> Output {
        run(Command::new(program).current_dir(self.directory.path()).arg("tls").args(arguments))
    }

    /// What makes an agent use a new certificate of this kind, made by this program.
    fn flag(&self, program: &Path, kind: &str) -> String {
        let made = self.tls(program, &["cert", "create", &format!("-{kind}")]).success();
        let saved: Vec<&str> = made.lines().filter_map(|line| line.strip_prefix("==> Saved ")).collect();
        let [certificate, key] = saved[..] else { panic!("{made}") };
        let place = |name: &str| self.directory.path().join(name).to_string_lossy().into_owned();
        let (ca, certificate, key) = (place("consul-agent-ca.pem"), place(certificate), place(key));
        format!(
            "-hcl=ca_file = {ca:?} cert_file = {certificate:?} key_file = {key:?} \
             verify_incoming = true verify_outgoing = true verify_server_hostname = true"
        )
    }
}

/// Servers and a client agent with these flags, that write through each other.
fn cluster(servers: &[&str], client: &str) -> TestCluster {
    let mut cluster = TestCluster::empty(servers.len());
    for server in servers {
        cluster.add(&[server]);
    }
    cluster.wait_for_leader();
    let client = cluster.add(&["-server=false", client]);
    cluster.servers[client].write_within(PATIENCE, "written-through-the-client").unwrap();
    for server in &cluster.servers {
        server.wait_for_node("written-through-the-client");
    }
    cluster
}

#[test]
fn three_servers_and_a_client_agent_trust_who_has_a_certificate_of_their_authority_and_nobody_else() {
    let mesh = binary::mesh();
    let maker = Maker::with_authority(mesh);
    let servers = [(); 3].map(|()| maker.flag(mesh, "server"));
    let mut cluster = cluster(&servers.each_ref().map(String::as_str), &maker.flag(mesh, "client"));
    cluster.servers[0].request("PUT", "/v1/kv/secret", b"of the cluster");
    let log = cluster.servers[0].log();
    assert!(!log.contains("verify_"), "what is so anyway is no news: {log}");

    // They know the secret of gossip, and are members; calls they make are refused all the same.
    let other = Maker::with_authority(mesh);
    let strangers = [("server", "-bootstrap-expect=0"), ("client", "-server=false")].map(|(kind, flag)| {
        let number = cluster.add(&[flag, &other.flag(mesh, kind)]);
        (kind, number)
    });
    for (kind, number) in strangers {
        let stranger = &cluster.servers[number];
        eventually(&format!("the stranger that is a {kind} is a member"), || {
            let members = cluster.servers[0].mesh(&["members"]).stdout;
            let row = members.lines().find(|line| line.starts_with(&stranger.name))?;
            row.contains("alive").then_some(())
        });
        eventually("it has tried and says why it failed", || {
            let answer = stranger.try_request("GET", "/v1/kv/secret", b"")?;
            assert_eq!(answer.status, 500, "a {kind}: {}", answer.body);
            let log = stranger.log().to_lowercase();
            (log.contains("certificate") || log.contains("unknownissuer")).then_some(())
        });
        assert_ne!(stranger.register("from-a-stranger").map(|answer| answer.status), Some(200));
        assert_ne!(stranger.has_node("s0", "stale"), Some(true));
    }
    assert_eq!(cluster.servers[0].has_node("from-a-stranger", "consistent"), Some(false));
    let peers = cluster.servers[0].request("GET", "/v1/status/peers", b"").json();
    assert_eq!(peers.as_array().unwrap().len(), 3, "{peers}");
}

#[test]
fn consuls_own_certificates_are_taken_and_each_program_signs_with_the_others_authority() {
    let consul = match peers::consul() {
        Ok(path) => path,
        Err(reason) => return skip("tls: Consul's own certificates", reason),
    };
    let mesh = binary::mesh();
    for (authority, server, client) in
        [(consul, consul, consul), (consul, mesh, consul), (mesh, consul, mesh)]
    {
        let maker = Maker::with_authority(authority);
        cluster(&[&maker.flag(server, "server")], &maker.flag(client, "client"));
    }
}

#[test]
fn nothing_is_overwritten_and_mistakes_are_named() {
    let mesh = binary::mesh();
    let maker = Maker::with_authority(mesh);
    let table: [(&[&str], &str); 7] = [
        (&["ca", "create"], "consul-agent-ca.pem already exists."),
        (&["cert", "create"], "Please provide either -server, -client, or -cli"),
        (&["cert", "create", "-server", "-cli"], "Please provide either -server, -client, or -cli"),
        (&["cert", "create", "-client", "-node=a"], "-node requires -server"),
        (
            &["cert", "create", "-client", "-domain=other"],
            "Error reading CA: other-agent-ca.pem: No such file",
        ),
        (&["cert", "create", "-cli", "-days=0"], "invalid value \"0\" for flag -days"),
        (&["cert", "create", "-cli", "-additional-ipaddress=x"], "want an address"),
    ];
    for (arguments, wanted) in table {
        let output = maker.tls(mesh, arguments);
        assert_eq!(output.status, Some(1), "{arguments:?}");
        assert!(output.stderr.contains(wanted), "{arguments:?}: {}", output.stderr);
    }
    let numbered = |number| format!("==> Saved dc2-cli-consul-{number}.pem");
    for number in 0..2 {
        let made = maker.tls(mesh, &["cert", "create", "-cli", "-dc=dc2"]).success();
        assert!(made.contains(&numbered(number)), "{made}");
    }
    // A key that lies there alone is somebody's too.
    std::fs::write(maker.directory.path().join("dc2-cli-consul-2-key.pem"), "mine").unwrap();
    let made = maker.tls(mesh, &["cert", "create", "-cli", "-dc=dc2"]).success();
    assert!(made.contains(&numbered(3)), "{made}");

    let constrained =
        ["ca", "create", "-domain=lab", "-name-constraint", "-additional-name-constraint=example.org"];
    maker.tls(mesh, &constrained).success();
    let issue = |name: &str| {
        maker.tls(mesh, &["cert", "create", "-server", "-domain=lab", "-node=a", "-additional-dnsname", name])
    };
    issue("www.example.org").success();
    let refused = issue("www.example.com");
    assert_eq!(refused.status, Some(1));
    assert!(refused.stderr.contains("NameConstraintViolation"), "{}", refused.stderr);
}
