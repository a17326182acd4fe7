use super::FieldError;
use crate::model::Meta;

const PAIRS: usize = 64;
const KEY: usize = 128;
const VALUE: usize = 512;

/// Checks key/value metadata by Consul's limits.
///
/// # Errors
/// There are more than 64 pairs; a key is empty, over 128 bytes, has other characters than letters,
/// digits, `-` and `_`, or begins with the reserved `consul-`; or a value is over 512 bytes.
pub fn check_meta(field: &str, meta: &Meta) -> Result<(), FieldError> {
    if meta.len() > PAIRS {
        return Err(FieldError::new(field, format!("{} pairs, at most {PAIRS} are allowed", meta.len())));
    }
    meta.iter().try_for_each(|(key, value)| pair(key, value).map_err(|reason| FieldError::new(field, reason)))
}

fn pair(key: &str, value: &str) -> Result<(), String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let shown: String = key.chars().take(64).collect();
    if !(1..=KEY).contains(&key.len()) || !key.bytes().all(legal) {
        return Err(format!("key {shown:?} is not valid: 1 to {KEY} letters, digits, '-' or '_'"));
    }
    if key.starts_with("consul-") {
        return Err(format!("key {shown:?} is not valid: the prefix \"consul-\" is reserved"));
    }
    if value.len() > VALUE {
        return Err(format!("the value of {shown:?} has {} bytes, at most {VALUE} are allowed", value.len()));
    }
    Ok(())
}
