use super::LogError;
use crate::raft::files::{Directory, seal, unseal};
use crate::raft::types::Vote;
use serde::{Deserialize, Serialize};

/// The file that holds the vote.
pub(super) const FILE: &str = "vote";
/// Format 1 of it.
const KIND: [u8; 8] = *b"MESHVOT1";

#[derive(Serialize, Deserialize)]
struct StoredVote {
    term: u64,
    candidate: u64,
    /// A majority has agreed.
    committed: bool,
}

pub(super) fn encode(vote: &Vote) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    let (term, candidate) = (vote.leader_id.term, vote.leader_id.node_id);
    let stored = rmp_serde::to_vec_named(&StoredVote { term, candidate, committed: vote.committed })?;
    Ok(seal(KIND, &stored))
}

/// The last vote saved. A damaged one is refused: a server that forgets its vote may vote twice.
pub(super) fn read(directory: &Directory) -> Result<Option<Vote>, LogError> {
    let Some(file) = directory.read_if_present(FILE)? else { return Ok(None) };
    let path = || directory.path(FILE);
    let content = unseal(KIND, &file).map_err(|source| LogError::Vote { path: path(), source })?;
    let stored: StoredVote = rmp_serde::from_slice(content)
        .map_err(|e| LogError::VoteVersion { path: path(), reason: e.to_string() })?;
    let vote = Vote::new(stored.term, stored.candidate);
    Ok(Some(Vote { committed: stored.committed, ..vote }))
}
