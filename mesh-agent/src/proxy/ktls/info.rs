use ktls::CryptoInfo;
use rustls::{ConnectionTrafficSecrets, SupportedCipherSuite};

/// A key as the kernel takes it; none, if the kernel has no such suite.
pub fn describe(suite: SupportedCipherSuite, secrets: (u64, ConnectionTrafficSecrets)) -> Option<CryptoInfo> {
    CryptoInfo::from_rustls(suite, secrets).ok()
}

/// Says in it which record comes next. False where it has no place for that.
pub fn number(info: &mut CryptoInfo, next: u64) -> bool {
    let number = match info {
        CryptoInfo::AesGcm128(info) => &mut info.rec_seq,
        CryptoInfo::AesGcm256(info) => &mut info.rec_seq,
        CryptoInfo::Chacha20Poly1305(info) => &mut info.rec_seq,
        _ => return false,
    };
    *number = next.to_be_bytes();
    true
}
