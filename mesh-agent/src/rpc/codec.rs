use super::RpcError;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value as the body of a call. Fields go by name, so that later versions can add some.
///
/// # Errors
/// It cannot be encoded.
pub fn encode<T: Serialize>(what: &'static str, value: &T) -> Result<Bytes, RpcError> {
    let encoded = rmp_serde::to_vec_named(value);
    encoded.map(Bytes::from).map_err(|error| RpcError::Unreadable { what, reason: error.to_string() })
}

/// The value in a body.
///
/// # Errors
/// It is something else.
pub fn decode<T: DeserializeOwned>(what: &'static str, body: &[u8]) -> Result<T, RpcError> {
    rmp_serde::from_slice(body).map_err(|error| RpcError::Unreadable { what, reason: error.to_string() })
}
