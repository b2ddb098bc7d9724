//! Without room to say so nothing is rolled back; until there is some, the version that has failed gets
//! nothing more.

use super::{LEAST, attach, ended, measured, probation, running};
use crate::promises::harness::{World, reject};

#[test]
fn it_is_rolled_back_as_soon_as_there_is_room() {
    let mut world = World::with(|options| options.batch_events = LEAST / 4 + 1);
    attach(&mut world, "a", reject());
    world.settle();
    attach(&mut world, "b", reject());
    world.put_apart(0..LEAST + 30);
    world.sync();
    world.read();
    let in_hand: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    let finished: Vec<_> = in_hand.into_iter().map(|batch| world.run(batch)).collect();
    let room = world.log().reserved_bytes();
    world.sequencer().set_room(0);
    for finished in finished {
        world.commit(finished);
    }
    assert_eq!((running(&world).as_str(), measured(&world).0 >= 20), ("b", true));
    world.sequencer().set_room(room);
    assert!(!world.standing("one").ready && world.take().is_none(), "there is work and room for it");
    world.tick();
    assert_eq!((running(&world).as_str(), probation(&world)), ("a", None));
    world.settle();
    assert_eq!(ended(&world), (LEAST + 30, (0, 0, 0)));
}
