use super::Write;
use crate::model::{PreparedQuery, PreparedQueryId, SessionId};
use crate::state::{Refusal, TemplateError, Topic};

impl Write<'_> {
    pub(super) fn put_prepared(&mut self, mut query: PreparedQuery) -> Result<(), Refusal> {
        TemplateError::check(&query).map_err(|error| Refusal::BadQuery { reason: error.to_string() })?;
        if let Some(session) = query.session.filter(|id| self.state.sessions.get(*id).is_none()) {
            return Err(Refusal::NoSuchSession { id: session.to_string() });
        }
        let is_template = query.template.is_some();
        if !query.name.is_empty() || is_template {
            let holder = self.state.prepared.named(&query.name, is_template);
            if holder.is_some_and(|holder| holder.id != query.id) {
                let reason = format!("name {:?} aliases an existing query name", query.name);
                return Err(Refusal::BadQuery { reason });
            }
        }
        query.index = self.stamp(self.state.prepared.get(query.id).map(|old| old.index));
        self.state.prepared.put(query);
        self.touch(Topic::PreparedQueries);
        Ok(())
    }

    /// What is not there is deleted already.
    pub(super) fn delete_prepared(&mut self, id: PreparedQueryId) {
        if self.state.prepared.remove(id).is_some() {
            self.touch(Topic::PreparedQueries);
        }
    }

    /// After the session ended.
    pub(super) fn delete_prepared_of(&mut self, session: SessionId) {
        let of_it = self.state.prepared.all().filter(|query| query.session == Some(session));
        let ids: Vec<_> = of_it.map(|query| query.id).collect();
        ids.into_iter().for_each(|id| self.delete_prepared(id));
    }
}
