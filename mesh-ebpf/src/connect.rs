//! `connect()`: decides the intention and where the connection goes.

use crate::address::{Family, V4, V6, socket};
use crate::caller::{self, Caller};
use crate::doors;
use crate::kept;
use crate::maps::{CONFIG, DESTINATION, INTENT};
use crate::names;
use crate::record::decided;
use crate::stats::{count, tell_denied, tell_news};
use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::bpf_ktime_get_ns;
use aya_ebpf::macros::cgroup_sock_addr;
use aya_ebpf::programs::SockAddrContext;
use mesh_common::{Action, Config, Counter, Destination, Endpoint, Origin, Pair, ServiceNumber, decide};

const IPPROTO_TCP: u32 = 6;
const IPPROTO_UDP: u32 = 17;

/// What the kernel reads from the hook: go on, or `EPERM`.
const GO_ON: i32 = 1;
const FORBIDDEN: i32 = 0;

#[cgroup_sock_addr(connect4)]
pub fn mesh_connect4(ctx: SockAddrContext) -> i32 {
    connect::<V4>(&ctx)
}

#[cgroup_sock_addr(connect6)]
pub fn mesh_connect6(ctx: SockAddrContext) -> i32 {
    connect::<V6>(&ctx)
}

#[inline(always)]
fn connect<F: Family>(ctx: &SockAddrContext) -> i32 {
    // SAFETY: the kernel gives the hook a valid context.
    match unsafe { (*ctx.sock_addr).protocol } {
        IPPROTO_TCP => tcp::<F>(ctx),
        IPPROTO_UDP => names::connect::<F>(ctx),
        _ => GO_ON,
    }
}

#[inline(always)]
fn tcp<F: Family>(ctx: &SockAddrContext) -> i32 {
    count(Counter::Seen);
    kept::forget(socket(ctx));
    let wanted = F::read(ctx);
    let Some(config) = CONFIG.get(0) else { return GO_ON };
    let Some(destination) = destination(wanted) else { return elsewhere::<F>(ctx, config, wanted) };
    if config.is_agent(ctx.tgid(), caller::cgroup()) {
        return let_in(ctx, config, wanted);
    }
    if destination.has(Destination::HERE) {
        return guard::<F>(ctx, config, wanted, destination);
    }
    match caller::identify(ctx) {
        Caller::Service(source) => steer::<F>(ctx, config, source, wanted, destination),
        Caller::Borrower => forbid(Counter::Borrowed),
        Caller::Stranger if destination.has(Destination::VIRTUAL) => {
            refuse::<F>(ctx, wanted, Counter::Strangers)
        }
        Caller::Stranger if destination.has(Destination::STRICT) => {
            refuse::<F>(ctx, wanted, Counter::StrictRefused)
        }
        Caller::Stranger => GO_ON,
    }
}

/// No address of the mesh: who asks for names is sent to where they are known, and the agent may be on its way to a
/// strict server.
#[inline(always)]
fn elsewhere<F: Family>(ctx: &SockAddrContext, config: &Config, wanted: Endpoint) -> i32 {
    if names::is_resolver(wanted) {
        return names::send::<F>(ctx, config, wanted);
    }
    if config.has(Config::GUARD) && config.is_agent(ctx.tgid(), caller::cgroup()) {
        return let_in(ctx, config, wanted);
    }
    GO_ON
}

/// A strict server's own address in its own network namespace: for the service itself, and for nobody else who is
/// not the agent. Others have the mesh's addresses.
#[inline(always)]
fn guard<F: Family>(ctx: &SockAddrContext, config: &Config, wanted: Endpoint, to: &Destination) -> i32 {
    if to.namespace != doors::namespace(ctx) {
        return GO_ON;
    }
    match caller::identify(ctx) {
        Caller::Service(source) if source == to.service => let_in(ctx, config, wanted),
        _ => refuse::<F>(ctx, wanted, Counter::StrictRefused),
    }
}

/// The address at this port, else at every port.
#[inline(always)]
fn destination(wanted: Endpoint) -> Option<&'static Destination> {
    // SAFETY: the agent replaces an entry as a whole; a value given out lives while the program runs.
    unsafe { DESTINATION.get(wanted).or_else(|| DESTINATION.get(wanted.at_every_port())) }
}

/// The agent connects to whom it wants, and a strict service to itself: its server, if it is one, lets them in.
#[inline(always)]
fn let_in(ctx: &SockAddrContext, config: &Config, wanted: Endpoint) -> i32 {
    if config.has(Config::GUARD) {
        let origin = Origin { source: 0, destination: 0, endpoint: wanted, path: Origin::GUARDED };
        kept::ask(socket(ctx), origin);
    }
    GO_ON
}

#[inline(always)]
fn steer<F: Family>(
    ctx: &SockAddrContext,
    config: &Config,
    source: ServiceNumber,
    wanted: Endpoint,
    to: &Destination,
) -> i32 {
    if decide(source, to.service, config.default_action(), intention) == Action::Deny {
        tell_denied(ctx, source, to.service, wanted);
        decided(ctx, wanted, Counter::Denied);
        return forbid(Counter::Denied);
    }
    let namespace = doors::namespace(ctx);
    let origin = Origin { source, destination: to.service, endpoint: wanted, path: to.straight_path() };
    if to.is_local_to(namespace) && F::fits(to.server) {
        return send::<F>(ctx, to.server, origin, Counter::Local);
    }
    if !is_there(config) {
        return without_agent::<F>(ctx, to, origin);
    }
    let port = doors::of(config, namespace).map_or(0, |doors| doors.leg(wanted.is_v4()));
    if port == 0 {
        tell_news(); // The agent may not know yet that anybody of the mesh is in there.
        return refuse::<F>(ctx, wanted, Counter::Unserved);
    }
    let leg = Endpoint::from_wire(wanted.loopback(), port);
    send::<F>(ctx, leg, Origin { path: Origin::AGENT, ..origin }, Counter::Redirected)
}

/// Whether the agent lives, and has not said that it ends.
#[inline(always)]
fn is_there(config: &Config) -> bool {
    // SAFETY: the helper takes nothing.
    let alive = config.agent_is_alive(unsafe { bpf_ktime_get_ns() });
    alive && (config.doors.leg_v4 != 0 || config.doors.leg_v6 != 0)
}

/// Refused, unless the service would rather be reached without TLS than not at all: at the address that was asked for,
/// or, where that exists in the mesh only, at a server's.
#[inline(always)]
fn without_agent<F: Family>(ctx: &SockAddrContext, to: &Destination, origin: Origin) -> i32 {
    let is_known = !to.has(Destination::VIRTUAL) || to.has(Destination::ELSEWHERE);
    let server = if to.has(Destination::VIRTUAL) { to.server } else { origin.endpoint };
    if !to.has(Destination::OPEN) || !is_known || !F::fits(server) {
        return refuse::<F>(ctx, origin.endpoint, Counter::Unserved);
    }
    send::<F>(ctx, server, Origin { path: Origin::SERVER, ..origin }, Counter::Opened)
}

#[inline(always)]
pub fn intention(source: ServiceNumber, destination: ServiceNumber) -> Option<Action> {
    // SAFETY: the value is one word.
    unsafe { INTENT.get(Pair { source, destination }) }.map(|action| Action::from_raw(*action))
}

#[inline(always)]
fn send<F: Family>(ctx: &SockAddrContext, to: Endpoint, origin: Origin, counter: Counter) -> i32 {
    if !kept::ask(socket(ctx), origin) {
        return forbid(Counter::Full);
    }
    F::write(ctx, to);
    count(counter);
    decided(ctx, origin.endpoint, counter);
    GO_ON
}

#[inline(always)]
fn forbid(counter: Counter) -> i32 {
    count(counter);
    FORBIDDEN
}

/// Nobody can listen at port 0, so the application reads `ECONNREFUSED` as from a dead server. A hook
/// can say that by itself only since Linux 5.18.
#[inline(always)]
fn refuse<F: Family>(ctx: &SockAddrContext, wanted: Endpoint, counter: Counter) -> i32 {
    F::write(ctx, Endpoint::from_wire(wanted.loopback(), 0));
    count(counter);
    decided(ctx, wanted, counter);
    GO_ON
}
