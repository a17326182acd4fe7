use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::snapshot::{Archive, Meta};
use crate::state::{Command, WholeState};
use http::header;

/// The most that an archive may have, in bytes: it is one entry of the log.
pub const MOST: usize = 32 << 20;

/// All of the state, in an archive; the key of the CA is in it.
pub async fn save(call: Call) -> Answered {
    let reply = call.read(&WholeState).await?;
    let state = reply.value.snapshot().map_err(ApiError::internal)?;
    let meta = Meta::new(reply.value.applied(), call.deps.clock.now().millis(), state.len() as u64);
    let archive = Archive { meta, state }.pack().map_err(ApiError::internal)?;
    let answer = Answer::bytes(archive.into()).with(header::CONTENT_TYPE, "application/x-gzip");
    Ok(call.read_headers(&reply, answer))
}

/// Looked through here first, so that what is damaged never comes into the log.
pub async fn restore(call: Call) -> Answered {
    fits(&call)?;
    Archive::open(&call.body).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let index = call.deps.catalog.write(Command::Restore(call.body.to_vec())).await?;
    tracing::warn!(index, "the state was replaced by that of a snapshot");
    Ok(Answer::empty())
}

/// Several servers agree on an archive as on any write, within a heartbeat.
const MOST_OF_SEVERAL: usize = 4 << 20;

fn fits(call: &Call) -> Result<(), ApiError> {
    let several = call.deps.catalog.peers().len() > 1;
    if !several || call.body.len() <= MOST_OF_SEVERAL {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "the snapshot has {} bytes, and several servers take {MOST_OF_SEVERAL} at most: restore it into a server \
         that is alone, and let the others join it",
        call.body.len()
    )))
}
