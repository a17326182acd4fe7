use super::PkiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::PemObject;
use std::fmt::Write as _;

/// Lower-case hex pairs with colons between, as Consul writes serial numbers and key ids.
pub fn colon_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (i, byte) in bytes.iter().enumerate() {
        let _ = write!(text, "{}{byte:02x}", if i == 0 { "" } else { ":" });
    }
    text
}

/// A certificate as one PEM section and nothing else, whatever surrounded it where it came from.
pub fn certificate_to_pem(der: &[u8]) -> String {
    section("CERTIFICATE", der)
}

/// One section with this label.
pub(super) fn section(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in base64.as_bytes().chunks(64) {
        pem.extend(line.iter().map(|b| char::from(*b)));
        pem.push('\n');
    }
    let _ = writeln!(pem, "-----END {label}-----");
    pem
}

/// The sections of one kind, after the size was checked.
pub(super) fn sections<T: PemObject>(
    what: &'static str,
    pem: &[u8],
    limit: usize,
) -> Result<Vec<T>, PkiError> {
    check_size(what, pem, limit)?;
    let sections: Result<Vec<T>, _> = T::pem_slice_iter(pem).collect();
    sections.map_err(|e| PkiError::NotPem { what, reason: e.to_string() })
}

pub(super) fn check_size(what: &'static str, bytes: &[u8], limit: usize) -> Result<(), PkiError> {
    let found = bytes.len();
    if found > limit { Err(PkiError::TooLarge { what, found, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_pairs_are_separated_by_colons() {
        for (bytes, text) in [(&[][..], ""), (&[7], "07"), (&[0xab, 0, 0x1f], "ab:00:1f")] {
            assert_eq!(colon_hex(bytes), text);
        }
    }

    #[test]
    fn a_certificate_survives_pem() {
        let der: Vec<u8> = (0..200).collect();
        let pem = certificate_to_pem(&der);
        let back: Vec<rustls_pki_types::CertificateDer<'_>> = sections("x", pem.as_bytes(), 1000).unwrap();
        assert_eq!(back, [der.into()]);
    }
}
