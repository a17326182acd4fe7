//! Open connections that nobody may have any more.

use crate::lab::{API, Lab, VIRTUAL, WEB};
use mesh_common::{Action, Counter, Pair};

const FORBIDDEN: Pair = Pair { source: WEB, destination: API };

#[test]
fn both_ends_of_a_forbidden_connection_see_a_reset() {
    let Some(mut lab) = Lab::build("both_ends_of_a_forbidden_connection_see_a_reset") else { return };
    for (address, at) in [(VIRTUAL, "127.0.0.1:0"), (crate::lab::VIRTUAL_V6, "[::1]:0")] {
        let (mut server, found) = lab.serve("api", &format!("watch {at}"));
        lab.local(address, found, 0);
        lab.speak(Action::Allow, 0, 0);
        let mut client = lab.start("web", &format!("hold {address}"));
        assert_eq!(client.hear(), "held");
        let ended = lab.attachment.as_mut().unwrap().cut(&|pair| pair == FORBIDDEN).unwrap();
        assert_eq!(ended, 1, "{address}");
        assert_eq!(
            (client.hear().as_str(), server.hear().as_str()),
            ("ConnectionAborted", "ConnectionReset")
        );
    }
    assert_eq!(lab.count(Counter::Cut), 2);
    assert_eq!(lab.attachment.as_mut().unwrap().cut(&|_| true).unwrap(), 0, "none is left");
}

#[test]
fn a_v4_mapped_connection_is_cut_too() {
    let Some(mut lab) = Lab::build("a_v4_mapped_connection_is_cut_too") else { return };
    let (mut server, found) = lab.serve("api", "watch 127.0.0.1:0");
    lab.local(VIRTUAL, found, 0);
    lab.speak(Action::Allow, 0, 0);
    let mut client = lab.start("web", &format!("hold-mapped {VIRTUAL}"));
    assert_eq!(client.hear(), "held");
    assert_eq!(lab.attachment.as_mut().unwrap().cut(&|pair| pair == FORBIDDEN).unwrap(), 1);
    assert_eq!((client.hear().as_str(), server.hear().as_str()), ("ConnectionAborted", "ConnectionReset"));
}

#[test]
fn connections_of_others_and_around_the_mesh_live_on() {
    let Some(mut lab) = Lab::build("connections_of_others_and_around_the_mesh_live_on") else { return };
    let (_server, found) = lab.serve("api", "watch 127.0.0.1:0");
    lab.local(VIRTUAL, found, 0);
    lab.speak(Action::Allow, 0, 0);
    let mut allowed = lab.start("web", &format!("hold {VIRTUAL}"));
    let mut around = lab.start("other", &format!("hold {found}"));
    assert_eq!((allowed.hear().as_str(), around.hear().as_str()), ("held", "held"));
    assert_eq!(lab.attachment.as_mut().unwrap().cut(&|pair| pair != FORBIDDEN).unwrap(), 0);
    drop(lab.attachment.take());
    lab.attach(); // As the next agent does.
    assert_eq!(lab.attachment.as_mut().unwrap().cut(&|pair| pair == FORBIDDEN).unwrap(), 1);
    assert_eq!(allowed.hear(), "ConnectionAborted");
    assert_eq!(lab.count(Counter::Cut), 1, "and the one around the mesh is nobody's to cut");
}
