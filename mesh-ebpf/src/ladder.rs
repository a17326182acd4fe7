//! The intention ladder by itself, for whoever wants to know what it decides or how long it takes. It hangs on
//! nothing: it is run by hand, with a packet that holds a pair and nothing else.

use crate::connect::intention;
use crate::maps::CONFIG;
use aya_ebpf::macros::cgroup_skb;
use aya_ebpf::programs::SkBuffContext;
use mesh_common::{Action, decide};

const ALLOW: i32 = 1;
const DENY: i32 = 0;

#[cgroup_skb]
pub fn mesh_ladder(ctx: SkBuffContext) -> i32 {
    let (Ok([source, destination]), Some(config)) = (ctx.load::<[u32; 2]>(0), CONFIG.get(0)) else {
        return DENY;
    };
    match decide(source, destination, config.default_action(), intention) {
        Action::Allow => ALLOW,
        Action::Deny => DENY,
    }
}
