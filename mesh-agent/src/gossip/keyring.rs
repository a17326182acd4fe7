use super::{GossipError, GossipKey};
use crate::whole_file;
use std::fs;
use std::io;
use std::path::PathBuf;

/// The keys that datagrams may be sealed with. The first seals what is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring(Vec<GossipKey>);

/// Most keys: each is tried by no more than its id, but files and answers list them all.
const MOST_KEYS: usize = 16;

impl Keyring {
    pub fn new(primary: GossipKey) -> Self {
        Self(vec![primary])
    }

    pub fn primary(&self) -> &GossipKey {
        &self.0[0]
    }

    pub fn keys(&self) -> &[GossipKey] {
        &self.0
    }

    /// With one more key, which opens and does not seal yet.
    ///
    /// # Errors
    /// There are too many.
    pub fn with(&self, key: GossipKey) -> Result<Self, GossipError> {
        let mut keys = self.0.clone();
        if !keys.contains(&key) {
            if keys.len() >= MOST_KEYS {
                return Err(GossipError::TooManyKeys { most: MOST_KEYS });
            }
            keys.push(key);
        }
        Ok(Self(keys))
    }

    /// With another key to seal with.
    ///
    /// # Errors
    /// It is not installed.
    pub fn using(&self, key: &GossipKey) -> Result<Self, GossipError> {
        let at = self.0.iter().position(|one| one == key).ok_or(GossipError::KeyMissing)?;
        let mut keys = self.0.clone();
        let primary = keys.remove(at);
        keys.insert(0, primary);
        Ok(Self(keys))
    }

    /// Without a key; one that is not there is gone already.
    ///
    /// # Errors
    /// It is the one that seals.
    pub fn without(&self, key: &GossipKey) -> Result<Self, GossipError> {
        if self.primary() == key {
            return Err(GossipError::KeyInUse);
        }
        Ok(Self(self.0.iter().filter(|one| *one != key).cloned().collect()))
    }
}

/// Where the keyring is kept between runs: a JSON list of keys, the primary first, for this user alone.
#[derive(Clone, Debug)]
pub struct KeyringFile(Option<PathBuf>);

impl KeyringFile {
    /// No path: it is forgotten when the agent ends.
    pub fn new(path: Option<PathBuf>) -> Self {
        Self(path)
    }

    /// What is kept, if anything is.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn load(&self) -> Result<Option<Keyring>, GossipError> {
        let Some(path) = &self.0 else { return Ok(None) };
        let failed = |source| GossipError::File { what: "keyring", path: path.clone(), source };
        match fs::read_to_string(path) {
            Ok(text) => parse(&text).map(Some).map_err(failed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// # Errors
    /// It could not be written; what was kept before still is.
    pub fn save(&self, keyring: &Keyring) -> Result<(), GossipError> {
        let Some(path) = &self.0 else { return Ok(()) };
        let keys: Vec<String> = keyring.keys().iter().map(GossipKey::to_text).collect();
        let text = serde_json::to_vec_pretty(&keys).expect("a list of texts is JSON");
        let failed = |source| GossipError::File { what: "keyring", path: path.clone(), source };
        whole_file::make_directory_of(path).and_then(|()| whole_file::keep(path, &text)).map_err(failed)
    }
}

fn parse(text: &str) -> io::Result<Keyring> {
    let damaged = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
    let texts: Vec<String> = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    let keys: Result<Vec<_>, _> = texts.iter().map(|text| GossipKey::parse(text)).collect();
    let keys = keys.map_err(|error| damaged(error.to_string()))?;
    if keys.is_empty() || keys.len() > MOST_KEYS {
        return Err(damaged(format!("it has {} keys, want 1 to {MOST_KEYS}", keys.len())));
    }
    Ok(Keyring(keys))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn keys_rotate_without_a_moment_in_which_one_is_missing() {
        let (old, new) = (GossipKey::generate(), GossipKey::generate());
        let ring = Keyring::new(old.clone());
        assert!(matches!(ring.using(&new), Err(GossipError::KeyMissing)));
        let ring = ring.with(new.clone()).unwrap();
        assert_eq!((ring.primary(), ring.keys().len()), (&old, 2));
        let ring = ring.using(&new).unwrap();
        assert_eq!((ring.primary(), ring.keys().len()), (&new, 2));
        assert!(matches!(ring.without(&new), Err(GossipError::KeyInUse)));
        assert_eq!(ring.without(&old).unwrap().keys(), [new]);
    }

    #[test]
    fn there_are_no_more_keys_than_a_list_can_show() {
        let mut ring = Keyring::new(GossipKey::generate());
        for _ in 1..MOST_KEYS {
            ring = ring.with(GossipKey::generate()).unwrap();
        }
        assert!(matches!(ring.with(GossipKey::generate()), Err(GossipError::TooManyKeys { .. })));
        assert!(ring.with(ring.primary().clone()).is_ok(), "one that is there is no more");
    }

    #[test]
    fn the_file_is_the_owners_alone_and_damage_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("serf/local.keyring");
        let file = KeyringFile::new(Some(path.clone()));
        assert_eq!(file.load().unwrap(), None);
        let ring = Keyring::new(GossipKey::generate()).with(GossipKey::generate()).unwrap();
        file.save(&ring).unwrap();
        assert_eq!(file.load().unwrap(), Some(ring));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for damage in ["", "[]", "[\"short\"]", "{}"] {
            fs::write(&path, damage).unwrap();
            let error = file.load().unwrap_err().to_string();
            assert!(error.contains("local.keyring"), "{damage:?}: {error}");
        }
    }

    #[test]
    fn keys_are_what_keygen_writes_and_are_not_shown() {
        let key = GossipKey::generate();
        assert_eq!(GossipKey::parse(&key.to_text()).unwrap(), key);
        assert!(GossipKey::parse("cg8StVXbQJ0gPvMd9o7yrg==").is_ok(), "16 bytes, as Consul's older ones");
        for bad in ["", "x", "c2hvcnQ="] {
            assert!(GossipKey::parse(bad).is_err(), "{bad}");
        }
        assert!(!format!("{key:?}").contains(&key.to_text()));
    }
}
