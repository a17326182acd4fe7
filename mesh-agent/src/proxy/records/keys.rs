use super::RecordError;
use crate::proxy::buffer::{HEADER, PLAIN};
use crate::proxy::ktls::{self, CryptoInfo};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use rustls::{ConnectionTrafficSecrets, SupportedCipherSuite};

/// What a record ends with: its inner type and the tag.
pub const TRAILER: usize = 1 + TAG;
const TAG: usize = 16;
/// What the padding of a record may add (RFC 8446, 5.2).
const PADDING: usize = 256;

/// The content of a record.
pub const ALERT: u8 = 21;
pub const HANDSHAKE: u8 = 22;
pub const DATA: u8 = 23;

/// One direction's key and the number of its next record (RFC 8446, 5.2 to 5.4).
pub struct Keys {
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
    /// The same, as the kernel takes it, where it may come to that.
    info: Option<Box<CryptoInfo>>,
}

impl Keys {
    /// `kernel` is the suite where the kernel may come to take these keys over.
    ///
    /// # Errors
    /// The suite is none of TLS 1.3's.
    pub fn new(
        secrets: (u64, ConnectionTrafficSecrets),
        kernel: Option<SupportedCipherSuite>,
    ) -> Result<Self, RecordError> {
        use ConnectionTrafficSecrets as Secrets;
        let (algorithm, key, iv) = match &secrets.1 {
            Secrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            Secrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            Secrets::Chacha20Poly1305 { key, iv } => (&CHACHA20_POLY1305, key, iv),
            _ => return Err(RecordError::Exhausted),
        };
        let key = UnboundKey::new(algorithm, key.as_ref()).map_err(|_| RecordError::Exhausted)?;
        let iv = iv.as_ref().try_into().map_err(|_| RecordError::Exhausted)?;
        let (key, sequence) = (LessSafeKey::new(key), secrets.0);
        let info = kernel.and_then(|suite| ktls::describe(suite, secrets)).map(Box::new);
        Ok(Self { key, iv, sequence, info })
    }

    /// How many records these keys have protected.
    pub fn used(&self) -> u64 {
        self.sequence
    }

    /// These keys as the kernel takes them, and the number of the next record.
    pub fn for_kernel(&mut self) -> Option<(&CryptoInfo, u64)> {
        let info = self.info.as_deref_mut()?;
        ktls::number(info, self.sequence).then_some((info, self.sequence))
    }

    /// The sequence number goes into the nonce, so each is used once and never again.
    fn nonce(&mut self) -> Result<Nonce, RecordError> {
        let mut nonce = self.iv;
        for (byte, number) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= number;
        }
        self.sequence = self.sequence.checked_add(1).ok_or(RecordError::Exhausted)?;
        Ok(Nonce::assume_unique_for_key(nonce))
    }

    /// `record` is room for a header, the plaintext, and room for [`TRAILER`]; then it is the record.
    pub fn seal(&mut self, record: &mut [u8], kind: u8) -> Result<(), RecordError> {
        let nonce = self.nonce()?;
        let (header, body) = record.split_at_mut(HEADER);
        let [high, low] = u16::try_from(body.len()).map_err(|_| RecordError::TooLong)?.to_be_bytes();
        header.copy_from_slice(&[DATA, 3, 3, high, low]);
        let (text, tag) = body.split_at_mut(body.len() - TAG);
        text[text.len() - 1] = kind;
        let sealed = self.key.seal_in_place_separate_tag(nonce, Aad::from(&*header), text);
        tag.copy_from_slice(sealed.map_err(|_| RecordError::Exhausted)?.as_ref());
        Ok(())
    }

    /// Opens one whole record in place; gives its type and the length of its plaintext, which starts behind
    /// the header.
    pub fn open(&mut self, record: &mut [u8]) -> Result<(u8, usize), RecordError> {
        let (header, body) = record.split_at_mut(HEADER);
        if header[0] != DATA {
            return Err(RecordError::Unexpected { kind: header[0] });
        }
        if body.len() > PLAIN + PADDING {
            return Err(RecordError::TooLong);
        }
        let nonce = self.nonce()?;
        let opened = self.key.open_in_place(nonce, Aad::from(&*header), body);
        let text = opened.map_err(|_| RecordError::Forged)?;
        // The type is the last byte that is not padding.
        let end = text.iter().rposition(|byte| *byte != 0).ok_or(RecordError::Unexpected { kind: 0 })?;
        if end > PLAIN { Err(RecordError::TooLong) } else { Ok((text[end], end)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::crypto::cipher::{AeadKey, Iv};

    fn keys(sequence: u64) -> Keys {
        let (key, iv) = (AeadKey::from([7; 32]), Iv::from([9; 12]));
        Keys::new((sequence, ConnectionTrafficSecrets::Aes256Gcm { key, iv }), None).unwrap()
    }

    fn record(text: &[u8], kind: u8, keys: &mut Keys) -> Vec<u8> {
        let mut record = [&[0; HEADER], text, &[0; TRAILER][..]].concat();
        keys.seal(&mut record, kind).unwrap();
        record
    }

    #[test]
    fn a_record_opens_once_and_in_its_place_only() {
        let mut sender = keys(0);
        let (first, second) = (record(b"one", DATA, &mut sender), record(b"two", ALERT, &mut sender));
        let mut receiver = keys(0);
        assert!(matches!(receiver.open(&mut second.clone()), Err(RecordError::Forged)));
        let mut receiver_again = keys(0);
        let mut opened = first.clone();
        assert_eq!(receiver_again.open(&mut opened).unwrap(), (DATA, 3));
        assert_eq!(&opened[HEADER..HEADER + 3], b"one");
        assert!(matches!(receiver_again.open(&mut first.clone()), Err(RecordError::Forged)));
        assert_eq!(sender.used(), 2);
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let good = record(b"hello", DATA, &mut keys(0));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(keys(0).open(&mut bad).is_err(), "byte {at}");
        }
    }

    #[test]
    fn padding_is_cut_and_nothing_but_padding_is_refused() {
        let mut padded = record(b"text\x17\0\0\0", 0, &mut keys(0));
        assert_eq!(keys(0).open(&mut padded).unwrap(), (DATA, 4));
        let mut empty = record(&[0; 8], 0, &mut keys(0));
        assert!(matches!(keys(0).open(&mut empty), Err(RecordError::Unexpected { kind: 0 })));
    }

    #[test]
    fn a_number_is_never_used_twice() {
        let mut keys = keys(u64::MAX);
        assert!(matches!(keys.seal(&mut [0; HEADER + TRAILER], DATA), Err(RecordError::Exhausted)));
    }
}
