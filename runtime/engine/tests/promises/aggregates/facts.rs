//! The facts of a scope are found by their versions, over flushes, crashes and changes of the code.

use crate::promises::harness::World;

#[test]
fn the_facts_of_a_scope_are_read_in_order_from_memory_and_from_the_store() {
    let mut world = World::with_bank();
    for id in 0..20 {
        world.transfer(&id.to_string(), if id % 3 == 0 { "1 2" } else { "2" });
        world.settle();
        if id == 9 {
            world.flush();
        }
    }
    world.sync();
    let read = |world: &World, id: &str| -> Vec<(u64, String)> {
        let text = |data: &[u8]| String::from_utf8(data.to_vec()).unwrap();
        world.facts(id).iter().map(|fact| (fact.version, text(&fact.event.data))).collect()
    };
    let thirds: Vec<_> = (1..).zip((0..20).step_by(3).map(|id| id.to_string())).collect();
    assert_eq!(read(&world, "1"), thirds);
    assert_eq!(read(&world, "2").len(), 20);
    let before = read(&world, "2");
    world.crash();
    world.restart();
    assert_eq!(read(&world, "2"), before);
}

#[test]
fn a_scope_is_not_mixed_up_with_another_one_whose_name_begins_the_same() {
    let mut world = World::with_bank();
    world.transfer("a", "1");
    world.transfer("b", "11");
    world.transfer("c", "1");
    world.settle();
    let ids = |id: &str| world.facts(id).iter().map(|fact| fact.event.data.clone()).collect::<Vec<_>>();
    assert_eq!((ids("1"), ids("11")), (vec![b"a".to_vec(), b"c".to_vec()], vec![b"b".to_vec()]));
}
