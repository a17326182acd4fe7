use std::time::Duration;

/// What peers may use up.
#[derive(Clone, Copy, Debug)]
pub struct RpcLimits {
    /// Connections at once.
    pub connections: usize,
    /// Handshakes at once: whoever is not done with one is a stranger.
    pub handshakes: usize,
    pub handshake_timeout: Duration,
    /// Calls at once on one connection.
    pub streams: u32,
    /// How long the body of a call may take to arrive.
    pub body_timeout: Duration,
    /// How often a silent connection is asked whether its peer lives, and how long that may take.
    pub keep_alive: Duration,
    pub keep_alive_timeout: Duration,
    /// How long calls under way may go on after shutdown has begun.
    pub drain: Duration,
    /// How long connecting to a peer may take.
    pub connect_timeout: Duration,
    /// A connection without calls is closed after this.
    pub idle: Duration,
    /// The largest answer, or frame, that is taken from a peer, in bytes.
    pub answer: usize,
}

impl Default for RpcLimits {
    fn default() -> Self {
        Self {
            connections: 8192,
            handshakes: 256,
            handshake_timeout: Duration::from_secs(5),
            streams: 1024,
            body_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_millis(1500),
            keep_alive_timeout: Duration::from_secs(2),
            drain: Duration::from_millis(500),
            connect_timeout: Duration::from_secs(2),
            idle: Duration::from_secs(60),
            answer: 64 << 20,
        }
    }
}

/// Flow control of HTTP/2, in bytes: what may be under way before its reader has asked for more.
pub(super) const STREAM_WINDOW: u32 = 1 << 20;
pub(super) const CONNECTION_WINDOW: u32 = 8 << 20;
