use super::numbers::percentiles_in;
use super::protocol::{Role, open};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How long a change of the intentions may take to be in force.
const PATIENCE: Duration = Duration::from_secs(10);

/// The agent takes changes that come fast together, so the tries are spread over that time.
const SPREAD: [u64; 7] = [0, 31, 62, 13, 84, 45, 97];

/// From the sending of an intention that denies our pair of services to the end of our open connection.
pub async fn run(address: SocketAddr, api: SocketAddr, tries: usize) -> Result<Value> {
    let mut times = Vec::with_capacity(tries);
    for (_, pause) in (0..tries).zip(SPREAD.iter().cycle()) {
        let mut stream = allowed(address).await?;
        sleep(Duration::from_millis(*pause)).await;
        let begun = Instant::now();
        let (asked, ended) = tokio::join!(call(api, "PUT"), timeout(PATIENCE, stream.read_u8()));
        let Ok(Err(_)) = ended else { bail!("the connection was not cut: {ended:?}") };
        times.push(begun.elapsed());
        asked?;
        call(api, "DELETE").await?;
    }
    Ok(json!({ "ms": percentiles_in(Duration::from_millis(1), times) }))
}

/// A connection, as soon as one is allowed.
async fn allowed(address: SocketAddr) -> Result<TcpStream> {
    let begun = Instant::now();
    loop {
        match timeout(PATIENCE, open(address, Role::Echo)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) if begun.elapsed() > PATIENCE => return Err(error),
            Err(_) => bail!("{address} does not answer"),
            Ok(Err(_)) => sleep(Duration::from_millis(2)).await,
        }
    }
}

/// Makes the intention, or takes it back.
async fn call(api: SocketAddr, method: &str) -> Result<()> {
    let mut stream = TcpStream::connect(api).await.with_context(|| format!("connecting to {api}"))?;
    let body = if method == "PUT" { r#"{"Action":"deny"}"# } else { "" };
    let request = format!(
        "{method} /v1/connect/intentions/exact?source=client&destination=echo HTTP/1.1\r\n\
         Host: {api}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if !answer.starts_with("HTTP/1.1 200") {
        bail!("the agent does not take the intention: {answer}");
    }
    Ok(())
}
