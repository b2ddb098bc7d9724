//! Sends what it gets through the way out that exists for tests, keeps the reply, and says that it did.
use camshaft_sdk::prelude::*;

camshaft_test_programs::record!("capabilities = ['test-outbox']");

#[cfg(target_family = "wasm")]
mod outside {
    wit_bindgen::generate!({
        inline: "
            package camshaft:test@0.1.0;
            interface outbox { send: func(key: string, data: list<u8>) -> result<list<u8>, string>; }
            world sender { import outbox; }
        ",
        world: "sender",
    });
    pub use camshaft::test::outbox::send;
}

#[cfg(not(target_family = "wasm"))]
mod outside {
    pub fn send(_: &str, _: &[u8]) -> Result<Vec<u8>, String> {
        Err("there is a way out only in the runtime".to_owned())
    }
}

/// The state counts how often each event was sent by a call that committed.
#[handler("test.event", publishes("test.sent"))]
fn send(event: Event<Bytes>, ctx: &mut Context) -> Result {
    let sent: u64 = ctx.state().get(format!("sent/{}", event.id))?.unwrap_or_default();
    let key = format!("{} {}", event.source, event.id);
    let reply = outside::send(&key, &event.data.0).map_err(Error::retry)?;
    ctx.state().set(format!("sent/{}", event.id), &(sent + 1))?;
    ctx.publish("test.sent", &String::from_utf8_lossy(&reply))
}
