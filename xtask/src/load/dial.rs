use super::numbers::{median, percentiles, round, trimmed_mean};
use super::protocol::{READY, Role};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use socket2::SockRef;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const WARM_UP: Duration = Duration::from_millis(300);

/// Connects of one kind that follow each other: a machine hardly changes its pace in that time.
const BATCH: usize = 100;
/// Those before, after a process has moved.
const SETTLE: usize = 5;

/// The call of connect() by itself, on a path and on none, in turns: on the loopback, the kernel has made the
/// connection when it returns. What one costs more than the other is far below what either varies by over seconds.
#[derive(clap::Args)]
pub struct Dial {
    /// The application with nothing in between
    #[arg(long)]
    plain: SocketAddr,
    /// Where the process goes to be a client of the path
    #[arg(long, requires = "exit")]
    entrance: Option<PathBuf>,
    /// Where it goes to be none
    #[arg(long, requires = "entrance")]
    exit: Option<PathBuf>,
}

impl Dial {
    pub fn run(&self, address: SocketAddr, time: Duration) -> Result<Value> {
        let (mut times, mut more) = (Vec::with_capacity(1 << 16), Vec::new());
        let begun = Instant::now();
        while begun.elapsed() < WARM_UP + time {
            let is_warm = begun.elapsed() >= WARM_UP;
            // Whoever comes first may find colder caches, so they take turns in that too.
            let (plain, path) = if more.len() % 2 == 0 {
                let plain = batch(self.plain, self.exit.as_ref())?;
                (plain, batch(address, self.entrance.as_ref())?)
            } else {
                let path = batch(address, self.entrance.as_ref())?;
                (batch(self.plain, self.exit.as_ref())?, path)
            };
            if is_warm {
                times.extend(&path);
                more.extend(trimmed_mean(path).zip(trimmed_mean(plain)).map(|(path, plain)| path - plain));
            }
        }
        let turns = more.len();
        let more = median(more).map(|more| round(more, 3));
        Ok(json!({ "more_us": more, "turns": turns, "us": percentiles(times) }))
    }
}

fn batch(address: SocketAddr, place: Option<&PathBuf>) -> Result<Vec<Duration>> {
    if let Some(place) = place {
        fs::write(place, "0").with_context(|| format!("going to {}", place.display()))?;
    }
    (0..SETTLE).try_for_each(|_| dial(address).map(drop))?;
    (0..BATCH).map(|_| dial(address)).collect()
}

fn dial(address: SocketAddr) -> Result<Duration> {
    let asked = Instant::now();
    let stream = TcpStream::connect(address)?;
    let took = asked.elapsed();
    finish(stream)?;
    Ok(took)
}

/// Waits until the application has accepted it, so that none of its work falls into the next one's time.
fn finish(mut stream: TcpStream) -> Result<()> {
    stream.write_all(&[Role::Quiet.byte()])?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    if answer != [READY] {
        bail!("that is not the benchmark's application: it answers {answer:?}");
    }
    // Ports would run out while closed connections linger.
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    Ok(())
}
