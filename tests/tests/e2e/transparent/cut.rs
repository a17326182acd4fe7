//! Open connections that an intention forbids.

use super::{Held, eventually_reached, mesh, transparently_by_tcp_and_past_it};
use mesh_tests::{eventually, run};

#[test]
fn a_denied_pair_is_cut_within_a_second_on_either_path_and_others_are_not() {
    transparently_by_tcp_and_past_it("cut", |scene| {
        eventually("web is reached straight", || {
            eventually_reached(scene, "web");
            (scene.counter("local") > 0).then_some(())
        });
        eventually_reached(scene, "far");
        let (straight, through) = (scene.counter("local"), scene.counter("redirected"));
        let (web, far) = (scene.web.connections(), scene.far.connections());
        let mut cut = [scene.hold("client", "web"), scene.hold("client", "far")];
        let mut kept = [scene.hold("friend", "web"), scene.hold("friend", "far")];
        eventually("all are open", || {
            (scene.web.connections() == web + 2 && scene.far.connections() == far + 2).then_some(())
        });
        eventually("two went straight, two through the agent", || {
            let now = (scene.counter("local"), scene.counter("redirected"));
            (now.0 >= straight + 2 && now.1 >= through + 2).then_some(())
        });
        let (web, far) = (scene.web.broken(), scene.far.broken());
        run(&mut mesh(&["intention", "create", "-deny", "client", "*"])).success();
        assert_eq!(cut[0].end(), "ConnectionAbortedError");
        assert!(["ConnectionResetError", "closed"].contains(&cut[1].end().as_str()));
        eventually("the servers see it", || {
            ((scene.web.broken(), scene.far.broken()) == (web + 1, far + 1)).then_some(())
        });
        assert!(kept.iter_mut().all(Held::is_open), "another pair is untouched");
        scene.eventually_counted("cut");
    });
}
