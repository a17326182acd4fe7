use ktls::CryptoInfo;
use rustls::{ConnectionTrafficSecrets, SupportedCipherSuite};

/// A key as the kernel takes it; none, if the kernel has no such suite.
pub fn describe(suite: SupportedCipherSuite, secrets: (u64, ConnectionTrafficSecrets)) -> Option<CryptoInfo> {
    let mut info = CryptoInfo::from_rustls(suite, secrets).ok()?;
    if suite.tls13().is_none() {
        set_apart(&mut info)?;
    }
    Some(info)
}

/// With TLS 1.2 the kernel counts on from the nonce that it is given, record by record. Until it takes over, the record's
/// number is folded into that same nonce, and a nonce that is used twice betrays the key. Half of all nonces away the
/// two never meet: neither gets further than 2^32 from where it began. A receiver reads the nonce from the record.
fn set_apart(info: &mut CryptoInfo) -> Option<()> {
    let nonce = match info {
        CryptoInfo::AesGcm128(info) => &mut info.iv,
        CryptoInfo::AesGcm256(info) => &mut info.iv,
        _ => return None,
    };
    nonce[0] ^= 0x80;
    Some(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::crypto::aws_lc_rs::cipher_suite;
    use rustls::crypto::cipher::{AeadKey, Iv};

    #[test]
    fn with_tls_1_2_the_kernels_nonces_lie_apart_from_those_used_before() {
        let cases = [
            (cipher_suite::TLS13_AES_256_GCM_SHA384, [1_u8, 2, 3, 4, 5, 6, 7, 8]),
            (cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, [0x81, 2, 3, 4, 5, 6, 7, 8]),
        ];
        for (suite, nonce) in cases {
            let (key, iv) = (AeadKey::from([7; 32]), Iv::from([9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8]));
            let secrets = ConnectionTrafficSecrets::Aes256Gcm { key, iv };
            let Some(CryptoInfo::AesGcm256(info)) = describe(suite, (1, secrets)) else {
                panic!("{suite:?}")
            };
            assert_eq!((info.salt, info.iv), ([9; 4], nonce), "{suite:?}");
        }
    }
}
