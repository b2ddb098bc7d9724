//! The shop of `examples/shop`, end to end: five plugins handle a thousand orders while the runtime is killed
//! three times. At the end stock, payments and parcels add up, and the log has one consistent history per
//! order.
//!
//! Tests of the single plugins are next to the plugins.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod client;
mod orders;
mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;

use serde_json::{Value, json};

use client::Client;
use orders::{Fate, ORDERS, Order, Orders, Pieces};
use server::{Server, install_plugins};

/// Events per request.
const BATCH: usize = 4;

/// Numbers of shipped parcels at which the runtime is killed; other orders are then at various stages.
const KILLS: [usize; 3] = [150, 450, 750];

const SHIPPED: [&str; 5] =
    ["reservation.requested", "order.placed", "stock.reserved", "payment.received", "parcel.shipped"];
const UNPAID: [&str; 6] = [
    "reservation.requested",
    "order.placed",
    "stock.reserved",
    "payment.failed",
    "order.cancelled",
    "reservation.cancelled",
];
const OUT_OF_STOCK: [&str; 4] =
    ["reservation.requested", "order.placed", "stock.exhausted", "order.cancelled"];

#[test]
fn stock_payments_and_parcels_add_up_after_a_kill_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    install_plugins(folder.path());
    let orders = Orders::generate();
    let server = publish_with_kills(folder.path(), &orders.events());
    let client = &server.client;
    client.wait_until_handled();

    let stories = stories(client);
    let ends = |story: &[&str]| stories.values().filter(|told| *told == story).count();
    assert_eq!(ends(&UNPAID), usize::try_from(ORDERS).unwrap() / 10, "a tenth of the payments fail");
    assert_eq!(ends(&SHIPPED), orders.count(Fate::Ships) + orders.scarce_pieces());
    assert_eq!(ends(&OUT_OF_STOCK), orders.count(Fate::Competes) - orders.scarce_pieces());
    for order in orders.iter() {
        check_order(order, &stories[&order.number]);
    }
    assert_eq!(stories.len(), orders.iter().count(), "no order came from nowhere");

    check_stock(client, &orders);
    check_books(client, &orders, &stories);
}

#[test]
fn the_orders_of_the_readme_end_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    install_plugins(folder.path());
    let server = Server::start(folder.path());
    let client = &server.client;
    let lines = include_str!("../../../../examples/shop/orders.ndjson");
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    client.publish(&events).unwrap();
    client.wait_until_handled();
    let orders = client.state("shop-orders");
    let ends: Vec<(&str, &Value)> =
        orders.iter().map(|(key, order)| (key.as_str(), &order["status"])).collect();
    assert_eq!(
        ends,
        [("o-1", &json!("shipped")), ("o-2", &json!("cancelled")), ("o-3", &json!("cancelled"))]
    );
    let stock = client.state("shop-stock");
    assert_eq!(stock["teapot"], json!({ "available": 3, "taken": 2, "released": 1 }));
}

/// Publishes all events as a producer does that sends unanswered events again.
fn publish_with_kills(folder: &Path, events: &[Value]) -> Server {
    let mut server = Server::start(folder);
    let mut answered = 0;
    for parcels in KILLS {
        answered += publish_and_kill(&mut server, &events[answered..], parcels);
        server = Server::start(folder);
        let again = server.client.publish(&events[answered - BATCH.min(answered)..answered]).unwrap();
        assert!(again.iter().all(|known| *known), "what was answered outlives the kill");
    }
    answered += publish(&server.client, &events[answered..]);
    assert_eq!(answered, events.len());
    server
}

/// Publishes until the log contains `parcels` parcels, then kills the runtime. Returns the number of answered
/// events.
fn publish_and_kill(server: &mut Server, events: &[Value], parcels: usize) -> usize {
    let client = server.client.clone();
    thread::scope(|scope| {
        let publishing = scope.spawn(|| publish(&client, events));
        let seen = client.follow("parcel.shipped").take(parcels).count();
        assert_eq!(seen, parcels, "the log ended before");
        server.kill();
        publishing.join().unwrap()
    })
}

/// Publishes batches until one is not answered. Returns the number of answered events.
fn publish(client: &Client, events: &[Value]) -> usize {
    let mut answered = 0;
    for batch in events.chunks(BATCH) {
        let Ok(known) = client.publish(batch) else { break };
        // Only the first batch may have been sent before.
        let sent_before = answered == 0 && known[0];
        assert_eq!(known, vec![sent_before; batch.len()], "a batch is kept whole or not at all");
        answered += batch.len();
    }
    answered
}

/// The history of each order after its submission, in the order of the log.
fn stories(client: &Client) -> BTreeMap<String, Vec<String>> {
    let mut stories: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in client.events() {
        let event_type = event["type"].as_str().unwrap();
        if !["goods.received", "order.submitted"].contains(&event_type) {
            let order = event["subject"].as_str().unwrap().to_owned();
            stories.entry(order).or_default().push(event_type.to_owned());
        }
    }
    stories
}

#[track_caller]
fn check_order(order: &Order, story: &[String]) {
    let expected = match order.fate {
        Fate::Ships => &SHIPPED[..],
        Fate::Fails => &UNPAID[..],
        Fate::Competes if story.iter().any(|event_type| event_type == "parcel.shipped") => &SHIPPED[..],
        Fate::Competes => &OUT_OF_STOCK[..],
    };
    assert_eq!(story, expected, "{}", order.number);
}

/// Pieces that were taken were shipped; unpaid pieces were returned.
#[track_caller]
fn check_stock(client: &Client, orders: &Orders) {
    let mut shipped: BTreeMap<String, u64> = BTreeMap::new();
    for parcel in client.state("shop-shipping").values() {
        assert!(parcel["tracking"].is_string(), "a parcel waits for ever: {parcel}");
        *shipped.entry(parcel["article"].as_str().unwrap().to_owned()).or_default() +=
            parcel["quantity"].as_u64().unwrap();
    }
    let stock = client.state("shop-stock");
    let expected = orders.pieces();
    assert_eq!(stock.len(), expected.len());
    for (article, pieces) in expected {
        let count = |field: &str| stock[article][field].as_u64().unwrap();
        let found =
            Pieces { available: count("available"), taken: count("taken"), released: count("released") };
        assert_eq!(found, pieces, "{article}");
        assert_eq!(shipped[article], found.taken, "{article}");
    }
}

/// Orders, payments, parcels and letters are consistent for each order.
#[track_caller]
fn check_books(client: &Client, orders: &Orders, stories: &BTreeMap<String, Vec<String>>) {
    let [book, payments, parcels, letters] =
        ["shop-orders", "shop-payments", "shop-shipping", "shop-notifications"]
            .map(|plugin| client.state(plugin));
    for entries in [&book, &payments, &letters] {
        assert_eq!(entries.len(), orders.iter().count());
    }
    for order in orders.iter() {
        let number = &order.number;
        let (status, payment, last_letter) = match stories[number].len() {
            5 => ("shipped", "received", "your parcel "),
            6 => ("cancelled", "failed", "we had to cancel your order: the payment failed"),
            _ => ("cancelled", "void", "we had to cancel your order: out of stock"),
        };
        assert_eq!(book[number]["status"], status, "{number}");
        assert_eq!(payments[number]["status"], payment, "{number}");
        assert_eq!(payments[number]["amount_cents"], order.amount_cents, "{number}");
        assert_eq!(parcels.contains_key(number), status == "shipped", "{number}");
        let sent: Vec<&str> = letters[number]["sent"]
            .as_array()
            .unwrap()
            .iter()
            .map(|letter| letter.as_str().unwrap())
            .collect();
        let [first, last] = sent[..] else { panic!("{number}: two letters, not {sent:?}") };
        assert_eq!(first, "we have your order", "{number}");
        assert!(last.starts_with(last_letter), "{number}: {last}");
    }
}
