use super::harness::{House, Plan, build, house};
use crate::gossip::{Gossip, GossipKey, Member, Membership, Role, Tuning};
use crate::task::{Shutdown, TaskGroup};
use http::{Method, StatusCode};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

fn membership(name: &str, key: &GossipKey) -> Membership {
    let address = "127.0.0.1".parse().unwrap();
    let member = Member {
        name: name.parse().unwrap(),
        id: uuid::Uuid::from_u128(name.len() as u128),
        address,
        gossip_port: 0,
        rpc_port: 8300,
        role: if name == "alpha" { Role::Server } else { Role::Client },
        datacenter: "dc1".parse().unwrap(),
        bootstrap_expect: 0,
        raft_id: 1,
        tags: BTreeMap::from([("build".to_owned(), "1.2.4:test".to_owned())]),
    };
    Membership {
        member,
        bind: address,
        key: key.clone(),
        data_dir: None,
        rejoin_after_leave: false,
        tuning: Tuning::default(),
    }
}

/// The API of `alpha`, and another member.
struct Two {
    house: House,
    alpha: Gossip,
    beta: Gossip,
    key: GossipKey,
    _tasks: TaskGroup,
}

async fn two() -> Two {
    let (mut tasks, shutdown, key) = (TaskGroup::new(), Shutdown::new(), GossipKey::generate());
    let alpha = membership("alpha", &key).start(&mut tasks, &shutdown).unwrap();
    let beta = membership("beta", &key).start(&mut tasks, &shutdown).unwrap();
    let house = build(Plan { gossip: Some(alpha.clone()), ..Plan::default() }).await;
    Two { house, alpha, beta, key, _tasks: tasks }
}

impl Two {
    async fn join(&self) {
        let at = self.beta.members().get("beta").unwrap().member.gossip();
        let joined = self.house.put(&format!("/v1/agent/join/{at}"), &json!(null)).await;
        assert_eq!(joined.status, StatusCode::OK, "{}", joined.text);
        self.wait(|states| states == [("alpha", 1), ("beta", 1)]).await;
    }

    async fn wait(&self, wanted: impl Fn(&[(&str, u8)]) -> bool) {
        for gossip in [&self.alpha, &self.beta] {
            let mut members = gossip.watch();
            let seen = members.wait_for(|members| {
                let states: Vec<_> =
                    members.iter().map(|m| (m.member.name.as_str(), m.state.status())).collect();
                wanted(&states)
            });
            tokio::time::timeout(Duration::from_secs(60), seen).await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn members_are_listed_as_consuls_clients_read_them() {
    let two = two().await;
    two.join().await;
    let members = two.house.get("/v1/agent/members").await.json();
    assert_eq!(members.as_array().unwrap().len(), 2);
    let (alpha, beta) = (&members[0], &members[1]);
    assert_eq!(
        (&alpha["Name"], &alpha["Status"], &alpha["Addr"]),
        (&json!("alpha"), &json!(1), &json!("127.0.0.1"))
    );
    assert_eq!((&alpha["Tags"]["role"], &alpha["Tags"]["port"]), (&json!("consul"), &json!("8300")));
    assert_eq!((&beta["Tags"]["role"], &beta["Tags"]["build"]), (&json!("node"), &json!("1.2.4:test")));
    assert_eq!((&beta["ProtocolCur"], &beta["Tags"]["port"]), (&json!(2), &json!(null)));
}

#[tokio::test]
async fn joining_nobody_and_forcing_nobody_out_say_so() {
    let two = two().await;
    let nobody = two.house.put("/v1/agent/join/127.0.0.1:1", &json!(null)).await;
    assert_eq!(nobody.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(nobody.text.contains("127.0.0.1:1 did not answer"), "{}", nobody.text);
    let unknown = two.house.put("/v1/agent/force-leave/nobody", &json!(null)).await;
    assert_eq!(
        (unknown.status, unknown.text.as_str()),
        (StatusCode::NOT_FOUND, "agent: No node found with name 'nobody'")
    );
}

#[tokio::test]
async fn one_that_left_is_shown_so_until_it_is_pruned() {
    let two = two().await;
    two.join().await;
    two.beta.leave().await;
    let mut members = two.alpha.watch();
    let left = members.wait_for(|members| members.get("beta").is_some_and(|beta| beta.state.status() == 3));
    tokio::time::timeout(Duration::from_secs(60), left).await.unwrap().unwrap();
    let pruned = two.house.put("/v1/agent/force-leave/beta?prune=1", &json!(null)).await;
    assert_eq!(pruned.status, StatusCode::OK);
    let gone = members.wait_for(|members| members.get("beta").is_none());
    tokio::time::timeout(Duration::from_secs(60), gone).await.unwrap().unwrap();
    assert_eq!(two.house.get("/v1/agent/members").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn keys_rotate_through_the_api() {
    let two = two().await;
    two.join().await;
    let (old, new) = (two.key.to_text(), GossipKey::generate().to_text());
    const PATH: &str = "/v1/operator/keyring";
    let change = async |method, key: &str| {
        let body = json!({"Key": key}).to_string();
        two.house.send(method, PATH, &[], &body).await
    };
    let refused = change(Method::PUT, &new).await;
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", refused.text);
    assert_eq!(change(Method::POST, "short").await.status, StatusCode::BAD_REQUEST);
    for (method, key) in [(Method::POST, &new), (Method::PUT, &new), (Method::DELETE, &old)] {
        let changed = change(method.clone(), key).await;
        assert_eq!(changed.status, StatusCode::OK, "{method}: {}", changed.text);
    }
    let pool = &two.house.get(PATH).await.json()[0];
    assert_eq!(pool["Keys"], json!({new.clone(): 2}));
    assert_eq!((&pool["PrimaryKeys"], &pool["NumNodes"]), (&json!({new: 2}), &json!(2)));
    assert_eq!((&pool["WAN"], &pool["Datacenter"]), (&json!(false), &json!("dc1")));
}

#[tokio::test]
async fn without_gossip_there_is_no_keyring() {
    let got = house().await.get("/v1/operator/keyring").await;
    assert_eq!(got.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(got.text.contains("encryption not enabled"), "{}", got.text);
}
