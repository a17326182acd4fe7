use super::protocol::{BLOCK, READY, REPORT, Role};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Serves until the process is ended.
pub async fn run(addresses: &[SocketAddr]) -> Result<Value> {
    let mut listeners = JoinSet::new();
    for address in addresses {
        let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
        listeners.spawn(accept(listener));
    }
    listeners.join_all().await;
    Ok(json!({}))
}

async fn accept(listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(converse(stream))),
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(role) = Role::of(stream.read_u8().await?) else { return Ok(()) };
    stream.write_all(&[READY]).await?;
    match role {
        Role::Echo => echo(stream).await,
        Role::Sink => sink(stream).await,
        Role::Quiet => stream.read_u8().await.map(drop),
    }
}

/// With a small buffer: idle connections must not weigh on the machine.
async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 4096];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count]).await?;
    }
}

async fn sink(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; BLOCK];
    let (mut total, mut told) = (0, 0);
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        total += count as u64;
        if total - told >= REPORT {
            told = total;
            stream.write_all(&total.to_be_bytes()).await?;
        }
    }
}
