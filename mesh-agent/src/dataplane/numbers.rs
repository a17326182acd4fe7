use crate::model::ServiceName;
use mesh_common::ServiceNumber;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// What the kernel calls the services.
///
/// A service with a virtual address has that address as its number: it is replicated and never another's. One
/// that only connects to others has a number below those, made from its name. So maps and connections which
/// outlive an agent mean the same to the next.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    by_name: HashMap<Arc<str>, ServiceNumber>,
    names: HashMap<ServiceNumber, ServiceName>,
}

/// Virtual addresses begin here.
const VIRTUAL: ServiceNumber = 0xf000_0000;

impl Numbers {
    /// A service of the mesh.
    pub fn of_mesh(&mut self, service: &ServiceName, virtual_ip: Ipv4Addr) -> ServiceNumber {
        self.assign(service, virtual_ip.into())
    }

    /// The virtual address of the service with that number, if it has one.
    pub fn virtual_ip(number: ServiceNumber) -> Option<Ipv4Addr> {
        (number >= VIRTUAL).then(|| number.into())
    }

    /// A service of this host, whose number may be known already.
    pub fn of_local(&mut self, service: &ServiceName) -> ServiceNumber {
        if let Some(known) = self.known(service) {
            return known;
        }
        let mut number = made_from(&service.folded());
        while self.names.contains_key(&number) {
            number = number % (VIRTUAL - 1) + 1;
        }
        self.assign(service, number)
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

    /// What the service is called now that once had the number, as before it came into the mesh.
    pub fn current(&self, number: ServiceNumber) -> ServiceNumber {
        self.name(number).and_then(|name| self.known(name)).unwrap_or(number)
    }
}

/// FNV-1a, brought below the virtual addresses, and never 0.
fn made_from(name: &str) -> ServiceNumber {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    ServiceNumber::try_from(hash % u64::from(VIRTUAL - 1)).expect("it is below a number of 32 bits") + 1
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
        assert_eq!(web, 0xf000_0001);
        assert_eq!(numbers.of_local(&name("WEB")), web);
        assert_eq!(numbers.of_local(&name("Client")), client);
        assert_ne!(numbers.of_local(&name("other")), client);
        assert_eq!(numbers.name(web), Some(&name("web")));
        assert_eq!((numbers.known(&name("nobody")), numbers.name(77)), (None, None));
    }

    #[test]
    fn the_next_agent_gives_the_same_numbers_in_whatever_order() {
        let (mut before, mut after) = (Numbers::default(), Numbers::default());
        let services: Vec<_> = (0..1000).map(|n| name(&format!("client-{n}"))).collect();
        let numbers: Vec<_> = services.iter().map(|service| before.of_local(service)).collect();
        for (service, number) in services.iter().zip(&numbers).rev() {
            assert_eq!(after.of_local(service), *number);
            assert!((1..VIRTUAL).contains(number));
        }
    }

    #[test]
    fn two_services_never_have_one_number() {
        let (mut numbers, client) = (Numbers::default(), name("client"));
        let taken = made_from("client");
        numbers.assign(&name("first"), taken);
        let second = numbers.of_local(&client);
        assert_eq!((second, numbers.name(taken)), (taken + 1, Some(&name("first"))));
    }

    #[test]
    fn a_service_that_comes_into_the_mesh_is_still_known_by_its_old_number() {
        let mut numbers = Numbers::default();
        let before = numbers.of_local(&name("web"));
        let now = numbers.of_mesh(&name("web"), Ipv4Addr::new(240, 0, 0, 1));
        assert_eq!((numbers.current(before), numbers.current(now), numbers.current(5)), (now, now, 5));
    }
}
