use super::session::Session;

/// Names a session of one worker; never the one that comes after it in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Token {
    index: u32,
    generation: u32,
}

/// Which of a session's two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    App,
    Peer,
}

/// What an epoll key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Bell,
    Listener(u32),
    /// The number tells a socket from an earlier one in its place.
    Leg(Token, Side, u8),
}

const GENERATIONS: u32 = 1 << 24;
const LISTENER: u64 = 1 << 63;

impl Key {
    /// From the top: 0, 24 bits of generation, 7 of epoch, 31 of index, 1 of side.
    pub fn pack(self) -> u64 {
        match self {
            Self::Bell => u64::MAX,
            Self::Listener(id) => LISTENER | u64::from(id),
            Self::Leg(token, side, epoch) => {
                u64::from(token.generation) << 39
                    | u64::from(epoch) << 32
                    | u64::from(token.index) << 1
                    | u64::from(side == Side::Peer)
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "each field is cut out of its own bits")]
    pub fn unpack(key: u64) -> Self {
        if key == u64::MAX {
            return Self::Bell;
        }
        if key & LISTENER != 0 {
            return Self::Listener(key as u32);
        }
        let side = if key & 1 == 1 { Side::Peer } else { Side::App };
        let token = Token { index: (key as u32) >> 1, generation: (key >> 39) as u32 };
        Self::Leg(token, side, (key >> 32) as u8 & 0x7f)
    }
}

#[derive(Default)]
struct Place {
    generation: u32,
    session: Option<Box<Session>>,
}

/// A worker's sessions.
#[derive(Default)]
pub(super) struct Sessions {
    places: Vec<Place>,
    free: Vec<u32>,
}

impl Sessions {
    /// A place for a session that is about to be made.
    pub fn reserve(&mut self) -> Token {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            u32::try_from(self.places.len() - 1).expect("fewer connections than a worker may hold")
        });
        Token { index, generation: self.places[index as usize].generation }
    }

    /// Takes the session out while it is worked on; `None` if it is gone.
    pub fn take(&mut self, token: Token) -> Option<Box<Session>> {
        let place = self.places.get_mut(token.index as usize)?;
        if place.generation == token.generation { place.session.take() } else { None }
    }

    pub fn put(&mut self, token: Token, session: Box<Session>) {
        self.places[token.index as usize].session = Some(session);
    }

    /// The session is gone; its place is free for another.
    pub fn release(&mut self, token: Token) {
        let place = &mut self.places[token.index as usize];
        place.generation = (place.generation + 1) % GENERATIONS;
        self.free.push(token.index);
    }

    pub fn is_empty(&self) -> bool {
        self.free.len() == self.places.len()
    }

    /// Every place that is taken.
    pub fn tokens(&self) -> Vec<Token> {
        let taken = self.places.iter().enumerate().filter(|(_, place)| place.session.is_some());
        taken.map(|(index, place)| Token { index: index as u32, generation: place.generation }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_as_they_were_packed() {
        let token = Token { index: (1 << 31) - 1, generation: GENERATIONS - 1 };
        let small = Token { index: 5, generation: 0 };
        let keys = [
            Key::Bell,
            Key::Listener(7),
            Key::Leg(token, Side::Peer, 127),
            Key::Leg(token, Side::App, 0),
            Key::Leg(small, Side::Peer, 3),
        ];
        for key in keys {
            assert_eq!(Key::unpack(key.pack()), key);
        }
    }

    #[test]
    fn a_place_that_was_released_has_another_token() {
        let mut sessions = Sessions::default();
        let first = sessions.reserve();
        sessions.release(first);
        assert!(sessions.is_empty());
        let second = sessions.reserve();
        assert_ne!(first, second);
        assert!(sessions.take(first).is_none());
    }
}
