use super::error::KernelError;
use aya::maps::{HashMap, Map, MapData, MapError};
use aya::{Ebpf, Pod};

/// A hash map of the kernel, with the types of its keys and values.
pub struct Table<K: Pod, V: Pod> {
    name: &'static str,
    capacity: u32,
    map: HashMap<MapData, K, V>,
}

impl<K: Pod, V: Pod> Table<K, V> {
    pub(super) fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Self, KernelError> {
        let opening = |error| KernelError::map(name, "opening", error);
        let map = take(ebpf, name)?;
        let capacity = capacity(&map).map_err(opening)?;
        Ok(Self { name, capacity, map: HashMap::try_from(map).map_err(opening)? })
    }

    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Adds the entry, or replaces it.
    ///
    /// # Errors
    /// The map is full, or the kernel is out of memory.
    pub fn set(&mut self, key: &K, value: &V) -> Result<(), KernelError> {
        self.map.insert(key, value, 0).map_err(|e| KernelError::map(self.name, "writing", e))
    }

    /// Removes the entry; that there is none is what was wanted.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn remove(&mut self, key: &K) -> Result<(), KernelError> {
        match self.map.remove(key) {
            Ok(()) | Err(MapError::KeyNotFound) => Ok(()),
            Err(error) if is_absence(&error) => Ok(()),
            Err(error) => Err(KernelError::map(self.name, "removing from", error)),
        }
    }

    /// The entry's value, if there is one.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn get(&self, key: &K) -> Result<Option<V>, KernelError> {
        match self.map.get(key, 0) {
            Ok(value) => Ok(Some(value)),
            Err(MapError::KeyNotFound) => Ok(None),
            Err(error) => Err(KernelError::map(self.name, "reading", error)),
        }
    }

    /// Every entry. What changes meanwhile may be seen or not.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn list(&self) -> Result<Vec<(K, V)>, KernelError> {
        let entries: Result<_, _> = self.map.iter().collect();
        entries.map_err(|e| KernelError::map(self.name, "listing", e))
    }

    /// How many entries there are.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn len(&self) -> Result<usize, KernelError> {
        let keys: Result<Vec<K>, _> = self.map.keys().collect();
        keys.map(|keys| keys.len()).map_err(|e| KernelError::map(self.name, "listing", e))
    }

    /// How many entries there may be.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Whether there is no entry.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn is_empty(&self) -> Result<bool, KernelError> {
        self.len().map(|len| len == 0)
    }
}

pub(super) fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Map, KernelError> {
    ebpf.take_map(name).ok_or(KernelError::Missing { what: "map", name })
}

fn capacity(map: &Map) -> Result<u32, MapError> {
    match map {
        Map::HashMap(map) | Map::LruHashMap(map) => Ok(map.info()?.max_entries()),
        _ => Ok(0), // The conversion that follows refuses it.
    }
}

fn is_absence(error: &MapError) -> bool {
    matches!(error, MapError::SyscallError(call) if call.io_error.raw_os_error() == Some(libc::ENOENT))
}
