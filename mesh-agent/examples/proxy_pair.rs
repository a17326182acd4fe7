//! Both roles of the data path in one process, for measurements: `proxy_pair LISTEN MIDDLE APP`.

use mesh_agent::model::{Datacenter, ServiceName};
use mesh_agent::pki::SpiffeId;
use mesh_agent::proxy::{
    Answer, Authorize, AuthorizeRequest, Decision, Endpoint, Endpoints, Engine, EngineOptions, InboundSpec,
    OutboundSpec, TlsIdentity,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;

struct AllowAll;

impl Authorize for AllowAll {
    fn authorize(&self, _: AuthorizeRequest, answer: Answer) {
        answer.give(Decision::allow("measurement"));
    }
}

struct One(SocketAddr);

impl Endpoints for One {
    fn candidates(&self) -> Vec<Endpoint> {
        vec![Endpoint { address: self.0 }]
    }
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::new(vec![])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn identity(root: &CertifiedIssuer<'static, KeyPair>, service: &str) -> Result<TlsIdentity, Box<dyn Error>> {
    let uri = format!("spiffe://bench.consul/ns/default/dc/dc1/svc/{service}");
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![])?;
    params.subject_alt_names = vec![SanType::URI(uri.as_str().try_into()?)];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let chain = vec![params.signed_by(&key, root)?.der().clone()];
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    Ok(TlsIdentity { id: SpiffeId::parse(&uri)?, chain, key, roots: vec![root.der().clone()] })
}

fn main() -> Result<(), Box<dyn Error>> {
    let addresses: Vec<SocketAddr> = std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    let [listen, middle, app] = addresses[..] else {
        return Err("usage: proxy_pair LISTEN MIDDLE APP".into());
    };
    let root = authority()?;
    let (client, server) = (identity(&root, "client")?, identity(&root, "echo")?);
    let (_client, client) = watch::channel(Some(Arc::new(client)));
    let (_server, server) = watch::channel(Some(Arc::new(server)));
    let engine = Engine::start(EngineOptions::default())?;
    let service = ServiceName::new("echo")?;
    let _inbound = engine.inbound(InboundSpec {
        bind: middle,
        service: service.clone(),
        app,
        identity: server,
        authorize: Arc::new(AllowAll),
    })?;
    let _outbound = engine.outbound(OutboundSpec {
        bind: listen,
        source: ServiceName::new("client")?,
        destination: service,
        datacenter: Datacenter::new("dc1")?,
        identity: client,
        endpoints: Arc::new(One(middle)),
    })?;
    loop {
        std::thread::park();
    }
}
