use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::telemetry::{LogFormat, LogLevel};
use axum::body::{Body, Bytes};
use futures_util::stream;
use std::convert::Infallible;

/// The agent's log from now on, until the client hangs up.
pub async fn follow(call: Call) -> Answered {
    let follower = call.deps.logs.follow(level(&call)?, format(&call)?);
    let lines = stream::unfold(follower, |mut follower| async {
        let line = follower.next().await?;
        Some((Ok::<_, Infallible>(Bytes::copy_from_slice(line.as_bytes())), follower))
    });
    Ok(Answer::stream(Body::from_stream(lines)))
}

fn level(call: &Call) -> Result<LogLevel, ApiError> {
    let Some(text) = call.parameters.filled("loglevel") else { return Ok(LogLevel::Info) };
    LogLevel::parse(text).ok_or_else(|| {
        ApiError::bad_request(format!("Unknown log level: {text:?}, want trace, debug, info, warn or err"))
    })
}

fn format(call: &Call) -> Result<LogFormat, ApiError> {
    Ok(if call.parameters.flag("logjson")? { LogFormat::Json } else { LogFormat::Text })
}
