use crate::model::Datacenter;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, Record};

/// What is to be said, before it is fitted into a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub code: ResponseCode,
    pub authoritative: bool,
    pub answers: Vec<Record>,
    pub authorities: Vec<Record>,
    pub additionals: Vec<Record>,
}

impl Answer {
    /// Of one of our zones.
    pub(super) fn of_zone(answers: Vec<Record>) -> Self {
        Self { authoritative: true, answers, ..Self::default() }
    }

    /// Without records and authority.
    pub(super) fn code(code: ResponseCode) -> Self {
        Self { code, ..Self::default() }
    }

    /// There is nothing, and `soa` says for how long to believe it.
    pub(super) fn negative(code: ResponseCode, soa: Option<Record>) -> Self {
        Self { code, authoritative: true, authorities: soa.into_iter().collect(), ..Self::default() }
    }
}

/// An answer, and who else could be asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Final(Answer),
    /// The name is not ours; this is the answer if there is nobody to ask.
    Foreign(Answer),
    /// Servers of this datacenter answer it.
    Across(Datacenter),
    /// Other datacenters may have what this prepared query does not find here; this is the answer if they have not.
    FailOver(String, Answer),
    /// The answer ends in an alias outside our zones, whose addresses would complete it.
    Alias(Answer, Name),
}
