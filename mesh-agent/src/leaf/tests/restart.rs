use super::*;
use std::fs;

async fn kept() -> (World, tempfile::TempDir, Arc<IssuedCert>) {
    let dir = tempfile::tempdir().unwrap();
    let world = World::with(Setup { directory: Some(dir.path().join("leaf")), ..Setup::default() });
    let cert = world.fetch("web").await.unwrap();
    (world, dir, cert)
}

fn files(dir: &tempfile::TempDir) -> Vec<PathBuf> {
    fs::read_dir(dir.path().join("leaf")).unwrap().map(|f| f.unwrap().path()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_restarted_agent_serves_at_once_while_the_ca_is_down() {
    let (world, dir, first) = kept().await;
    world.behave(Behaviour::Down);
    let world = world.restart(dir.path().join("leaf"), 8).await;
    assert_eq!(world.fetch("web").await.unwrap(), first);
    assert_eq!(world.authority.asked(), 1);
    // And it renews in time, with an index above the one that clients saw before.
    world.behave(Behaviour::Sign);
    let _follow = world.manager.get(&name("web")).await.unwrap();
    world.run_for(51 * HOUR, |_| ()).await;
    let next = world.fetch("web").await.unwrap();
    assert_ne!(next.serial_number, first.serial_number);
    assert!(next.index.modify > first.index.modify);
    let shown: IssuedCert = serde_json::from_slice(&fs::read(&files(&dir)[0]).unwrap()).unwrap();
    assert_eq!((shown, files(&dir).len()), (IssuedCert::clone(&next), 1));
}

#[tokio::test(start_paused = true)]
async fn a_kept_certificate_that_expired_meanwhile_is_dropped() {
    let (world, dir, first) = kept().await;
    world.clock.set(Timestamp((START + LIFE + 1) * 1000));
    let world = world.restart(dir.path().join("leaf"), 8).await;
    let next = world.fetch("web").await.unwrap();
    assert_ne!(next.serial_number, first.serial_number);
    assert!(next.index.modify > first.index.modify);
}

#[tokio::test(start_paused = true)]
async fn a_kept_certificate_under_an_untrusted_root_is_dropped() {
    let (world, dir, first) = kept().await;
    world.authority.rotate();
    world.authority.prune();
    world.behave(Behaviour::Down);
    let world = world.restart(dir.path().join("leaf"), 8).await;
    assert!(world.fetch("web").await.is_err());
    assert!(files(&dir).is_empty());
    assert_ne!(first.root_id, world.authority.active_root());
}

#[tokio::test(start_paused = true)]
async fn a_kept_certificate_that_was_tampered_with_is_dropped() {
    let (world, dir, first) = kept().await;
    let other = world.fetch("db").await.unwrap();
    world.behave(Behaviour::Down);
    let path = files(&dir).into_iter().find(|f| fs::read_to_string(f).unwrap().contains("/svc/web")).unwrap();
    let mut world = world;
    let tampered = [
        IssuedCert { private_key_pem: other.private_key_pem.clone(), ..IssuedCert::clone(&first) },
        IssuedCert { cert_pem: other.cert_pem.clone(), ..IssuedCert::clone(&first) },
        IssuedCert { private_key_pem: "garbage".into(), ..IssuedCert::clone(&first) },
        IssuedCert { cert_pem: "garbage".into(), ..IssuedCert::clone(&first) },
    ];
    for cert in tampered {
        fs::write(&path, serde_json::to_vec(&cert).unwrap()).unwrap();
        world = world.restart(dir.path().join("leaf"), 8).await;
        assert!(world.fetch("web").await.is_err());
        assert_eq!(world.fetch("db").await.unwrap(), other);
        assert!(!path.exists());
    }
}

#[tokio::test(start_paused = true)]
async fn kept_certificates_wait_for_roots_to_be_known() {
    let (world, dir, first) = kept().await;
    let (authority, clock) = (world.authority.clone(), world.clock.clone());
    world.stop().await;
    let directory = Some(dir.path().join("leaf"));
    let world = World::start(Setup { directory, roots_known: false, ..Setup::default() }, authority, clock);
    let (got, ()) = tokio::join!(world.fetch("web"), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.tell_roots().await;
    });
    assert_eq!(got.unwrap(), first);
    assert_eq!(world.authority.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_let_go_leaves_no_file() {
    let (world, dir, _) = kept().await;
    assert_eq!(files(&dir).len(), 1);
    world.run_for(3 * 24 * HOUR + 60, |_| ()).await;
    assert!(files(&dir).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_cannot_be_used_costs_only_the_restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let world = World::with(Setup { directory: Some(file.join("leaf")), ..Setup::default() });
    world.fetch("web").await.unwrap();
}
