//! What lets the agent read and write these values in the kernel's maps.

use crate::{Config, Denied, Destination, Endpoint, Flow, Origin, Pair, StrictPort, Tuple, Workload};

// SAFETY (all of them): `repr(C)`, of integers alone, without implicit padding, valid for every bit pattern.
unsafe impl aya::Pod for Config {}
unsafe impl aya::Pod for Denied {}
unsafe impl aya::Pod for Destination {}
unsafe impl aya::Pod for Endpoint {}
unsafe impl aya::Pod for Flow {}
unsafe impl aya::Pod for Origin {}
unsafe impl aya::Pod for Pair {}
unsafe impl aya::Pod for StrictPort {}
unsafe impl aya::Pod for Tuple {}
unsafe impl aya::Pod for Workload {}
