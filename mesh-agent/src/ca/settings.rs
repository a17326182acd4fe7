use crate::model::Opaque;
use crate::pki::{KeyKind, PkiError, RootInfo};
use crate::wire::GoDuration;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// The configuration of the built-in provider.
#[derive(Clone, Debug, PartialEq)]
pub struct CaSettings {
    /// How long a leaf is valid, 1 hour to 1 year.
    pub leaf_ttl: Duration,
    /// Kept for clients that read it back; roots are rotated when they near their end, or on demand.
    pub rotation_period: Duration,
    /// Signatures per second, 0 for no limit.
    pub csr_max_per_second: u32,
    /// Signatures at once, looked at only where `csr_max_per_second` is 0; 0 for no limit.
    pub csr_max_concurrent: u32,
    /// The kind of key that a new root gets; `None` for P-256, or the kind it has.
    pub key_kind: Option<KeyKind>,
    pub private_key: Option<Secret>,
    /// Read, so that nothing that was pasted around the certificate is kept.
    pub root_cert: Option<RootInfo>,
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a configuration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("provider {found:?} is not known: \"consul\", the built-in one, is allowed")]
    Provider { found: String },
    #[error("key {key:?} is not known: allowed are {KEYS}")]
    UnknownKey { key: String },
    #[error("key {key:?} is given twice, in two spellings")]
    Twice { key: String },
    #[error("{key} is {found}: {allowed}")]
    Value { key: &'static str, found: String, allowed: &'static str },
    #[error("RootCert is given without its PrivateKey, and is not the root in use: give both")]
    RootWithoutKey,
    #[error("RootCert was refused: {0}")]
    Root(#[from] PkiError),
}

const KEYS: &str = "LeafCertTTL, RotationPeriod, IntermediateCertTTL, CSRMaxPerSecond, CSRMaxConcurrent, \
                    PrivateKeyType, PrivateKeyBits, PrivateKey, RootCert";
const HOUR: Duration = Duration::from_hours(1);
const YEAR: Duration = Duration::from_hours(365 * 24);
/// The only provider there is, by the name that clients know.
pub(super) const BUILTIN: &str = "consul";

impl Default for CaSettings {
    fn default() -> Self {
        Self {
            leaf_ttl: Duration::from_hours(72),
            rotation_period: Duration::from_hours(90 * 24),
            csr_max_per_second: 50,
            csr_max_concurrent: 0,
            key_kind: None,
            private_key: None,
            root_cert: None,
        }
    }
}

impl CaSettings {
    /// Keys are read in both of the spellings that configuration uses: `LeafCertTTL`, `leaf_cert_ttl`.
    ///
    /// # Errors
    /// Another provider than the built-in one, an unknown key, or a value of the wrong kind or out of bounds.
    pub fn parse(provider: &str, config: &Opaque) -> Result<Self, SettingsError> {
        if provider != BUILTIN {
            return Err(SettingsError::Provider { found: provider.chars().take(64).collect() });
        }
        let mut reader = Reader::default();
        for (key, value) in config {
            reader.read(key, value)?;
        }
        reader.finish()
    }

    /// What is stored and shown: every setting that has a value, and never the private key.
    pub fn to_opaque(&self) -> Opaque {
        let mut config = Opaque::new();
        config.insert("LeafCertTTL".into(), GoDuration(self.leaf_ttl).to_string().into());
        config.insert("RotationPeriod".into(), GoDuration(self.rotation_period).to_string().into());
        config.insert("CSRMaxPerSecond".into(), self.csr_max_per_second.into());
        config.insert("CSRMaxConcurrent".into(), self.csr_max_concurrent.into());
        if let Some(kind) = self.key_kind {
            config.insert("PrivateKeyType".into(), kind.name().into());
            config.insert("PrivateKeyBits".into(), kind.bits().into());
        }
        if let Some(root) = &self.root_cert {
            config.insert("RootCert".into(), root.pem.clone().into());
        }
        config
    }
}

/// Settings as they are read, key by key.
#[derive(Default)]
struct Reader {
    settings: CaSettings,
    seen: Vec<String>,
    key_type: Option<String>,
    key_bits: Option<u32>,
}

impl Reader {
    fn read(&mut self, key: &str, value: &Value) -> Result<(), SettingsError> {
        let folded = key.replace('_', "").to_ascii_lowercase();
        if self.seen.contains(&folded) {
            return Err(SettingsError::Twice { key: key.chars().take(64).collect() });
        }
        let set = &mut self.settings;
        match folded.as_str() {
            "leafcertttl" => set.leaf_ttl = leaf_ttl(value)?,
            "rotationperiod" => set.rotation_period = duration("RotationPeriod", value)?,
            // The leaves hang directly under the root: the value is checked and has no effect.
            "intermediatecertttl" => drop(duration("IntermediateCertTTL", value)?),
            "csrmaxpersecond" => set.csr_max_per_second = rate("CSRMaxPerSecond", value)?,
            "csrmaxconcurrent" => set.csr_max_concurrent = whole("CSRMaxConcurrent", value)?,
            "privatekeytype" => self.key_type = text("PrivateKeyType", value)?,
            "privatekeybits" => self.key_bits = Some(whole("PrivateKeyBits", value)?).filter(|b| *b > 0),
            "privatekey" => set.private_key = secret(value)?,
            "rootcert" => set.root_cert = root_cert(value)?,
            _ => return Err(SettingsError::UnknownKey { key: key.chars().take(64).collect() }),
        }
        self.seen.push(folded);
        Ok(())
    }

    fn finish(mut self) -> Result<CaSettings, SettingsError> {
        self.settings.key_kind = match (self.key_type.as_deref(), self.key_bits) {
            (None, None) => None,
            (None | Some("ec"), None | Some(256)) => Some(KeyKind::P256),
            (None | Some("ec"), Some(384)) => Some(KeyKind::P384),
            (Some("rsa"), None) => Some(KeyKind::Rsa { bits: 2048 }),
            (Some("rsa"), Some(bits @ (2048 | 3072 | 4096))) => Some(KeyKind::Rsa { bits }),
            (kind, bits) => return Err(bad_key_kind(kind, bits)),
        };
        Ok(self.settings)
    }
}

fn bad_key_kind(kind: Option<&str>, bits: Option<u32>) -> SettingsError {
    let kind: String = kind.unwrap_or("ec").chars().take(16).collect();
    let found = format!("{kind:?} with {} bits", bits.unwrap_or(0));
    let allowed = "use \"ec\" with 256 or 384, or \"rsa\" with 2048, 3072 or 4096";
    SettingsError::Value { key: "PrivateKeyType", found, allowed }
}

fn leaf_ttl(value: &Value) -> Result<Duration, SettingsError> {
    let found = duration("LeafCertTTL", value)?;
    if (HOUR..=YEAR).contains(&found) {
        return Ok(found);
    }
    let found = GoDuration(found).to_string();
    Err(SettingsError::Value { key: "LeafCertTTL", found, allowed: "use 1h to 8760h (one year)" })
}

fn duration(key: &'static str, value: &Value) -> Result<Duration, SettingsError> {
    match serde_json::from_value::<GoDuration>(value.clone()) {
        Ok(GoDuration(duration)) => Ok(duration),
        Err(_) => Err(bad(key, value, "use a duration such as \"72h\"")),
    }
}

/// Clients send numbers as such or as text, and rates with a fraction.
fn rate(key: &'static str, value: &Value) -> Result<u32, SettingsError> {
    let number = value.as_f64().or_else(|| value.as_str().and_then(|s| s.parse().ok()));
    match number {
        Some(n) if (0.0..=1e6).contains(&n) => Ok(n.ceil() as u32),
        _ => Err(bad(key, value, "use a number from 0 to 1000000")),
    }
}

fn whole(key: &'static str, value: &Value) -> Result<u32, SettingsError> {
    match value.as_f64() {
        Some(n) if n.fract() != 0.0 => Err(bad(key, value, "use a whole number")),
        _ => rate(key, value),
    }
}

/// Empty is as good as absent: clients write back what they have read.
fn text(key: &'static str, value: &Value) -> Result<Option<String>, SettingsError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(bad(key, value, "use a string")),
    }
}

fn root_cert(value: &Value) -> Result<Option<RootInfo>, SettingsError> {
    match text("RootCert", value)? {
        Some(pem) => Ok(Some(RootInfo::from_pem(&pem)?)),
        None => Ok(None),
    }
}

fn secret(value: &Value) -> Result<Option<Secret>, SettingsError> {
    // What was found may be a key in a wrong wrapping: it is not repeated.
    let error = bad("PrivateKey", &Value::Null, "use a string, a private key as PEM");
    text("PrivateKey", value).map(|t| t.map(Secret)).map_err(|_| error)
}

fn bad(key: &'static str, value: &Value, allowed: &'static str) -> SettingsError {
    SettingsError::Value { key, found: value.to_string().chars().take(64).collect(), allowed }
}
