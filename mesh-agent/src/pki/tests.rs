//! Requests and certificates as strangers would send them.

use super::*;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls_pki_types::CertificateDer;
use std::time::Duration;

const WEB: &str = "spiffe://11111111-2222-3333-4444-555555555555.consul/ns/default/dc/dc1/svc/web";
/// 2030-01-01, inside the validity of what these tests make.
const NOW: u64 = 1_893_456_000;

fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

fn params(names: Vec<SanType>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = names;
    params
}

fn request(params: &CertificateParams, key: &KeyPair) -> Vec<u8> {
    params.serialize_request(key).unwrap().der().to_vec()
}

fn p256() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn web_request() -> Vec<u8> {
    request(&params(vec![uri(WEB)]), &p256())
}

#[test]
fn a_request_gives_its_identity_and_key_and_nothing_else() {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let csr = Csr::from_der(&request(&params(vec![uri(WEB)]), &key)).unwrap();
    assert_eq!(csr.identity().to_string(), WEB);
    assert_eq!(csr.public_key().kind(), KeyKind::P384);
    assert_eq!(csr.public_key().spki(), rcgen::PublicKeyData::subject_public_key_info(&key));
}

#[test]
fn an_rsa_request_of_2048_bits_is_accepted() {
    let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let csr = Csr::from_der(&request(&params(vec![uri(WEB)]), &key)).unwrap();
    assert_eq!(csr.public_key().kind(), KeyKind::Rsa { bits: 2048 });
}

#[test]
fn names_beside_the_one_identity_are_refused() {
    let dns = || SanType::DnsName("web.example".try_into().unwrap());
    let cases = [
        ("no name", vec![]),
        ("DNS in place of a URI", vec![dns()]),
        ("a DNS name beside", vec![uri(WEB), dns()]),
        ("a wildcard beside", vec![uri(WEB), SanType::DnsName("*".try_into().unwrap())]),
        ("an address beside", vec![uri(WEB), SanType::IpAddress([10, 0, 0, 1].into())]),
        ("a mail address beside", vec![uri(WEB), SanType::Rfc822Name("a@b.c".try_into().unwrap())]),
        ("two URIs", vec![uri(WEB), uri("spiffe://a.consul/ns/default/dc/dc1/svc/db")]),
        ("the same URI twice", vec![uri(WEB), uri(WEB)]),
    ];
    for (case, names) in cases {
        let refused = Csr::from_der(&request(&params(names), &p256()));
        assert!(matches!(refused, Err(PkiError::SubjectAltNames { .. })), "{case}: {refused:?}");
    }
}

#[test]
fn a_uri_that_is_no_service_identity_is_refused() {
    for bad in [
        "https://example.org/",
        "spiffe://a.consul",
        "spiffe://a.consul/ns/other/dc/dc1/svc/web",
        "spiffe://a.consul/ap/x/ns/default/dc/dc1/svc/web",
        "spiffe://a.consul/ns/default/dc/dc1/svc/*",
        "spiffe://a.consul/agent/client/dc/dc1/id/x",
    ] {
        let refused = Csr::from_der(&request(&params(vec![uri(bad)]), &p256()));
        assert!(matches!(refused, Err(PkiError::Identity(_))), "{bad}: {refused:?}");
    }
}

#[test]
fn a_second_attribute_or_extension_cannot_hide_a_second_name() {
    // A SEQUENCE of GeneralName with one dNSName "evil".
    let mut hidden = params(vec![uri(WEB)]);
    hidden.custom_extensions =
        vec![CustomExtension::from_oid_content(&[2, 5, 29, 17], b"\x30\x06\x82\x04evil".to_vec())];
    let refused = Csr::from_der(&request(&hidden, &p256()));
    assert!(matches!(refused, Err(PkiError::SubjectAltNames { .. })), "{refused:?}");
}

#[test]
fn a_request_to_be_an_authority_is_refused() {
    let mut asks = params(vec![uri(WEB)]);
    asks.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    assert_eq!(Csr::from_der(&request(&asks, &p256())), Err(PkiError::Authority { what: "the request" }));
}

#[test]
fn a_request_signed_by_another_key_is_refused() {
    let (mut one, other) = (web_request(), web_request());
    // Same curve, other key: put the other's signature under this one's words.
    let signature = |der: &[u8]| der.len() - 64;
    let tail = other[signature(&other)..].to_vec();
    let at = signature(&one);
    one[at..].copy_from_slice(&tail);
    assert!(Csr::from_der(&one).is_err());

    let mut changed = web_request();
    let at = changed.windows(3).position(|w| w == b"web").unwrap();
    changed[at..at + 3].copy_from_slice(b"api");
    assert_eq!(Csr::from_der(&changed), Err(PkiError::ProofOfPossession));
}

#[test]
fn weak_and_unknown_keys_are_refused() {
    for algorithm in [&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P521_SHA512] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let refused = Csr::from_der(&request(&params(vec![uri(WEB)]), &key));
        assert!(matches!(refused, Err(PkiError::Key { .. })), "{refused:?}");
    }
}

#[test]
fn rsa_strength_has_a_floor_and_a_ceiling() {
    let refused = Csr::from_pem(WEAK_RSA);
    assert_eq!(refused, Err(PkiError::Key { found: "RSA with 1024 bits".into() }));
}

#[test]
fn a_huge_request_is_refused_before_it_is_parsed() {
    let limit = MAX_CSR_BYTES;
    let huge = vec![b'A'; 1 << 20];
    let too_large = |r| matches!(r, Err(PkiError::TooLarge { found: 1_048_576, limit: l, .. }) if l == limit);
    assert!(too_large(Csr::from_der(&huge)));
    assert!(too_large(Csr::from_pem(std::str::from_utf8(&huge).unwrap())));
}

#[test]
fn noise_is_refused_with_a_reason() {
    let pem = |der: &[u8]| certificate_to_pem(der).replace("CERTIFICATE", "CERTIFICATE REQUEST");
    let good = web_request();
    assert!(Csr::from_pem(&pem(&good)).is_ok());
    let cases = [
        String::new(),
        "hello".into(),
        "-----BEGIN CERTIFICATE REQUEST-----\n####\n-----END CERTIFICATE REQUEST-----\n".into(),
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA".into(),
        certificate_to_pem(&good),
        pem(&good) + &pem(&good),
        pem(&good[..good.len() - 1]),
        pem(&[&good[..], b"x"].concat()),
        pem(&[0x30; 300]),
        pem(&[]),
    ];
    for (i, case) in cases.iter().enumerate() {
        assert!(Csr::from_pem(case).is_err(), "case {i}");
    }
}

#[test]
fn a_cut_or_flipped_request_is_refused_or_means_the_same() {
    let good = web_request();
    let meant = Csr::from_der(&good).unwrap();
    let mut refused = 0;
    for at in 0..good.len() {
        assert!(Csr::from_der(&good[..at]).is_err(), "cut at {at}");
        let mut flipped = good.clone();
        flipped[at] ^= 0x41;
        match Csr::from_der(&flipped) {
            // The wrapping of the signature has more than one accepted spelling; what it signs has not.
            Ok(read) => assert_eq!(read, meant, "flipped at {at}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > good.len() - 8, "{refused} of {}", good.len());
}

/// A root, a leaf under it, and what varies between the tests.
struct Made {
    root: RootInfo,
    leaf: CertificateDer<'static>,
}

fn make(change: impl FnOnce(&mut CertificateParams)) -> Made {
    let key = p256();
    let mut root = params(vec![]);
    root.distinguished_name.push(DnType::CommonName, "root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root_info = RootInfo::from_der(root.self_signed(&key).unwrap().der()).unwrap();
    let mut leaf = params(vec![uri(WEB)]);
    leaf.is_ca = IsCa::ExplicitNoCa;
    leaf.use_authority_key_identifier_extension = true;
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let epoch = date_time_ymd(1970, 1, 1);
    leaf.not_before = epoch + Duration::from_secs(NOW - 60);
    leaf.not_after = epoch + Duration::from_secs(NOW + 3600);
    change(&mut leaf);
    let signed = leaf.signed_by(&p256(), &Issuer::new(root, key)).unwrap();
    Made { root: root_info, leaf: signed.der().clone() }
}

fn chain(made: &Made) -> Result<CertChain, PkiError> {
    CertChain::from_ders(vec![made.leaf.clone()])
}

#[test]
fn a_leaf_tells_who_it_is_and_how_long() {
    let made = make(|_| ());
    let chain = chain(&made).unwrap();
    let leaf = chain.leaf();
    assert_eq!(leaf.identity.to_string(), WEB);
    assert_eq!((leaf.not_before, leaf.not_after), (NOW - 60, NOW + 3600));
    assert_eq!(leaf.authority_key_id, made.root.signing_key_id);
    assert_eq!(CertChain::from_pem(&chain.to_pem()).unwrap(), chain);
    assert_eq!(made.root.id.len(), 20 * 3 - 1);
}

#[test]
fn a_chain_is_trusted_only_in_its_time_and_under_its_root() {
    let (made, stranger) = (make(|_| ()), make(|_| ()));
    let chain = chain(&made).unwrap();
    let trust = |root: &RootInfo| TrustAnchors::from_pems([root.pem.as_str()]).unwrap();
    let own = trust(&made.root);
    assert_eq!(own.verify(&chain, NOW).unwrap(), made.root.id);
    for (case, anchors, now) in [
        ("expired", &own, NOW + 3601),
        ("not yet valid", &own, NOW - 61),
        ("other root of the same name", &trust(&stranger.root), NOW),
        ("no root", &TrustAnchors::default(), NOW),
    ] {
        let refused = anchors.verify(&chain, now);
        assert!(matches!(refused, Err(PkiError::Untrusted { .. })), "{case}: {refused:?}");
    }
}

#[test]
fn a_leaf_for_one_role_only_is_refused() {
    for one in [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth] {
        let made = make(|leaf| leaf.extended_key_usages = vec![one]);
        let anchors = TrustAnchors::from_pems([made.root.pem.as_str()]).unwrap();
        assert!(anchors.verify(&chain(&made).unwrap(), NOW).is_err());
    }
}

#[test]
fn certificates_that_are_no_service_are_refused() {
    let two = vec![uri(WEB), uri("spiffe://a.consul/ns/default/dc/dc1/svc/db")];
    let dns = vec![SanType::DnsName("web".try_into().unwrap())];
    assert!(matches!(chain(&make(|l| l.subject_alt_names = two)), Err(PkiError::SubjectAltNames { .. })));
    assert!(matches!(chain(&make(|l| l.subject_alt_names = dns)), Err(PkiError::SubjectAltNames { .. })));
    let common_name_only = chain(&make(|l| {
        l.subject_alt_names = vec![];
        l.distinguished_name.push(DnType::CommonName, WEB);
    }));
    assert!(matches!(common_name_only, Err(PkiError::SubjectAltNames { .. })));
    let authority = chain(&make(|l| l.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)));
    assert!(matches!(authority, Err(PkiError::Authority { .. })));
    assert!(matches!(CertChain::from_pem(""), Err(PkiError::Count { found: 0, .. })));
    let made = make(|_| ());
    assert!(matches!(CertChain::from_ders(vec![made.leaf; 11]), Err(PkiError::Count { found: 11, .. })));
}

#[test]
fn a_root_must_be_allowed_to_sign_and_have_a_name() {
    let self_signed = |change: fn(&mut CertificateParams)| {
        let mut root = params(vec![]);
        root.distinguished_name.push(DnType::CommonName, "root");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut root);
        RootInfo::from_der(root.self_signed(&p256()).unwrap().der())
    };
    assert!(self_signed(|_| ()).is_ok());
    for change in [
        (|r| r.is_ca = IsCa::ExplicitNoCa) as fn(&mut CertificateParams),
        |r| r.key_usages = vec![KeyUsagePurpose::CrlSign],
        |r| r.distinguished_name = DistinguishedName::new(),
    ] {
        assert!(matches!(self_signed(change), Err(PkiError::NotAnAuthority { .. })));
    }
}

#[test]
fn a_root_is_kept_without_what_was_pasted_around_it() {
    let made = make(|_| ());
    let pasted = format!(
        "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\nnotes\n{}more\n",
        made.root.pem
    );
    assert_eq!(RootInfo::from_pem(&pasted).unwrap().pem, made.root.pem);
}

/// Made with `openssl req -newkey rsa:1024`.
const WEAK_RSA: &str = "-----BEGIN CERTIFICATE REQUEST-----\n\
MIIBrDCCARUCAQAwADCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEAukiFNfD5\n\
kF3FsLeuXLoW9C9NCVaCLmGYdUirxObmYV/q51IYZaBLLjH1dRAGvhMCGr1dzRqM\n\
jxnjZzysozLnnFQA262hmPk2/Ge6xBc040x59UtR+Q6tBh50/PuDGs6o5uRcoKT/\n\
YPZ8RoAL6BFmTndyr21VT0kAY9oYDvRFN4UCAwEAAaBsMGoGCSqGSIb3DQEJDjFd\n\
MFswWQYDVR0RBFIwUIZOc3BpZmZlOi8vMTExMTExMTEtMjIyMi0zMzMzLTQ0NDQt\n\
NTU1NTU1NTU1NTU1LmNvbnN1bC9ucy9kZWZhdWx0L2RjL2RjMS9zdmMvd2ViMA0G\n\
CSqGSIb3DQEBCwUAA4GBAHvbgXaeR00P4e33W5KvI2w1QwZTA5NEDDzw6JHHdeXM\n\
aYPqlLNrgNdSLBsCVsimI9ADZA3ek93K/m2KzALc3vnrsiNotlcIvEm915R9SnbC\n\
BxWHbBby8+NZFM260o+Vq7i9UJxSugmDTKopUoxYMVV0BSoOzaGCbR1geZ3p3rpa\n\
-----END CERTIFICATE REQUEST-----\n";
