//! A room imports only from lower floors.

use super::imports::imports;
use super::source::SourceFile;

/// The rooms of mesh-agent, floor by floor from the ground; ARCHITECTURE.md says what each is.
const FLOORS: [&[&str]; 9] = [
    &["task", "clock", "net", "telemetry", "whole_file"],
    &["model"],
    &["acl", "coordinate", "intention", "pki", "stream", "wire", "filter", "snapshot"],
    &["state", "discovery", "rpc"],
    &["raft", "gossip", "ca", "leaf", "health", "proxy", "dataplane", "view"],
    &["catalog"],
    &["event", "exec", "local", "leader", "policy", "session"],
    &["http", "dns", "peer", "xds", "cli"],
    &["agent"],
];

const ROOMS: &str = "mesh-agent/src/";

pub fn check(file: &SourceFile) -> Vec<String> {
    let Some(module) = module_of(&file.path) else { return Vec::new() };
    let room = module[0];
    let Some(floor) = floor_of(room) else {
        return vec![format!(
            "{}: room `{room}` is on no floor: add it to xtask/src/tidy/floors.rs",
            file.path
        )];
    };
    let crossing = imports(file, &module).into_iter().filter(|import| import.room != room);
    crossing
        .filter_map(|i| complaint(floor, &i.room).map(|why| format!("{}:{}: {why}", file.path, i.line)))
        .collect()
}

/// `["raft", "log"]` for `mesh-agent/src/raft/log.rs`. The crate's two roots stand above all floors.
fn module_of(path: &str) -> Option<Vec<&str>> {
    let inside = path.strip_prefix(ROOMS)?.strip_suffix(".rs")?;
    if matches!(inside, "lib" | "main") {
        return None;
    }
    Some(inside.strip_suffix("/mod").unwrap_or(inside).split('/').collect())
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn complaint(from: usize, room: &str) -> Option<String> {
    match floor_of(room) {
        None => Some(format!("names `crate::{room}`, which is no room")),
        Some(to) if to > from => {
            Some(format!("imports upwards: `{room}` is on floor {to}, this is floor {from}"))
        }
        Some(to) if to == from => Some(format!("imports sideways: `{room}` is on this floor ({from}) too")),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, code: &str) -> Vec<String> {
        check(&SourceFile::new(path, code))
    }

    #[test]
    fn downwards_and_within_a_room_is_allowed() {
        let code = "use crate::model::X; use crate::state::Y; use crate::task::Z;";
        assert!(complaints("mesh-agent/src/state/store.rs", code).is_empty());
    }

    #[test]
    fn upwards_sideways_and_nowhere_is_refused() {
        let cases = [("http", "upwards"), ("rpc", "sideways"), ("attic", "no room")];
        for (room, why) in cases {
            let found = complaints("mesh-agent/src/state/store.rs", &format!("\nuse crate::{room}::X;"));
            assert_eq!(found.len(), 1, "{room}");
            assert!(found[0].starts_with("mesh-agent/src/state/store.rs:2: "), "{found:?}");
            assert!(found[0].contains(why), "{found:?}");
        }
    }

    #[test]
    fn a_room_that_is_on_no_floor_is_named() {
        assert!(complaints("mesh-agent/src/attic/mod.rs", "")[0].contains("`attic` is on no floor"));
    }

    #[test]
    fn the_roots_of_the_crate_and_other_crates_may_name_anything() {
        for path in ["mesh-agent/src/main.rs", "mesh-agent/src/lib.rs", "xtask/src/main.rs"] {
            assert!(complaints(path, "use crate::agent::X;").is_empty(), "{path}");
        }
    }

    #[test]
    fn tests_may_reach_further() {
        let code = "#[cfg(test)]\nmod tests { use crate::http::X; }";
        assert!(complaints("mesh-agent/src/state/store.rs", code).is_empty());
    }
}
