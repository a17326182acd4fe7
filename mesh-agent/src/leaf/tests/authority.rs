use super::*;
use crate::model::RaftIndex;
use crate::pki::{Csr, RootInfo};
use futures_util::future::BoxFuture;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, SanType, SubjectPublicKeyInfo, date_time_ymd,
};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) const DOMAIN: &str = "11111111-2222-3333-4444-555555555555.consul";

/// What the CA does with the next requests.
#[derive(Clone, Debug)]
pub(super) enum Behaviour {
    Sign,
    Down,
    Refuse,
    /// Never answers.
    Hang,
    /// This text, whatever was asked.
    Answer(String),
    /// A good certificate for this service, whatever was asked.
    ForService(&'static str),
    /// A good certificate for another key.
    ForAnotherKey,
    /// One whose life begins and ends so many seconds from now.
    Life(i64, i64),
}

struct Root {
    info: RootInfo,
    issuer: Issuer<'static, KeyPair>,
}

pub(super) struct Authority {
    clock: Clock,
    /// The one that signs first.
    roots: Mutex<Vec<Root>>,
    behaviour: Mutex<Behaviour>,
    asked: AtomicUsize,
}

impl Authority {
    pub(super) fn new(clock: Clock) -> Self {
        let roots = Mutex::new(vec![root("first")]);
        Self { clock, roots, behaviour: Mutex::new(Behaviour::Sign), asked: AtomicUsize::new(0) }
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// Requests so far.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(super) fn rotate(&self) {
        self.roots.lock().unwrap().insert(0, root("next"));
    }

    /// Leaves only the root that signs.
    pub(super) fn prune(&self) {
        self.roots.lock().unwrap().truncate(1);
    }

    pub(super) fn view(&self) -> CaView {
        let roots = self.roots.lock().unwrap();
        view(roots.iter().enumerate().map(|(i, r)| describe(&r.info, i == 0)).collect())
    }

    pub(super) fn active_root(&self) -> String {
        self.roots.lock().unwrap()[0].info.id.clone()
    }

    fn answer(&self, request: &SigningRequest) -> Result<String, SignerError> {
        let csr = Csr::from_pem(&request.csr_pem).expect("the request that goes out is a good one");
        assert_eq!(csr.identity().service, request.service);
        let (own, life) = (csr.public_key().spki().to_vec(), (-60, LIFE as i64));
        let uri = |service: &str| format!("spiffe://{DOMAIN}/ns/default/dc/dc1/svc/{service}");
        let asked_uri = csr.identity().to_string();
        let behaviour = self.behaviour.lock().unwrap().clone();
        let reason = || "the test says so".to_owned();
        match behaviour {
            Behaviour::Sign => Ok(self.sign(&asked_uri, &own, life)),
            Behaviour::Down | Behaviour::Hang => Err(SignerError::Unavailable { reason: reason() }),
            Behaviour::Refuse => Err(SignerError::Refused { reason: reason() }),
            Behaviour::Answer(text) => Ok(text),
            Behaviour::ForService(other) => Ok(self.sign(&uri(other), &own, life)),
            Behaviour::ForAnotherKey => {
                let other = rcgen::PublicKeyData::subject_public_key_info(&KeyPair::generate().unwrap());
                Ok(self.sign(&asked_uri, &other, life))
            }
            Behaviour::Life(from, to) => Ok(self.sign(&asked_uri, &own, (from, to))),
        }
    }

    fn sign(&self, uri: &str, spki: &[u8], (from, to): (i64, i64)) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        params.is_ca = IsCa::ExplicitNoCa;
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let at = |offset: i64| {
            let seconds = self.clock.now().seconds().checked_add_signed(offset).unwrap();
            date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
        };
        (params.not_before, params.not_after) = (at(from), at(to));
        let key = SubjectPublicKeyInfo::from_der(spki).unwrap();
        params.signed_by(&key, &self.roots.lock().unwrap()[0].issuer).unwrap().pem()
    }
}

impl CertSigner for Authority {
    fn sign(&self, request: SigningRequest) -> BoxFuture<'_, Result<String, SignerError>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if matches!(*self.behaviour.lock().unwrap(), Behaviour::Hang) {
                std::future::pending::<()>().await;
            }
            // As over a network: an answer is never there at once.
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.answer(&request)
        })
    }
}

fn root(name: &str) -> Root {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let info = RootInfo::from_der(params.self_signed(&key).unwrap().der()).unwrap();
    Root { info, issuer: Issuer::new(params, key) }
}

fn describe(info: &RootInfo, active: bool) -> CaRoot {
    CaRoot {
        id: info.id.clone(),
        name: String::new(),
        serial: 1,
        signing_key_id: info.signing_key_id.clone(),
        trust_domain: DOMAIN.into(),
        not_before: info.not_before,
        not_after: info.not_after,
        root_cert_pem: info.pem.clone(),
        intermediate_pems: vec![],
        active,
        rotated_out_at: None,
        leaves_expire_at: 0,
        private_key_type: "ec".into(),
        private_key_bits: 256,
        index: RaftIndex::default(),
    }
}
