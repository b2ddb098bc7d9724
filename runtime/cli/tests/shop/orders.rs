//! A thousand orders from one seed, and their expected results, computed without the runtime.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

pub(crate) const ORDERS: u32 = 1_000;

const SEED: u64 = 0x05ca_1e5e_ed00_5e11;

/// Articles with sufficient stock, with the price per piece in cents.
const ARTICLES: [(&str, u64); 5] =
    [("biscuits", 240), ("kettle", 4_999), ("spoon", 310), ("teacup", 875), ("teapot", 2_450)];

/// The scarce article. Each order asks for one piece, and as many orders are shipped as there are pieces.
const SCARCE: (&str, u64) = ("samovar", 89_900);
const SCARCE_PIECES: u32 = 7;

/// The result of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Paid and shipped.
    Ships,
    /// The card is declined.
    Fails,
    /// Shipped only if a piece is left.
    Competes,
}

pub(crate) struct Order {
    pub(crate) number: String,
    pub(crate) article: &'static str,
    pub(crate) quantity: u32,
    pub(crate) amount_cents: u64,
    pub(crate) fate: Fate,
    event: Value,
}

pub(crate) struct Orders(Vec<Order>);

/// Final numbers of pieces of one article.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pieces {
    pub(crate) available: u64,
    pub(crate) taken: u64,
    pub(crate) released: u64,
}

impl Orders {
    pub(crate) fn generate() -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        Self((0..ORDERS).map(|number| Order::generate(number, &mut random)).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Order> {
        self.0.iter()
    }

    /// The number of orders with this result.
    pub(crate) fn count(&self, fate: Fate) -> usize {
        self.iter().filter(|order| order.fate == fate).count()
    }

    pub(crate) fn scarce_pieces(&self) -> usize {
        usize::try_from(SCARCE_PIECES).unwrap()
    }

    /// All events to publish: the deliveries, then the orders, some of which are submitted twice.
    pub(crate) fn events(&self) -> Vec<Value> {
        let mut events: Vec<Value> = self.demand().into_iter().map(delivery).collect();
        for (number, order) in self.iter().enumerate() {
            events.push(order.event.clone());
            if number % 100 == 99 {
                let mut again = order.event.clone();
                again["id"] = json!(format!("second-click-{number}"));
                events.push(again);
            }
        }
        events
    }

    /// The expected final stock. The delivered quantity of a common article is exactly what all orders ask
    /// for, so the remaining stock consists of returned pieces.
    pub(crate) fn pieces(&self) -> BTreeMap<&'static str, Pieces> {
        let mut pieces: BTreeMap<&'static str, Pieces> = BTreeMap::new();
        for order in self.iter() {
            let pieces = pieces.entry(order.article).or_default();
            match order.fate {
                Fate::Ships => pieces.taken += u64::from(order.quantity),
                Fate::Fails => {
                    pieces.available += u64::from(order.quantity);
                    pieces.released += u64::from(order.quantity);
                }
                Fate::Competes => pieces.taken = u64::from(SCARCE_PIECES),
            }
        }
        pieces
    }

    /// The delivered number of pieces of each article.
    fn demand(&self) -> BTreeMap<&'static str, u32> {
        let mut demand = BTreeMap::new();
        for order in self.iter() {
            *demand.entry(order.article).or_default() += order.quantity;
        }
        demand.insert(SCARCE.0, SCARCE_PIECES);
        demand
    }
}

impl Order {
    fn generate(number: u32, random: &mut ChaCha8Rng) -> Self {
        let fate = match number % 50 {
            3 | 13 | 23 | 33 | 43 => Fate::Fails,
            25 => Fate::Competes,
            _ => Fate::Ships,
        };
        let mut below = |limit: usize| usize::try_from(random.next_u32()).unwrap() % limit;
        let (article, price) = if fate == Fate::Competes { SCARCE } else { ARTICLES[below(ARTICLES.len())] };
        let quantity = if fate == Fate::Competes { 1 } else { u32::try_from(1 + below(6)).unwrap() };
        let card = format!("4{:03}-{}", below(1_000), if fate == Fate::Fails { "0002" } else { "0001" });
        let order = format!("o-{number:04}");
        let event = json!({
            "specversion": "1.0", "id": format!("click-{number}"), "source": "/website",
            "type": "order.submitted", "subject": order,
            "data": {
                "customer": format!("Customer {number}"), "email": format!("{number}@example.org"),
                "address": format!("Main Street {}", 1 + below(200)), "card": card,
                "article": article, "quantity": quantity, "unit_price_cents": price,
            },
        });
        Self { number: order, article, quantity, amount_cents: price * u64::from(quantity), fate, event }
    }
}

fn delivery((article, quantity): (&'static str, u32)) -> Value {
    json!({
        "specversion": "1.0", "id": format!("delivery-{article}"), "source": "/warehouse",
        "type": "goods.received", "subject": format!("delivery-{article}"), "partitionkey": article,
        "data": { "article": article, "quantity": quantity },
    })
}
