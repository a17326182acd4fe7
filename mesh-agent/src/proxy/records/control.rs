use super::RecordError;
use super::keys::{ALERT, HANDSHAKE};

/// Messages (RFC 8446, 4).
pub const NEW_SESSION_TICKET: u8 = 4;
pub const KEY_UPDATE: u8 = 24;
/// Alerts (RFC 8446, 6).
pub const CLOSE_NOTIFY: u8 = 0;
pub const USER_CANCELED: u8 = 90;

/// The alert that ends a stream in order, as a warning.
pub const CLOSING_ALERT: [u8; 2] = [1, CLOSE_NOTIFY];
/// Of length 1, and without asking the peer for its own.
pub const NEW_KEYS: [u8; 5] = [KEY_UPDATE, 0, 0, 1, 0];

/// What a record that is not data asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Nothing,
    /// The stream has ended in order.
    Closed,
    /// What follows is under the peer's next keys.
    NewKeys {
        /// … and it wants ours to change too.
        asked: bool,
    },
}

/// `client` is our own role.
pub fn meaning(kind: u8, content: &[u8], client: bool) -> Result<Control, RecordError> {
    match kind {
        ALERT => alert(content),
        HANDSHAKE if !content.is_empty() => messages(content, client),
        kind => Err(RecordError::Unexpected { kind }),
    }
}

fn alert(content: &[u8]) -> Result<Control, RecordError> {
    match content {
        [_, CLOSE_NOTIFY] => Ok(Control::Closed),
        [_, USER_CANCELED] => Ok(Control::Nothing), // A close_notify follows.
        [_, description] => Err(RecordError::Alert { description: *description }),
        _ => Err(RecordError::Unexpected { kind: ALERT }),
    }
}

/// The messages of one record, each of them whole.
fn messages(mut bytes: &[u8], client: bool) -> Result<Control, RecordError> {
    let mut control = Control::Nothing;
    while let [kind, rest @ ..] = bytes {
        let (length, rest) = rest.split_first_chunk::<3>().ok_or(RecordError::Split)?;
        let length = u32::from_be_bytes([0, length[0], length[1], length[2]]) as usize;
        let (message, behind) = rest.split_at_checked(length).ok_or(RecordError::Split)?;
        control = match (*kind, message) {
            // We never resume, so a ticket is of no use.
            (NEW_SESSION_TICKET, _) if client => Control::Nothing,
            // What follows is under the next keys, so nothing may follow in this record.
            (KEY_UPDATE, [asked @ (0 | 1)]) if behind.is_empty() => Control::NewKeys { asked: *asked == 1 },
            (kind, _) => return Err(RecordError::Unexpected { kind }),
        };
        bytes = behind;
    }
    Ok(control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_closing_tickets_and_changes_of_keys_come_behind_a_handshake() {
        let ticket = [NEW_SESSION_TICKET, 0, 0, 2, 7, 7];
        let cases: [(u8, &[u8], Control); 6] = [
            (ALERT, &[1, CLOSE_NOTIFY], Control::Closed),
            (ALERT, &[2, CLOSE_NOTIFY], Control::Closed),
            (ALERT, &[1, USER_CANCELED], Control::Nothing),
            (HANDSHAKE, &[ticket, ticket].concat(), Control::Nothing),
            (HANDSHAKE, &NEW_KEYS, Control::NewKeys { asked: false }),
            (HANDSHAKE, &[&ticket[..], &[KEY_UPDATE, 0, 0, 1, 1]].concat(), Control::NewKeys { asked: true }),
        ];
        for (kind, content, control) in cases {
            assert_eq!(meaning(kind, content, true).unwrap(), control, "{kind} {content:?}");
        }
        assert!(meaning(HANDSHAKE, &ticket, false).is_err(), "a server gets no tickets");
    }
}
