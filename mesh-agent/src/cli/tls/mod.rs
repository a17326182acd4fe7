//! `tls`.

mod ca;
mod cert;
mod files;

pub(super) use ca::CREATE as CA_CREATE;
pub(super) use cert::CREATE as CERT_CREATE;

use super::call::Call;
use super::command::Command;
use super::failure::Failure;

pub(super) const GROUP: Command = Command::group(
    "tls",
    "Makes certificates for agents",
    "Makes an authority and certificates for agents, for those who want to decide by themselves who is a node of \
     their cluster: without them, nodes trust each other by the key that they share. It asks no agent.",
);

pub(super) const CA: Command = Command::group(
    "tls ca",
    "Makes an authority for agents' certificates",
    "Makes an authority for agents' certificates.",
);

pub(super) const CERT: Command =
    Command::group("tls cert", "Makes agents' certificates", "Makes agents' certificates.");

/// More would leave the calendar that certificates are written in.
const MOST_DAYS: u32 = 100_000;

fn days(call: &Call, default: u32) -> Result<u32, Failure> {
    let Some(text) = call.matches.value("days") else { return Ok(default) };
    let days = text.parse().ok().filter(|days| (1..=MOST_DAYS).contains(days));
    days.ok_or_else(|| Failure::new(format!("invalid value {text:?} for flag -days: want 1 to {MOST_DAYS}")))
}

fn domain(call: &Call) -> &str {
    call.matches.value("domain").unwrap_or("consul")
}
