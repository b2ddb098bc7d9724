//! A plugin and its tests, written as an author would write them.

use std::time::{Duration, SystemTime};

use camshaft_sdk::{
    Encoding, Level,
    prelude::*,
    testing::{LogLine, TestContext},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct OrderPlaced {
    id: String,
    sku: String,
    quantity: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Stock {
    left: u32,
}

impl Stock {
    fn reserve(&mut self, quantity: u32) -> Option<()> {
        self.left = self.left.checked_sub(quantity)?;
        Some(())
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct StockReserved {
    order: String,
}

#[handler("order.placed", publishes("stock.reserved"))]
fn reserve_stock(order: Event<OrderPlaced>, ctx: &mut Context) -> Result {
    let mut stock: Stock = ctx.state().get(&order.data.sku)?.reject("unknown article")?;
    stock.reserve(order.data.quantity).reject("not enough stock")?;
    ctx.state().set(&order.data.sku, &stock)?;
    ctx.publish("stock.reserved", &StockReserved { order: order.data.id })?;
    Ok(())
}

#[handler("order.*.cancelled", "delivery.**", publishes("stock.counted"))]
fn recount(event: Event<Bytes>, ctx: &Context) -> Result {
    ctx.info("recounting");
    ctx.log(Level::Debug, "cause", &[("type", &event.event_type)]);
    let mut left = 0;
    for entry in ctx.state().scan::<Stock>("")? {
        left += entry?.value.left;
    }
    ctx.event("stock.counted", &left).subject("all").extension("unit", "piece").publish()
}

#[handler("alarm.set", publishes("alarm.rang"))]
fn set_alarm(event: Event<u64>, ctx: &mut Context) -> Result {
    ctx.schedule("alarm", ctx.now() + Duration::from_secs(event.data), "alarm.rang", &ctx.random_u64())
}

#[handler("alarm.unset")]
fn unset_alarm(_: Event<()>, ctx: &mut Context) -> Result {
    let patience: u64 = ctx.config_as("patience_ms")?.unwrap_or(1000);
    if ctx.attempt() == 1 {
        return Err(Error::retry_after(Duration::from_millis(patience), "wait for it"));
    }
    ctx.cancel("alarm")
}

#[handler("leak.found")]
fn leak(_: Event<Bytes>, ctx: &mut Context) -> Result {
    ctx.state().delete("b-7")?;
    ctx.warn("about to publish");
    ctx.publish("leak.reported", &())
}

fn order(quantity: u32) -> Event<OrderPlaced> {
    let data = OrderPlaced { id: "o-17".to_owned(), sku: "b-7".to_owned(), quantity };
    Event { id: "e-1".to_owned(), subject: Some("o-17".to_owned()), ..Event::new("order.placed", data) }
}

fn stocked() -> TestContext {
    let ctx = TestContext::new();
    ctx.state().set("b-7", &Stock { left: 3 }).expect("a state in memory takes everything");
    ctx
}

#[test]
fn a_handler_is_called_like_any_function() {
    let mut ctx = stocked();
    reserve_stock(order(2), &mut ctx).unwrap();
    assert_eq!(ctx.state().get("b-7").unwrap(), Some(Stock { left: 1 }));
    let published = ctx.published();
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].event_type, "stock.reserved");
    let data = published[0].clone().decode::<StockReserved>().unwrap().data;
    assert_eq!(data, StockReserved { order: "o-17".to_owned() });
}

#[test]
fn what_cannot_succeed_is_rejected_in_the_authors_words() {
    let error = reserve_stock(order(2), &mut TestContext::new()).unwrap_err();
    assert_eq!(format!("{error:?}"), "reject: unknown article");
    let error = reserve_stock(order(4), &mut stocked()).unwrap_err();
    assert_eq!(format!("{error:?}"), "reject: not enough stock");
}

#[test]
fn a_published_event_inherits_from_its_cause() {
    let mut ctx = stocked().with_offset(41);
    ctx.handle(order(1)).unwrap();
    let [reserved] = ctx.published().try_into().unwrap();
    assert_eq!(reserved.subject.as_deref(), Some("o-17"));
    assert_eq!(reserved.partitionkey.as_deref(), Some("o-17"), "the cause's key, which was its subject");
    assert_eq!(reserved.extension("causationid"), Some("e-1"));
    assert!(reserved.extension("causationsource").is_some());
    assert_eq!(reserved.correlation_id(), "40891c0cd6f012b5-e-1");
    assert_eq!((reserved.source.as_str(), reserved.id.as_str()), ("/plugins/test", "1-41-0"));
}

#[test]
fn each_event_finds_the_handler_of_its_type() {
    let mut ctx = stocked();
    for sku in ["a-1", "c-9", "d-4"] {
        ctx.state().set(sku, &Stock { left: 10 }).unwrap();
    }
    ctx.handle(Event::new("order.web.cancelled", Bytes(b"not json".to_vec()))).unwrap();
    ctx.handle(Event::new("delivery.arrived.early", Bytes::default())).unwrap();
    let [first, second] = ctx.published().try_into().unwrap();
    assert_eq!(first.clone().decode::<u32>().unwrap().data, 33);
    assert_eq!((first.subject.as_deref(), first.extension("unit")), (Some("all"), Some("piece")));
    assert_eq!(second.event_type, "stock.counted");
    let error = ctx.handle(Event::new("order.cancelled", Bytes::default())).unwrap_err();
    assert_eq!(format!("{error:?}"), "reject: the plugin has no handler for `order.cancelled`");
}

#[test]
fn data_that_cannot_be_read_is_rejected_before_the_handler_runs() {
    let error = stocked().handle(Event::new("order.placed", Bytes(b"{}".to_vec()))).unwrap_err();
    assert!(error.is_reject());
    assert!(
        error
            .reason()
            .starts_with("data of `order.placed` cannot be decoded as OrderPlaced: missing field `id`"),
        "{error}"
    );
}

#[test]
fn messagepack_data_is_read_by_the_same_handler() {
    let mut ctx = stocked();
    let order = Event { datacontenttype: Some("application/msgpack".to_owned()), ..order(3) };
    ctx.handle(order).unwrap();
    assert_eq!(ctx.state().get("b-7").unwrap(), Some(Stock { left: 0 }));
}

#[test]
fn a_failed_attempt_leaves_nothing_but_its_log_lines() {
    let mut ctx = stocked();
    let error = ctx.handle(Event::new("leak.found", Bytes::default())).unwrap_err();
    assert!(error.is_reject());
    assert!(error.reason().starts_with("`leak.reported` is published but not declared."), "{error}");
    assert_eq!(ctx.state().get("b-7").unwrap(), Some(Stock { left: 3 }));
    assert_eq!(ctx.published(), []);
    let line = LogLine { level: Level::Warn, message: "about to publish".to_owned(), fields: Vec::new() };
    assert_eq!(ctx.logged(), [line]);
}

#[test]
fn timers_are_set_and_cancelled_by_name() {
    let mut ctx = TestContext::new().with_now_ms(5_000).with_offset(7);
    ctx.handle(Event::new("alarm.set", 10)).unwrap();
    ctx.handle(Event::new("alarm.set", 20)).unwrap();
    let [alarm] = ctx.timers().try_into().unwrap();
    assert_eq!(alarm.name, "alarm");
    assert_eq!(alarm.at, SystemTime::UNIX_EPOCH + Duration::from_secs(25));
    assert_eq!(alarm.event.decode::<u64>().unwrap().data, ctx.random_u64());

    let error = ctx.handle(Event::new("alarm.unset", ())).unwrap_err();
    assert_eq!(format!("{error:?}"), "retry after 1s: wait for it");
    let mut ctx = ctx.with_attempt(2).with_config("patience_ms", "long");
    let error = ctx.handle(Event::new("alarm.unset", ())).unwrap_err();
    let expected =
        "retry: configuration `patience_ms` = \"long\" cannot be used: invalid digit found in string";
    assert_eq!(format!("{error:?}"), expected);
    let mut ctx = ctx.with_config("patience_ms", "5");
    ctx.handle(Event::new("alarm.unset", ())).unwrap();
    assert_eq!(ctx.timers(), []);
}

#[test]
fn a_state_value_of_another_type_is_named() {
    let ctx = stocked();
    let error = ctx.state().get::<String>("b-7").unwrap_err();
    assert!(error.reason().starts_with("state value of `b-7` cannot be decoded as String: "), "{error}");
    let mut scan = ctx.state().scan::<String>("b").unwrap();
    assert!(scan.next().unwrap().unwrap_err().is_reject());
    assert!(scan.next().is_none());
    ctx.state().get::<Stock>("").unwrap_err();
}

#[test]
fn chance_is_the_same_at_every_attempt_at_an_event() {
    let draw = |offset, attempt| TestContext::new().with_offset(offset).with_attempt(attempt).random::<20>();
    assert_eq!(draw(7, 1), draw(7, 2));
    assert_ne!(draw(7, 1), draw(8, 1));
}

#[test]
fn an_operators_types_can_be_published_like_the_authors() {
    let declares = |event_types: &[&'static str]| stocked().with_publishes(event_types.iter().copied());
    let error = declares(&[]).handle(Event::new("leak.found", Bytes::default())).unwrap_err();
    assert!(error.is_reject() && error.reason().contains("not declared"), "{error}");
    let mut ctx = declares(&["leak.reported"]);
    ctx.handle(Event::new("leak.found", Bytes::default())).unwrap();
    ctx.handle(order(1)).unwrap_err();
    assert_eq!(ctx.published().len(), 1, "the stock is gone with the leak");
}

#[test]
fn an_event_tells_how_its_data_is_encoded() {
    let of = |media_type: Option<&str>| {
        Event { datacontenttype: media_type.map(str::to_owned), ..Event::new("a", ()) }.encoding()
    };
    assert_eq!(of(None), Some(Encoding::Json));
    assert_eq!(of(Some("application/vnd.shop+msgpack")), Some(Encoding::MessagePack));
    assert_eq!(of(Some("text/plain")), None);
}
