use super::CaError;
use crate::model::{CaRoot, RaftIndex};
use crate::pki::{RootInfo, TrustDomain};
use std::time::Duration;

/// Roots that may be trusted at once: every one is sent to every proxy.
const MAX_ROOTS: usize = 16;
/// Cross-signed certificates that a leaf carries, at most: each costs every handshake.
pub(super) const MAX_INTERMEDIATES: usize = 3;
/// How many times a leaf's life an old root stays trusted after its last signature.
const GRACE_LIVES: u64 = 2;

/// A root as clients see it, signing from now on.
pub(super) fn describe(root: &RootInfo, trust_domain: &TrustDomain) -> CaRoot {
    CaRoot {
        id: root.id.clone(),
        name: "Mesh CA Root Cert".into(),
        serial: root.serial,
        signing_key_id: root.signing_key_id.clone(),
        trust_domain: trust_domain.to_string(),
        not_before: root.not_before,
        not_after: root.not_after,
        root_cert_pem: root.pem.clone(),
        intermediate_pems: Vec::new(),
        active: true,
        rotated_out_at: None,
        leaves_expire_at: 0,
        private_key_type: root.public_key.kind().name().into(),
        private_key_bits: root.public_key.kind().bits(),
        index: RaftIndex::default(),
    }
}

/// The roots once `next` signs: the one that signed until `now` stays trusted.
pub(super) fn rotated(
    roots: &[CaRoot],
    next: CaRoot,
    now: u64,
    leaf_ttl: Duration,
) -> Result<Vec<CaRoot>, CaError> {
    let mut after: Vec<CaRoot> = roots.iter().filter(|r| r.id != next.id).cloned().collect();
    if after.len() >= MAX_ROOTS {
        return Err(CaError::TooManyRoots { found: after.len() });
    }
    for root in after.iter_mut().filter(|r| r.active) {
        root.active = false;
        root.rotated_out_at = Some(now);
        remember_leaves(root, now, leaf_ttl);
    }
    after.insert(0, next);
    Ok(after)
}

/// The roots once leaves live shorter than `old_ttl`: those that were signed before do not.
pub(super) fn shortened(roots: &[CaRoot], now: u64, old_ttl: Duration) -> Vec<CaRoot> {
    let mut after = roots.to_vec();
    for root in after.iter_mut().filter(|r| r.active) {
        remember_leaves(root, now, old_ttl);
    }
    after
}

/// Twice a life, as for pruning: a signature may be under way on a server that has not seen the change.
fn remember_leaves(root: &mut CaRoot, now: u64, leaf_ttl: Duration) {
    let until = now.saturating_add(GRACE_LIVES * leaf_ttl.as_secs());
    root.leaves_expire_at = root.leaves_expire_at.max(until);
}

/// Whether no leaf under this root can be alive any more.
pub(super) fn is_spent(root: &CaRoot, now: u64, leaf_ttl: Duration) -> bool {
    let Some(rotated_out_at) = root.rotated_out_at.filter(|_| !root.active) else { return false };
    let grace_ends = rotated_out_at.saturating_add(GRACE_LIVES * leaf_ttl.as_secs());
    now > grace_ends.max(root.leaves_expire_at)
}

/// Whether the root should give way to a new one: a tenth of its life is left, or less than four lives
/// of a leaf.
pub(super) fn nears_its_end(root: &CaRoot, now: u64, leaf_ttl: Duration) -> bool {
    let tenth = root.not_after.saturating_sub(root.not_before) / 10;
    root.not_after.saturating_sub(now) < tenth.max(4 * leaf_ttl.as_secs())
}
