use crate::model::{Intention, IntentionAction, IntentionId, IntentionTarget, Meta, RaftIndex, ServiceName};
use std::sync::Arc;

pub(crate) fn service(name: &str) -> ServiceName {
    ServiceName::new(name).unwrap()
}

pub(crate) fn intention(source: &str, destination: &str, action: IntentionAction) -> Arc<Intention> {
    Arc::new(Intention {
        id: IntentionId::new_v4(),
        description: String::new(),
        source: IntentionTarget::parse(source).unwrap(),
        destination: IntentionTarget::parse(destination).unwrap(),
        action,
        meta: Meta::new(),
        created_at: 0,
        updated_at: 0,
        index: RaftIndex::default(),
    })
}
