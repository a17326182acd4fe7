use std::collections::BTreeMap;

/// Puts a later source over an earlier one: what is said once more is replaced, lists grow, and maps
/// and sections merge key by key.
pub(super) trait Merge {
    fn merge(&mut self, later: Self);
}

impl<T> Merge for Option<T> {
    fn merge(&mut self, later: Self) {
        if later.is_some() {
            *self = later;
        }
    }
}

impl<T> Merge for Vec<T> {
    fn merge(&mut self, later: Self) {
        self.extend(later);
    }
}

impl<K: Ord, V> Merge for BTreeMap<K, V> {
    fn merge(&mut self, later: Self) {
        self.extend(later);
    }
}

impl Merge for serde_json::Map<String, serde_json::Value> {
    fn merge(&mut self, later: Self) {
        self.extend(later);
    }
}

/// Declares a section of the configuration: its keys, how each is read, and that it merges.
macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$key_doc:meta])* $key:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, serde::Deserialize)]
        #[serde(default)]
        pub(super) struct $name {
            $($(#[$key_doc])* pub(super) $key: $type,)*
        }

        impl $crate::agent::config::merge::Merge for $name {
            fn merge(&mut self, later: Self) {
                $($crate::agent::config::merge::Merge::merge(&mut self.$key, later.$key);)*
            }
        }
    };
}
pub(super) use section;
