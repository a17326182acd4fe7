use super::RecordError;
use crate::proxy::buffer::{HEADER, PLAIN};
use crate::proxy::ktls::{self, CryptoInfo};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use rustls::{ConnectionTrafficSecrets, SupportedCipherSuite};

/// The tag of every suite here.
const TAG: usize = 16;
/// What the padding of a record may add (RFC 8446, 5.2).
const PADDING: usize = 256;
/// The part of a nonce that a record of TLS 1.2 brings (RFC 5288, 3).
const EXPLICIT: usize = 8;

/// The content of a record.
pub const ALERT: u8 = 21;
pub const HANDSHAKE: u8 = 22;
pub const DATA: u8 = 23;

/// How a record is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Header, plaintext, its type, tag.
    Tls13,
    /// Header, part of the nonce, plaintext, tag. AES-GCM alone.
    Tls12,
}

impl Layout {
    pub fn of(suite: SupportedCipherSuite) -> Self {
        if suite.tls13().is_some() { Self::Tls13 } else { Self::Tls12 }
    }

    /// What stands before the plaintext.
    pub const fn front(self) -> usize {
        match self {
            Self::Tls13 => HEADER,
            Self::Tls12 => HEADER + EXPLICIT,
        }
    }

    /// What stands behind it.
    pub const fn trailer(self) -> usize {
        match self {
            Self::Tls13 => 1 + TAG,
            Self::Tls12 => TAG,
        }
    }

    /// What a record is longer by than its plaintext.
    pub const fn overhead(self) -> usize {
        self.front() + self.trailer()
    }
}

/// One direction's key and the number of its next record (RFC 8446, 5.2 to 5.4; RFC 5246, 6.2.3.3).
pub struct Keys {
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
    layout: Layout,
    /// The same, as the kernel takes it, where it may come to that.
    info: Option<Box<CryptoInfo>>,
}

impl Keys {
    /// `kernel` says whether the kernel may come to take these keys over.
    ///
    /// # Errors
    /// The suite is none of those that records are made of.
    pub fn new(
        secrets: (u64, ConnectionTrafficSecrets),
        suite: SupportedCipherSuite,
        kernel: bool,
    ) -> Result<Self, RecordError> {
        use ConnectionTrafficSecrets as Secrets;
        let layout = Layout::of(suite);
        let (algorithm, key, iv) = match (&secrets.1, layout) {
            (Secrets::Aes128Gcm { key, iv }, _) => (&AES_128_GCM, key, iv),
            (Secrets::Aes256Gcm { key, iv }, _) => (&AES_256_GCM, key, iv),
            (Secrets::Chacha20Poly1305 { key, iv }, Layout::Tls13) => (&CHACHA20_POLY1305, key, iv),
            _ => return Err(RecordError::Exhausted),
        };
        let key = UnboundKey::new(algorithm, key.as_ref()).map_err(|_| RecordError::Exhausted)?;
        let iv = iv.as_ref().try_into().map_err(|_| RecordError::Exhausted)?;
        let (key, sequence) = (LessSafeKey::new(key), secrets.0);
        let info = kernel.then(|| ktls::describe(suite, secrets)).flatten().map(Box::new);
        Ok(Self { key, iv, sequence, layout, info })
    }

    pub fn layout(&self) -> Layout {
        self.layout
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

    /// The number of the next record, which is used once and never again.
    fn next(&mut self) -> Result<u64, RecordError> {
        let number = self.sequence;
        self.sequence = number.checked_add(1).ok_or(RecordError::Exhausted)?;
        Ok(number)
    }

    /// The number goes into the nonce, with TLS 1.2 as rustls does it, which has sealed the first records.
    fn nonce(&self, number: u64) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, number) in nonce[12 - EXPLICIT..].iter_mut().zip(number.to_be_bytes()) {
            *byte ^= number;
        }
        nonce
    }

    /// `record` is room for what stands before the plaintext, the plaintext, and room for what stands behind it;
    /// then it is the record.
    pub fn seal(&mut self, record: &mut [u8], kind: u8) -> Result<(), RecordError> {
        let number = self.next()?;
        let nonce = self.nonce(number);
        let (header, body) = record.split_at_mut(HEADER);
        let [high, low] = u16::try_from(body.len()).map_err(|_| RecordError::TooLong)?.to_be_bytes();
        let (text, tag) = body.split_at_mut(body.len() - TAG);
        let nonce_key = Nonce::assume_unique_for_key(nonce);
        let sealed = match self.layout {
            Layout::Tls13 => {
                header.copy_from_slice(&[DATA, 3, 3, high, low]);
                text[text.len() - 1] = kind;
                self.key.seal_in_place_separate_tag(nonce_key, Aad::from(&*header), text)
            }
            Layout::Tls12 => {
                header.copy_from_slice(&[kind, 3, 3, high, low]);
                let (explicit, text) = text.split_at_mut(EXPLICIT);
                explicit.copy_from_slice(&nonce[12 - EXPLICIT..]);
                let known = additional_data(number, kind, text.len())?;
                self.key.seal_in_place_separate_tag(nonce_key, Aad::from(known), text)
            }
        };
        tag.copy_from_slice(sealed.map_err(|_| RecordError::Exhausted)?.as_ref());
        Ok(())
    }

    /// Opens one whole record in place; gives its type and the length of its plaintext, which starts behind
    /// the front.
    pub fn open(&mut self, record: &mut [u8]) -> Result<(u8, usize), RecordError> {
        let number = self.next()?;
        let (header, body) = record.split_at_mut(HEADER);
        match self.layout {
            Layout::Tls13 => self.open_13(number, header, body),
            Layout::Tls12 if header[1..3] != [3, 3] => Err(RecordError::Unexpected { kind: header[0] }),
            Layout::Tls12 => self.open_12(number, header[0], body),
        }
    }

    fn open_13(&self, number: u64, header: &[u8], body: &mut [u8]) -> Result<(u8, usize), RecordError> {
        if header[0] != DATA {
            return Err(RecordError::Unexpected { kind: header[0] });
        }
        if body.len() > PLAIN + PADDING {
            return Err(RecordError::TooLong);
        }
        let nonce = Nonce::assume_unique_for_key(self.nonce(number));
        let opened = self.key.open_in_place(nonce, Aad::from(header), body);
        let text = opened.map_err(|_| RecordError::Forged)?;
        // The type is the last byte that is not padding.
        let end = text.iter().rposition(|byte| *byte != 0).ok_or(RecordError::Unexpected { kind: 0 })?;
        if end > PLAIN { Err(RecordError::TooLong) } else { Ok((text[end], end)) }
    }

    fn open_12(&self, number: u64, kind: u8, body: &mut [u8]) -> Result<(u8, usize), RecordError> {
        let len = body.len().checked_sub(EXPLICIT + TAG).ok_or(RecordError::Forged)?;
        if len > PLAIN {
            return Err(RecordError::TooLong);
        }
        let (explicit, sealed) = body.split_at_mut(EXPLICIT);
        let mut nonce = self.iv;
        nonce[12 - EXPLICIT..].copy_from_slice(explicit);
        let known = Aad::from(additional_data(number, kind, len)?);
        let opened = self.key.open_in_place(Nonce::assume_unique_for_key(nonce), known, sealed);
        opened.map_err(|_| RecordError::Forged)?;
        Ok((kind, len))
    }
}

/// What a record of TLS 1.2 is authenticated with besides itself.
fn additional_data(number: u64, kind: u8, len: usize) -> Result<[u8; 13], RecordError> {
    let [high, low] = u16::try_from(len).map_err(|_| RecordError::TooLong)?.to_be_bytes();
    let mut data = [0; 13];
    data[..8].copy_from_slice(&number.to_be_bytes());
    data[8..].copy_from_slice(&[kind, 3, 3, high, low]);
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::crypto::aws_lc_rs::cipher_suite;
    use rustls::crypto::cipher::{AeadKey, Iv};

    const SUITES: [SupportedCipherSuite; 2] =
        [cipher_suite::TLS13_AES_256_GCM_SHA384, cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384];

    fn keys(suite: SupportedCipherSuite, sequence: u64) -> Keys {
        let (key, iv) = (AeadKey::from([7; 32]), Iv::from([9; 12]));
        let secrets = ConnectionTrafficSecrets::Aes256Gcm { key, iv };
        Keys::new((sequence, secrets), suite, false).unwrap()
    }

    fn record(text: &[u8], kind: u8, keys: &mut Keys) -> Vec<u8> {
        let layout = keys.layout();
        let mut record = [&vec![0; layout.front()], text, &vec![0; layout.trailer()][..]].concat();
        keys.seal(&mut record, kind).unwrap();
        record
    }

    #[test]
    fn a_record_opens_once_and_in_its_place_only() {
        for suite in SUITES {
            let mut sender = keys(suite, 0);
            let (first, second) = (record(b"one", DATA, &mut sender), record(b"two", ALERT, &mut sender));
            let mut receiver = keys(suite, 0);
            assert!(matches!(receiver.open(&mut second.clone()), Err(RecordError::Forged)));
            let mut receiver_again = keys(suite, 0);
            let mut opened = first.clone();
            assert_eq!(receiver_again.open(&mut opened).unwrap(), (DATA, 3));
            let front = sender.layout().front();
            assert_eq!(&opened[front..front + 3], b"one");
            assert!(matches!(receiver_again.open(&mut first.clone()), Err(RecordError::Forged)));
            assert_eq!(sender.used(), 2);
        }
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        for suite in SUITES {
            let good = record(b"hello", DATA, &mut keys(suite, 0));
            // The length of TLS 1.2 is that of what came; how much that is the header has said before.
            let told = |at: &usize| suite == SUITES[0] || !(3..HEADER).contains(at);
            for at in (0..good.len()).filter(told) {
                let mut bad = good.clone();
                bad[at] ^= 1;
                assert!(keys(suite, 0).open(&mut bad).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn padding_is_cut_and_nothing_but_padding_is_refused() {
        let [suite, _] = SUITES;
        let mut padded = record(b"text\x17\0\0\0", 0, &mut keys(suite, 0));
        assert_eq!(keys(suite, 0).open(&mut padded).unwrap(), (DATA, 4));
        let mut empty = record(&[0; 8], 0, &mut keys(suite, 0));
        assert!(matches!(keys(suite, 0).open(&mut empty), Err(RecordError::Unexpected { kind: 0 })));
    }

    #[test]
    fn a_number_is_never_used_twice() {
        for suite in SUITES {
            let mut keys = keys(suite, u64::MAX);
            assert!(matches!(keys.seal(&mut [0; 40], DATA), Err(RecordError::Exhausted)));
        }
    }

    #[test]
    fn a_record_of_tls_1_2_too_short_to_be_one_is_refused() {
        for len in [0, 7, 8, 23] {
            let mut record = [&[DATA, 3, 3, 0, len as u8], &vec![0; len][..]].concat();
            assert!(keys(SUITES[1], 0).open(&mut record).is_err(), "{len} bytes");
        }
    }
}
