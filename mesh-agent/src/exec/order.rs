use super::ExecError;
use serde::Deserialize;
use uuid::Uuid;

/// What the event says: whose job it is, and where that lies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Order {
    prefix: String,
    pub session: Uuid,
}

/// Longest prefix of keys, in bytes.
const MOST_PREFIX: usize = 128;

impl Order {
    /// # Errors
    /// It is not JSON of this form, or its keys would be no ordinary ones.
    pub fn parse(payload: &[u8]) -> Result<Self, ExecError> {
        let order: Self = serde_json::from_slice(payload)
            .map_err(|error| ExecError::Order { reason: error.to_string() })?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
        let prefix = order.prefix.as_str();
        let relative = prefix.split('/').any(|part| matches!(part, "" | "." | ".."));
        if prefix.len() > MOST_PREFIX || relative || !prefix.bytes().all(plain) {
            let shown: String = prefix.chars().take(MOST_PREFIX).collect();
            return Err(ExecError::Order { reason: format!("{shown:?} is no prefix of keys") });
        }
        Ok(order)
    }

    pub fn job(&self) -> String {
        format!("{}/{}/job", self.prefix, self.session)
    }

    /// What this node has to say: `ack`, `exit` and such.
    pub fn answer(&self, node: &str, what: &str) -> String {
        format!("{}/{}/{node}/{what}", self.prefix, self.session)
    }

    /// One piece of output; they sort in the order in which they came.
    pub fn output(&self, node: &str, number: u32) -> String {
        self.answer(node, &format!("out/{number:05x}"))
    }
}
