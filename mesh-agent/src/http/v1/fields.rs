//! What `?filter=` can select in each resource: the keys of the wire types.

use crate::filter::Field::{self, Bool, Each, Map, Number, Struct, Text, Texts};

const META: Field = Map(&Text);
const ADDRESSES: Field = Map(&Struct(&[("Address", Text), ("Port", Number)]));
const WEIGHTS: Field = Struct(&[("Passing", Number), ("Warning", Number)]);
const CONNECT: Field = Struct(&[("Native", Bool)]);

const UPSTREAM: Field = Struct(&[
    ("DestinationType", Text),
    ("DestinationNamespace", Text),
    ("DestinationName", Text),
    ("Datacenter", Text),
    ("LocalBindAddress", Text),
    ("LocalBindPort", Number),
]);

const PROXY: Field = Struct(&[
    ("DestinationServiceName", Text),
    ("DestinationServiceID", Text),
    ("LocalServiceAddress", Text),
    ("LocalServicePort", Number),
    ("Mode", Text),
    ("Upstreams", Each(&UPSTREAM)),
]);

pub const NODE: Field = Struct(&[
    ("ID", Text),
    ("Node", Text),
    ("Address", Text),
    ("Datacenter", Text),
    ("TaggedAddresses", META),
    ("Meta", META),
]);

pub const SERVICE: Field = Struct(&[
    ("Kind", Text),
    ("ID", Text),
    ("Service", Text),
    ("Tags", Texts),
    ("Meta", META),
    ("Port", Number),
    ("Address", Text),
    ("TaggedAddresses", ADDRESSES),
    ("Weights", WEIGHTS),
    ("EnableTagOverride", Bool),
    ("ProxyDestination", Text),
    ("Proxy", PROXY),
    ("Connect", CONNECT),
]);

pub const CATALOG_SERVICE: Field = Struct(&[
    ("ID", Text),
    ("Node", Text),
    ("Address", Text),
    ("Datacenter", Text),
    ("TaggedAddresses", META),
    ("NodeMeta", META),
    ("ServiceKind", Text),
    ("ServiceID", Text),
    ("ServiceName", Text),
    ("ServiceTags", Texts),
    ("ServiceAddress", Text),
    ("ServiceTaggedAddresses", ADDRESSES),
    ("ServiceWeights", WEIGHTS),
    ("ServiceMeta", META),
    ("ServicePort", Number),
    ("ServiceEnableTagOverride", Bool),
    ("ServiceProxyDestination", Text),
    ("ServiceProxy", PROXY),
    ("ServiceConnect", CONNECT),
]);

pub const CHECK: Field = Struct(&[
    ("Node", Text),
    ("CheckID", Text),
    ("Name", Text),
    ("Status", Text),
    ("Notes", Text),
    ("Output", Text),
    ("ServiceID", Text),
    ("ServiceName", Text),
    ("ServiceTags", Texts),
    ("Type", Text),
]);

pub const SERVICE_ENTRY: Field = Struct(&[("Node", NODE), ("Service", SERVICE), ("Checks", Each(&CHECK))]);

pub const INTENTION: Field = Struct(&[
    ("ID", Text),
    ("Description", Text),
    ("SourceNS", Text),
    ("SourceName", Text),
    ("DestinationNS", Text),
    ("DestinationName", Text),
    ("SourceType", Text),
    ("Action", Text),
    ("Precedence", Number),
    ("Meta", META),
]);
