use crate::model::NodeName;
use serde::{Deserialize, Serialize};

/// A request to the API that one node passes on to another, which has what it takes to answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedRequest {
    pub method: String,
    /// Path and query, as the caller wrote them.
    pub uri: String,
    pub token: Option<String>,
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
    /// How often it was passed on.
    pub hops: u8,
    /// The node whose agent was asked first, where the question is for somebody.
    pub origin: Option<NodeName>,
}

impl PassedRequest {
    /// Whether it changes nothing, so that it may be asked of one after the other.
    pub fn is_read(&self) -> bool {
        self.method == "GET"
    }
}

/// What the other node answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedAnswer {
    pub status: u16,
    /// Names and values; what is no text is left out.
    pub headers: Vec<(String, String)>,
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}
