/// Whether the kernel may encrypt and decrypt what connections between services carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ktls {
    Off,
    /// Where a trial at the start finds nothing wrong, and for connections that are worth it.
    #[default]
    Auto,
    /// For every connection; without a kernel that can, the agent does not start.
    On,
}

impl Ktls {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "auto" => Some(Self::Auto),
            "on" => Some(Self::On),
            _ => None,
        }
    }
}
