//! Datacenters whose servers have certificates of the operator's.

use super::{SECOND, join, meet};
use mesh_tests::cluster::TestCluster;
use mesh_tests::wait::eventually;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::path::Path;
use tempfile::TempDir;

struct Authority {
    directory: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let (key, mut params) = (KeyPair::generate().unwrap(), CertificateParams::default());
        params.distinguished_name.push(DnType::CommonName, "operator");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { directory, issuer: Issuer::new(params, key) }
    }

    /// What makes a server use a certificate of this name.
    fn flag(&self, name: &str) -> String {
        let (key, params) =
            (KeyPair::generate().unwrap(), CertificateParams::new([name.to_owned()]).unwrap());
        let (certificate, private) = (self.place(&format!("{name}.pem")), self.place(&format!("{name}.key")));
        std::fs::write(&certificate, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(&private, key.serialize_pem()).unwrap();
        let authorities = self.place("ca.pem");
        format!("-hcl=ca_file = {authorities:?} cert_file = {certificate:?} key_file = {private:?}")
    }

    fn place(&self, name: &str) -> String {
        let place: &Path = self.directory.path();
        place.join(name).to_string_lossy().into_owned()
    }
}

#[test]
fn with_certificates_of_the_operators_a_datacenter_is_who_its_certificate_says() {
    let authority = Authority::new();
    let one = TestCluster::start_with(1, &[&authority.flag("server.dc1.consul")]);
    let two = TestCluster::start_with(1, &[SECOND, &authority.flag("server.dc2.consul")]);
    join(&one, &two);
    meet([&one, &two], 2);
    let asked = one.servers[0].request("GET", "/v1/catalog/nodes?dc=dc2", b"");
    assert_eq!((asked.status, &asked.json()[0]["Datacenter"]), (200, &"dc2".into()), "{}", asked.body);

    // One gossips as a server of dc3, and its certificate is another datacenter's.
    let impostor = TestCluster::start_with(1, &["-datacenter=dc3", &authority.flag("server.dc2.consul")]);
    join(&one, &impostor);
    let refused = eventually("dc3 is known", || {
        let got = one.servers[0].request("GET", "/v1/catalog/nodes?dc=dc3", b"");
        (got.body != "No path to datacenter").then_some(got)
    });
    assert_eq!(refused.status, 500, "{}", refused.body);
    assert!(refused.body.contains("no server of datacenter dc3 answers"), "{}", refused.body);
}
