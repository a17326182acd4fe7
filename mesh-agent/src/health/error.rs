use crate::model::CheckId;

/// Why a check cannot be run as it is defined. A refused check has not run and does not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckRefused {
    #[error(
        "check {check:?} runs a script, and scripts are disabled on this agent: set 'enable_script_checks', \
         or 'enable_local_script_checks' for checks from configuration files, to true"
    )]
    ScriptsDisabled { check: CheckId },
    #[error("check {check:?} names no command: give 'args' at least the program to run")]
    NoCommand { check: CheckId },
    #[error("check {check:?} has the URL {url:?}, which is not valid ({reason}): give http://… or https://…")]
    Url { check: CheckId, url: String, reason: String },
    #[error("check {check:?} has the address {address:?}, which is not valid: give host:port")]
    Address { check: CheckId, address: String },
    #[error("check {check:?} has {what} {found:?}, which HTTP does not allow: {rule}")]
    Request { check: CheckId, what: &'static str, found: String, rule: &'static str },
    #[error("check {check:?} asks for the TLS name {name:?}: give a DNS name or an IP address")]
    TlsName { check: CheckId, name: String },
}
