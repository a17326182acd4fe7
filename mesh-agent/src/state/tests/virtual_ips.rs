use super::*;
use std::collections::BTreeSet;

fn register_sidecar(destination: &str) -> Command {
    register(node("n1"), vec![sidecar(destination)], vec![])
}

#[test]
fn mesh_services_have_one_and_others_have_none() {
    let written = Written::by([register_service("n1", "plain", "plain"), register_sidecar("web")]);
    assert_eq!(written.state().virtual_ip(&service_name("plain")), None);
    assert_eq!(written.state().virtual_ip(&service_name("web-proxy")), None);
    let ip = written.state().virtual_ip(&service_name("WEB")).unwrap();
    assert_eq!(ip.to_string(), "240.0.0.1");
    assert_eq!(written.state().service_of_virtual_ip(ip), Some(&service_name("web")));
}

#[test]
fn they_are_unique_stable_and_survive_a_snapshot() {
    let names: Vec<_> = (0..300).map(|number| format!("s{number}")).collect();
    let mut written = Written::by(names.iter().map(|name| register_sidecar(name)));
    let all = |written: &Written| -> Vec<_> {
        names.iter().map(|name| written.state().virtual_ip(&service_name(name)).unwrap()).collect()
    };
    let before = all(&written);
    assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), names.len());
    written.apply(deregister("n1", None, None));
    let mut restored = written.restored();
    assert_eq!(all(&restored), before, "a service that comes back finds its address");
    restored.apply(register_sidecar("one-more"));
    let next = restored.state().virtual_ip(&service_name("one-more")).unwrap();
    assert!(!before.contains(&next), "{next} belonged to another");
}
