use crate::model::ServiceName;
use mesh_common::ServiceNumber;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// What the kernel calls the services.
///
/// A service with a virtual address has that address as its number: it is replicated and never another's, so
/// that maps which outlive the agent still mean the same. One that only connects to others has a number of
/// this agent's, far below those.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    by_name: HashMap<Arc<str>, ServiceNumber>,
    names: HashMap<ServiceNumber, ServiceName>,
    last: ServiceNumber,
}

impl Numbers {
    /// A service of the mesh.
    pub fn of_mesh(&mut self, service: &ServiceName, virtual_ip: Ipv4Addr) -> ServiceNumber {
        self.assign(service, virtual_ip.into())
    }

    /// A service of this host, whose number may be known already.
    pub fn of_local(&mut self, service: &ServiceName) -> ServiceNumber {
        if let Some(known) = self.known(service) {
            return known;
        }
        self.last += 1;
        self.assign(service, self.last)
    }

    fn assign(&mut self, service: &ServiceName, number: ServiceNumber) -> ServiceNumber {
        self.by_name.insert(service.folded(), number);
        self.names.insert(number, service.clone());
        number
    }

    pub fn known(&self, service: &ServiceName) -> Option<ServiceNumber> {
        self.by_name.get(&service.folded()).copied()
    }

    /// The service that has, or had, the number.
    pub fn name(&self, number: ServiceNumber) -> Option<&ServiceName> {
        self.names.get(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ServiceName {
        ServiceName::new(text).unwrap()
    }

    #[test]
    fn a_number_means_one_service_and_case_does_not_count() {
        let mut numbers = Numbers::default();
        let client = numbers.of_local(&name("client"));
        let web = numbers.of_mesh(&name("web"), Ipv4Addr::new(240, 0, 0, 1));
        assert_eq!((client, web), (1, 0xf000_0001));
        assert_eq!(numbers.of_local(&name("WEB")), web);
        assert_eq!(numbers.of_local(&name("Client")), client);
        assert_eq!(numbers.of_local(&name("other")), 2);
        assert_eq!(numbers.name(web), Some(&name("web")));
        assert_eq!((numbers.known(&name("nobody")), numbers.name(77)), (None, None));
    }
}
