use super::{NodeIdentity, NodeRole, TrustError};
use crate::clock::Timestamp;
use crate::pki::{certificate_to_pem, pem};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, UnixTime, pem::PemObject};
use std::net::IpAddr;
use std::time::Duration;
use uuid::Uuid;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::prelude::{FromDer, X509Certificate};

/// An authority for agents' certificates that an operator keeps in files, as `mesh tls` and Consul make them.
pub struct AgentCa {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// What whoever holds a certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Node(NodeRole),
    /// A command line that shows it to an agent's API, and is no node.
    Cli,
}

/// What a certificate is made out to. Each also names `localhost`, and a node's 127.0.0.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentNames {
    pub purpose: Purpose,
    pub datacenter: String,
    pub domain: String,
    /// Before those that follow from the rest.
    pub dns: Vec<String>,
    pub addresses: Vec<IpAddr>,
}

/// A certificate and its private key, each in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Made {
    pub certificate: String,
    pub private_key: String,
}

impl AgentCa {
    /// A new one, good for so many days from now on, and for names in these domains alone where there are some.
    ///
    /// # Errors
    /// A domain does not fit into a certificate.
    pub fn create(now: Timestamp, days: u32, domains: &[String]) -> Result<Made, TrustError> {
        let failed = |error: rcgen::Error| TrustError::certificate("the new authority", &error);
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = params(now, days);
        let name = format!("mesh agent CA {}", Uuid::new_v4().simple());
        params.distinguished_name = named(&name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = constraints(domains);
        let certificate = params.self_signed(&key).map_err(failed)?;
        Made::new(certificate.der(), &key)
    }

    /// The one in these texts in PEM.
    ///
    /// # Errors
    /// They are not an authority's certificate and key.
    pub fn open(certificate: &str, private_key: &str) -> Result<Self, TrustError> {
        const WHAT: &str = "the CA";
        let key = KeyPair::from_pem(private_key.trim())
            .map_err(|error| TrustError::certificate("the CA's key", &error))?;
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|error| TrustError::certificate(WHAT, &error))?;
        demand_authority(&der)?;
        let issuer =
            Issuer::from_ca_cert_der(&der, key).map_err(|error| TrustError::certificate(WHAT, &error))?;
        Ok(Self { certificate: der, issuer })
    }

    /// A new key and a certificate for it, good for so many days from now on.
    ///
    /// # Errors
    /// A name does not fit into a certificate, or this authority may not sign it: it has expired, is none, has
    /// another key, or may not name what is asked for.
    pub fn issue(&self, names: &AgentNames, now: Timestamp, days: u32) -> Result<Made, TrustError> {
        let failed = |error: rcgen::Error| TrustError::certificate("the new certificate", &error);
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = params(now, days);
        params.distinguished_name = named(&names.name());
        params.subject_alt_names = names.all().map_err(failed)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        if names.purpose != Purpose::Cli {
            params.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        }
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        self.verify(certificate.der(), now)
            .map_err(|error| TrustError::certificate("the CA, for this certificate,", &error))?;
        Made::new(certificate.der(), &key)
    }

    /// What peers will do, so that nobody is given what none of them accepts.
    fn verify(&self, certificate: &CertificateDer<'_>, now: Timestamp) -> Result<(), webpki::Error> {
        let anchor = anchor_from_trusted_cert(&self.certificate)?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now.seconds()));
        let leaf = EndEntityCert::try_from(certificate)?;
        let usage = KeyUsage::client_auth();
        leaf.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &[anchor], &[], now, usage, None, None)?;
        Ok(())
    }
}

impl AgentNames {
    /// Such as `server.dc1.consul`.
    fn name(&self) -> String {
        match self.purpose {
            Purpose::Node(role) => NodeIdentity::dns_name(role, &self.datacenter, &self.domain),
            Purpose::Cli => format!("cli.{}.{}", self.datacenter, self.domain),
        }
    }

    fn all(&self) -> Result<Vec<SanType>, rcgen::Error> {
        let dns = self.dns.iter().cloned().chain([self.name(), "localhost".to_owned()]);
        let mut all: Vec<SanType> =
            dns.map(|name| Ok(SanType::DnsName(name.try_into()?))).collect::<Result<_, rcgen::Error>>()?;
        let own = (self.purpose != Purpose::Cli).then_some(IpAddr::from([127, 0, 0, 1]));
        all.extend(self.addresses.iter().copied().chain(own).map(SanType::IpAddress));
        Ok(all)
    }
}

impl Made {
    /// The key as SEC 1 has it, which is the one form that Consul's own tools read.
    fn new(certificate: &CertificateDer<'_>, key: &KeyPair) -> Result<Self, TrustError> {
        const WHAT: &str = "the new key";
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.serialize_der())
            .map_err(|error| TrustError::certificate(WHAT, &error))?;
        let der = pair.private_key().as_der().map_err(|error| TrustError::certificate(WHAT, &error))?;
        let private_key = pem::section("EC PRIVATE KEY", der.as_ref());
        Ok(Self { certificate: certificate_to_pem(certificate), private_key })
    }
}

/// Peers do not look whether an anchor of theirs is one: an agent's own certificate would pass for it.
fn demand_authority(der: &CertificateDer<'_>) -> Result<(), TrustError> {
    const WHAT: &str = "the CA";
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|error| TrustError::certificate(WHAT, &error))?;
    match certificate.is_ca() {
        true => Ok(()),
        false => Err(TrustError::certificate(WHAT, &"its certificate does not say that it is one (CA:TRUE)")),
    }
}

/// Clocks of hosts that get a certificate soon after may be behind by this much.
const BACKDATE: Duration = Duration::from_hours(1);

fn params(now: Timestamp, days: u32) -> CertificateParams {
    let mut params = CertificateParams::default();
    let now = date_time_ymd(1970, 1, 1) + Duration::from_secs(now.seconds());
    params.not_before = now - BACKDATE;
    params.not_after = now + Duration::from_hours(24 * u64::from(days));
    params
}

fn constraints(domains: &[String]) -> Option<NameConstraints> {
    let permitted = domains.iter().cloned().map(GeneralSubtree::DnsName).collect::<Vec<_>>();
    (!permitted.is_empty())
        .then(|| NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() })
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::pki::cluster::{ClusterTls, OwnCertificates};

    fn names(purpose: Purpose) -> AgentNames {
        let (datacenter, domain) = ("dc1".to_owned(), "consul".to_owned());
        AgentNames { purpose, datacenter, domain, dns: vec![], addresses: vec![] }
    }

    fn ca(days: u32, domains: &[&str]) -> (Made, AgentCa) {
        let domains: Vec<String> = domains.iter().map(ToString::to_string).collect();
        let made = AgentCa::create(Clock::System.now(), days, &domains).unwrap();
        let opened = AgentCa::open(&made.certificate, &made.private_key).unwrap();
        (made, opened)
    }

    #[test]
    fn what_it_issues_is_what_nodes_take() {
        let (made, ca) = ca(10, &[]);
        for purpose in [Purpose::Node(NodeRole::Server), Purpose::Node(NodeRole::Client)] {
            let issued = ca.issue(&names(purpose), Clock::System.now(), 5).unwrap();
            let own = OwnCertificates {
                authorities: made.certificate.clone(),
                chain: issued.certificate.clone(),
                private_key: issued.private_key,
                domain: "consul".to_owned(),
            };
            let tls = ClusterTls::of_certificates(&own, "dc1").unwrap();
            let der = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
            assert_eq!(Purpose::Node(tls.identify(&der).unwrap().role), purpose);
        }
        assert!(ca.issue(&names(Purpose::Cli), Clock::System.now(), 5).is_ok());
    }

    #[test]
    fn it_issues_nothing_that_peers_would_refuse() {
        let now = Clock::System.now();
        let (made, constrained) = ca(10, &["consul", "localhost"]);
        let server = names(Purpose::Node(NodeRole::Server));
        assert!(constrained.issue(&server, now, 5).is_ok());
        let elsewhere = AgentNames { dns: vec!["example.org".to_owned()], ..server.clone() };
        assert!(constrained.issue(&elsewhere, now, 5).is_err());
        let (other, _) = ca(10, &[]);
        let mixed = AgentCa::open(&made.certificate, &other.private_key).unwrap();
        assert!(mixed.issue(&server, now, 5).is_err(), "the key is another authority's");
        let leaf = constrained.issue(&server, now, 5).unwrap();
        let below = AgentCa::open(&leaf.certificate, &leaf.private_key);
        assert!(below.is_err(), "a node's certificate is no authority");
        assert!(AgentCa::open("", &made.private_key).is_err());
        assert!(AgentCa::open(&made.certificate, "").is_err());
    }
}
