use rustls::{CertificateError, Error};

/// Why a TLS handshake failed, in words: rustls itself names many reasons as its code does.
pub fn explain(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(reason) => certificate(reason),
        Error::NoCertificatesPresented => "the peer shows no certificate".to_owned(),
        Error::AlertReceived(alert) => {
            format!("the TLS handshake failed: the peer refused it with the alert {}", words(alert))
        }
        other => format!("the TLS handshake failed: {other}"),
    }
}

fn certificate(reason: &CertificateError) -> String {
    use CertificateError as Because;
    let why = match reason {
        // Our own verifiers say all of it.
        Because::Other(ours) => return ours.0.to_string(),
        Because::UnknownIssuer => "no trusted authority has signed it",
        Because::Expired | Because::ExpiredContext { .. } => "it has expired",
        Because::NotValidYet | Because::NotValidYetContext { .. } => {
            "it is not valid yet: compare the clocks"
        }
        Because::NotValidForName | Because::NotValidForNameContext { .. } => "it is for another name",
        Because::InvalidPurpose | Because::InvalidPurposeContext { .. } => "it is not for this role in TLS",
        Because::BadSignature => "its signature is wrong",
        Because::BadEncoding => "it cannot be read",
        Because::Revoked => "it was revoked",
        other => return format!("the peer's certificate was refused: {other}"),
    };
    format!("the peer's certificate was refused: {why}")
}

/// `HandshakeFailure` as `handshake failure`.
fn words(alert: &rustls::AlertDescription) -> String {
    let mut words = String::new();
    for character in format!("{alert:?}").chars() {
        if character.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::AlertDescription;

    #[test]
    fn a_person_reads_words_and_no_names_of_code() {
        let refused = |reason: CertificateError| explain(&Error::InvalidCertificate(reason));
        let cases = [
            (refused(CertificateError::UnknownIssuer), "no trusted authority has signed it"),
            (refused(CertificateError::NotValidForName), "it is for another name"),
            (refused(CertificateError::Expired), "it has expired"),
            (explain(&Error::NoCertificatesPresented), "the peer shows no certificate"),
            (explain(&Error::AlertReceived(AlertDescription::BadCertificate)), "the alert bad certificate"),
        ];
        for (found, want) in cases {
            assert!(found.ends_with(want), "{found:?} does not end with {want:?}");
        }
    }
}
