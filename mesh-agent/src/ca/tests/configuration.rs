use super::*;
use crate::pki::{RootInfo, TrustDomain};

fn given_root() -> (String, String) {
    let domain = TrustDomain::new("elsewhere").unwrap();
    let ca = BuiltinCa::generate(crate::pki::KeyKind::P256, &domain, START).unwrap();
    (ca.root().pem.clone(), ca.state().unwrap().private_key_pem)
}

fn secret_lines(key_pem: &str) -> Vec<String> {
    key_pem.lines().filter(|l| !l.starts_with('-')).map(str::to_owned).collect()
}

#[tokio::test]
async fn defaults_are_consuls() {
    let world = World::new().await;
    let config = world.manager.configuration().unwrap();
    assert_eq!(config.provider, "consul");
    assert_eq!(
        serde_json::Value::from(config.config),
        json!({"LeafCertTTL": "72h0m0s", "RotationPeriod": "2160h0m0s", "CSRMaxPerSecond": 50, "CSRMaxConcurrent": 0})
    );
}

#[tokio::test]
async fn wrong_settings_are_refused_by_name_and_nothing_changes() {
    let world = World::new().await;
    let before = world.server.view().index;
    for (config, named) in [
        (json!({"LeafCertTTLs": "1h"}), "\"LeafCertTTLs\""),
        (json!({"LeafCertTTL": "59m"}), "LeafCertTTL"),
        (json!({"LeafCertTTL": "8761h"}), "LeafCertTTL"),
        (json!({"LeafCertTTL": "soon"}), "LeafCertTTL"),
        (json!({"LeafCertTTL": true}), "LeafCertTTL"),
        (json!({"LeafCertTTL": "2h", "leaf_cert_ttl": "3h"}), "leaf_cert_ttl"),
        (json!({"CSRMaxPerSecond": -1}), "CSRMaxPerSecond"),
        (json!({"CSRMaxPerSecond": "fast"}), "CSRMaxPerSecond"),
        (json!({"CSRMaxConcurrent": 1.5}), "CSRMaxConcurrent"),
        (json!({"PrivateKeyType": "dsa"}), "PrivateKeyType"),
        (json!({"PrivateKeyType": "ec", "PrivateKeyBits": 2048}), "PrivateKeyType"),
        (json!({"PrivateKey": 7}), "PrivateKey"),
        (json!({"PrivateKey": "not pem"}), "private key"),
        (json!({"RootCert": "not pem"}), "RootCert"),
        (json!({"RootCert": given_root().0}), "without its PrivateKey"),
        (json!({"RootCert": given_root().0, "PrivateKey": given_root().1}), "does not belong"),
    ] {
        let error = world.configure(config.clone()).await.unwrap_err().to_string();
        assert!(error.contains(named), "{config}: {error}");
    }
    let vault = world.manager.set_configuration("vault", &Opaque::new()).await.unwrap_err();
    assert!(vault.to_string().contains("\"vault\""));
    assert_eq!(world.server.view().index, before);
}

#[tokio::test]
async fn what_was_read_can_be_written_back_without_a_rotation() {
    let world = World::new().await;
    let (root, key) = given_root();
    world.configure(json!({"RootCert": root, "PrivateKey": key, "leaf_cert_ttl": "24h"})).await.unwrap();
    let read = world.manager.configuration().unwrap();
    let ids = |w: &World| w.roots().iter().map(|r| r.id.clone()).collect::<Vec<_>>();
    let before = ids(&world);
    world.manager.set_configuration(&read.provider, &read.config).await.unwrap();
    // The same key again is no other key either, and empty is as good as absent.
    world.configure(json!({"PrivateKey": key})).await.unwrap();
    world.configure(json!({"RootCert": root, "PrivateKey": key})).await.unwrap();
    world.configure(json!({"PrivateKey": "", "RootCert": null, "PrivateKeyType": "ec"})).await.unwrap();
    assert_eq!(ids(&world), before);
}

#[tokio::test]
async fn a_given_root_signs_after_a_rotation() {
    let world = World::new().await;
    let old_trust = world.trust();
    let (root, key) = given_root();
    world.configure(json!({"RootCert": root, "PrivateKey": key})).await.unwrap();
    assert_eq!(world.roots()[0].id, RootInfo::from_pem(&root).unwrap().id);
    let (leaf, _) = world.issue("web").await;
    assert!(world.trust().verify(&leaf.chain, START).is_ok());
    assert!(old_trust.verify(&leaf.chain, START).is_ok());
}

#[tokio::test]
async fn a_root_made_by_openssl_signs_and_is_cross_signed() {
    let Some((root, key)) = openssl_root() else {
        eprintln!("SKIPPED: openssl is not installed");
        return;
    };
    let world = World::empty();
    world.clock.set(Timestamp(Clock::System.now().millis() + 60_000));
    world.manager.initialise("consul", &Opaque::new()).await.unwrap();
    let old_trust = world.trust();
    world.configure(json!({"RootCert": root, "PrivateKey": key})).await.unwrap();
    let (leaf, _) = world.issue("web").await;
    assert!(old_trust.verify(&leaf.chain, world.now()).is_ok());
    assert!(trust(&world.roots()[..1]).verify(&leaf.chain, world.now()).is_ok());
}

/// A root with several parts in its name, and a SEC 1 key behind its parameters.
fn openssl_root() -> Option<(String, String)> {
    let dir = tempfile::tempdir().unwrap();
    let (key, root) = (dir.path().join("key.pem"), dir.path().join("root.pem"));
    let openssl = |args: &[&str]| std::process::Command::new("openssl").args(args).output().ok();
    openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-out", key.to_str()?])?;
    let subject = "/C=DE/O=Example Works/OU=Mesh/CN=Example Root";
    let run = openssl(&[
        "req",
        "-x509",
        "-new",
        "-key",
        key.to_str()?,
        "-days",
        "3650",
        "-subj",
        subject,
        "-out",
        root.to_str()?,
    ])?;
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Some((std::fs::read_to_string(root).unwrap(), std::fs::read_to_string(key).unwrap()))
}

#[tokio::test]
async fn another_kind_of_key_makes_a_rotation() {
    let world = World::new().await;
    world.configure(json!({"PrivateKeyBits": 384})).await.unwrap();
    let roots = world.roots();
    assert_eq!((roots.len(), roots[0].private_key_bits, roots[0].private_key_type.as_str()), (2, 384, "ec"));
    let (leaf, _) = world.issue("web").await;
    assert!(trust(&roots[1..]).verify(&leaf.chain, START).is_ok());
}

#[tokio::test]
async fn no_private_key_is_ever_shown() {
    let world = World::new().await;
    let (root, key) = given_root();
    let pasted = format!("{key}{root}{key}");
    world.configure(json!({"RootCert": pasted, "PrivateKey": key})).await.unwrap();
    let secrets = [key, world.server.provider().unwrap().private_key_pem.clone()];
    let settings = CaSettings::parse(
        "consul",
        json!({"RootCert": pasted, "PrivateKey": secrets[0]}).as_object().unwrap(),
    );
    let shown = [
        serde_json::to_string(&world.manager.configuration().unwrap()).unwrap(),
        serde_json::to_string(&world.server.view().config).unwrap(),
        serde_json::to_string(&world.roots()).unwrap(),
        format!("{:?}", world.server.provider()),
        format!("{settings:?}"),
        format!("{:?}", world.configure(json!({"PrivateKey": [secrets[0]]})).await),
        format!("{:?}", world.configure(json!({"PrivateKey": secrets[0].replace("-----\n", "")})).await),
    ];
    for line in secrets.iter().flat_map(|key| secret_lines(key)) {
        for (i, text) in shown.iter().enumerate() {
            assert!(!text.contains(&line), "in output {i}");
        }
    }
}
