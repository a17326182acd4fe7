/// Whether the kernel moves messages between a client and a server of this host past TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accelerate {
    #[default]
    Off,
    /// Where a trial at the start finds nothing wrong.
    Auto,
    /// Whatever a trial finds.
    On,
}

impl Accelerate {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "auto" => Some(Self::Auto),
            "on" => Some(Self::On),
            _ => None,
        }
    }
}
