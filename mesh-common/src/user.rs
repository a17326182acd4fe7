//! What lets the agent read and write these values in the kernel's maps.

use crate::{
    Config, Denied, Destination, Doors, Endpoint, Flow, Kept, Origin, Pair, StrictPort, Tuple, Workload,
};

macro_rules! plain {
    ($($value:ty),* $(,)?) => {$(
        // SAFETY: `repr(C)`, of integers alone, without implicit padding, valid for every bit pattern.
        unsafe impl aya::Pod for $value {}
    )*};
}

plain!(Config, Denied, Destination, Doors, Endpoint, Flow, Kept, Origin, Pair, StrictPort, Tuple, Workload);
