//! Sinks: consumers whose handlers have effects outside, which no crash takes back. The calls that the world
//! notes are what got out.

mod at_least_once;
mod at_most_once;
mod in_flight;
mod nothing_leaves_early;
mod operating;
mod order;
mod policy;
mod replacing;
mod room;
mod suspects;

use camshaft_event::Delivery;

use super::harness::{World, note, sink};

const LEAST: Delivery = Delivery::AtLeastOnce;
const MOST: Delivery = Delivery::AtMostOnce;

/// A world with the sink `mailer`, which notes in its state what it handled.
fn world(delivery: Delivery) -> World {
    let mut world = World::new();
    world.attach(sink("mailer", &["thing.*"], delivery), note);
    world.settle();
    world
}

/// Lets the sink get what was published, durably.
fn deliver(world: &mut World) {
    world.sync();
    while world.read() {}
}
