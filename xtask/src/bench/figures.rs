use super::bar::Bar;
use super::measure::Measure;
use Shown::{Ratio, Value};

/// Whose figures the ratios are to, and who must meet bars.
pub const PLAIN: &str = "plain";
pub const OURS: &str = "mesh";
/// Where the kernel steers: through the agent, and to a server of the same host, by TCP or past it.
pub const TIER1: &str = "tier 1";
pub const TIER2: &str = "tier 2";
pub const TIER2_FAST: &str = "tier 2, accelerated";

/// A row of the table.
pub struct Figure {
    pub title: &'static str,
    pub measure: Measure,
    pub field: &'static [&'static str],
    pub shown: Shown,
    /// What our own paths must reach.
    pub bars: &'static [(&'static str, Must)],
}

/// What a value is compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// As a ratio to plain in the same round
    Ratio,
    /// As it is
    Value,
}

#[derive(Clone, Copy)]
pub enum Must {
    Reach(Bar),
    /// At most what another peer has in the same run, within what two runs of the same differ by.
    BeNoWorseThan(&'static str),
}

impl Must {
    /// `of` gives another peer's value; without one there is nothing to reach.
    pub fn bar(self, of: impl Fn(&'static str) -> Option<f64>) -> Option<Bar> {
        match self {
            Self::Reach(bar) => Some(bar),
            Self::BeNoWorseThan(peer) => {
                of(peer).map(|other| Bar::AtMost((other * NOISE * 1e3).round() / 1e3))
            }
        }
    }
}

const fn at_least(bar: f64) -> Must {
    Must::Reach(Bar::AtLeast(bar))
}

const fn at_most(bar: f64) -> Must {
    Must::Reach(Bar::AtMost(bar))
}

const fn figure(
    title: &'static str,
    measure: Measure,
    field: &'static [&'static str],
    shown: Shown,
    bars: &'static [(&'static str, Must)],
) -> Figure {
    Figure { title, measure, field, shown, bars }
}

/// What two medians of the same round trip differ by.
const NOISE: f64 = 1.03;

pub const FIGURES: [Figure; 14] = [
    figure(
        "bulk, 1 connection",
        Measure::Bulk1,
        &["gbit_s"],
        Ratio,
        &[(OURS, at_least(0.45)), (TIER2, at_least(0.97))],
    ),
    figure(
        "bulk, 8 connections",
        Measure::Bulk8,
        &["gbit_s"],
        Ratio,
        &[(OURS, at_least(0.42)), (TIER2, at_least(0.97))],
    ),
    figure(
        "64 B round trip, one core",
        Measure::Rtt,
        &["us", "p50"],
        Ratio,
        &[
            (OURS, at_most(3.6)),
            (TIER1, Must::BeNoWorseThan(OURS)),
            (TIER2, at_most(1.05)),
            (TIER2_FAST, at_most(0.75)),
        ],
    ),
    figure("connections/s, 16 clients", Measure::Conn16, &["per_s"], Ratio, &[(OURS, at_least(0.06))]),
    figure("connect(), µs more than plain", Measure::Dial, &["more_us"], Value, &[(TIER2, at_most(3.0))]),
    figure("ns in kernel programs a connection", Measure::Hooks, &["ns"], Value, &[]),
    figure("ns to decide an intention, by its rule", Measure::Hooks, &["decision_ns", "rule"], Value, &[]),
    figure("ns to decide an intention, by default", Measure::Hooks, &["decision_ns", "default"], Value, &[]),
    figure("deny to cut, ms, p50", Measure::Deny, &["ms", "p50"], Value, &[]),
    figure("deny to cut, ms, p99", Measure::Deny, &["ms", "p99"], Value, &DENY),
    figure("CPU s/GiB, 1 connection", Measure::Bulk1, &["cpu_s_per_gib"], Value, &[(OURS, at_most(1.25))]),
    figure("CPU s/GiB, 8 connections", Measure::Bulk8, &["cpu_s_per_gib"], Value, &[(OURS, at_most(1.25))]),
    figure(
        "KiB per idle connection",
        Measure::Hold,
        &["kib_per_connection"],
        Value,
        &[(OURS, at_most(12.0))],
    ),
    figure("idle MiB", Measure::Hold, &["idle_mib"], Value, &[(OURS, at_most(40.0))]),
];

/// An open connection that becomes forbidden is cut within a second on every path.
const DENY: [(&str, Must); 3] = [(OURS, at_most(1e3)), (TIER1, at_most(1e3)), (TIER2, at_most(1e3))];
