//! The contract's imports in memory, for [`TestContext`](super::TestContext) and
//! [`TestAggregate`](super::TestAggregate).

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::LogLine;
use crate::{
    error::{Error, Result},
    event::{Bytes, Event},
    handler::{self, Handler},
    host::{Host, Level, NewEvent, Pages, Pair, Runtime, Scopes},
    scope::Scope,
};

/// Number of pairs in one page of a scan. It is small, so that tests need several pages.
const PAGE: usize = 2;

/// The state of one attempt.
#[derive(Default)]
pub(super) struct Memory {
    pub facts: RefCell<Facts>,
    pub effects: RefCell<Effects>,
    /// The folds of scopes.
    pub folds: RefCell<BTreeMap<Scope, Vec<u8>>>,
    pub logged: RefCell<Vec<LogLine>>,
}

/// The inputs of the attempt, set by the test.
pub(super) struct Facts {
    pub config: BTreeMap<String, String>,
    /// Types declared in addition to those in the handlers' attributes.
    pub publishes: BTreeSet<String>,
    pub now_ms: u64,
    pub attempt: u32,
    pub offset: u64,
    pub cause: Option<Event<Bytes>>,
    #[cfg(feature = "http")]
    pub respond: Option<Rc<super::Respond>>,
}

/// The effects of the handler, dropped if the attempt fails.
#[derive(Clone, Default)]
pub(super) struct Effects {
    pub state: BTreeMap<Vec<u8>, Vec<u8>>,
    pub published: Vec<Event<Bytes>>,
    pub timers: BTreeMap<String, (u64, Event<Bytes>)>,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            config: BTreeMap::new(),
            publishes: BTreeSet::new(),
            now_ms: 0,
            attempt: 1,
            offset: 0,
            cause: None,
            #[cfg(feature = "http")]
            respond: None,
        }
    }
}

impl Memory {
    /// The event as the log would store it, as far as one attempt can see.
    pub fn resolve(&self, new: NewEvent, number: usize) -> Result<Event<Bytes>> {
        let declared = || inventory::iter::<Handler>.into_iter().flat_map(|handler| handler.publishes);
        let any_handler = inventory::iter::<Handler>.into_iter().next().is_some();
        let facts = self.facts.borrow();
        let is_declared = facts.publishes.contains(&new.event_type)
            || declared().any(|declared| *declared == new.event_type);
        if any_handler && !is_declared {
            return Err(Error::reject(handler::undeclared(&new.event_type)));
        }
        let cause = facts.cause.as_ref();
        let mut extensions = new.extensions;
        if let Some(cause) = cause {
            extensions.retain(|(name, _)| name != "causationsource");
            extensions.push(("causationid".to_owned(), cause.id.clone()));
            extensions.push(("causationsource".to_owned(), cause.source.clone()));
            extensions.push(("correlationid".to_owned(), cause.correlation_id().into_owned()));
        }
        extensions.sort();
        Ok(Event {
            id: format!("{}-{}-{number}", self.generation(), facts.offset),
            source: format!("/plugins/{}", self.consumer()),
            event_type: new.event_type,
            subject: new.subject.or_else(|| cause.and_then(|cause| cause.subject.clone())),
            time: new.time,
            datacontenttype: new.datacontenttype,
            dataschema: new.dataschema,
            partitionkey: new.partitionkey.or_else(|| cause.and_then(|cause| cause.key().map(str::to_owned))),
            extensions,
            data: Bytes(new.data),
        })
    }
}

impl Host for Rc<Memory> {
    fn state_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.effects.borrow().state.get(checked(key)?).cloned())
    }

    fn state_set(&self, key: &[u8], value: &[u8]) -> Result {
        self.effects.borrow_mut().state.insert(checked(key)?.to_vec(), value.to_vec());
        Ok(())
    }

    fn state_delete(&self, key: &[u8]) -> Result {
        self.effects.borrow_mut().state.remove(checked(key)?);
        Ok(())
    }

    fn state_scan<'h>(&'h self, prefix: &[u8]) -> Result<Box<dyn Pages + 'h>> {
        Ok(Box::new(MemoryPages { memory: self, prefix: prefix.to_vec(), last: None }))
    }

    fn publish(&self, event: NewEvent) -> Result {
        let number = self.effects.borrow().published.len();
        let event = self.resolve(event, number)?;
        self.effects.borrow_mut().published.push(event);
        Ok(())
    }

    fn schedule(&self, timer: &str, event: NewEvent, at_ms: u64) -> Result {
        let event = self.resolve(event, 0)?;
        self.effects.borrow_mut().timers.insert(timer_name(timer)?.to_owned(), (at_ms, event));
        Ok(())
    }

    fn cancel(&self, timer: &str) -> Result {
        self.effects.borrow_mut().timers.remove(timer_name(timer)?);
        Ok(())
    }

    #[cfg(all(feature = "http", not(target_family = "wasm")))]
    fn send(&self, request: &crate::http::Request) -> Result<crate::http::Response> {
        // Cloned, because the responding function may itself read the context.
        let respond = self.facts.borrow().respond.clone();
        match respond {
            Some(respond) => respond(request),
            None => Err(Error::retry("no response is configured; call `with_responses` on the test context")),
        }
    }
}

impl Scopes for Rc<Memory> {
    fn load(&self, scope: &Scope) -> Result<Option<Vec<u8>>> {
        if scope.id().is_empty() {
            let kind = scope.kind();
            return Err(Error::reject(format_args!("the id of a scope of kind \"{kind}\" is empty")));
        }
        Ok(self.folds.borrow().get(scope).cloned())
    }
}

impl Runtime for Rc<Memory> {
    fn config(&self, key: &str) -> Option<String> {
        self.facts.borrow().config.get(key).cloned()
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let fields = fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.logged.borrow_mut().push(LogLine { level, message: message.to_owned(), fields });
    }

    fn attempt(&self) -> u32 {
        self.facts.borrow().attempt
    }

    fn offset(&self) -> u64 {
        self.facts.borrow().offset
    }

    fn generation(&self) -> u32 {
        Memory::generation(self)
    }

    fn consumer(&self) -> String {
        Memory::consumer(self).to_owned()
    }

    fn now_ms(&self) -> u64 {
        self.facts.borrow().now_ms
    }

    fn random(&self, length: u32) -> Vec<u8> {
        // A mixed Weyl sequence is random enough for a test, and the same in every attempt.
        let mut seed = self.facts.borrow().offset;
        let mut next = || {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (seed ^ (seed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (mixed ^ (mixed >> 29)).to_le_bytes()
        };
        let length = usize::try_from(length).expect("at least 32 bits");
        std::iter::repeat_with(&mut next).flatten().take(length).collect()
    }
}

impl Memory {
    fn generation(&self) -> u32 {
        1
    }

    fn consumer(&self) -> &'static str {
        "test"
    }
}

/// A scan. As in the runtime, each page shows the state at the time of its call.
struct MemoryPages<'m> {
    memory: &'m Memory,
    prefix: Vec<u8>,
    last: Option<Vec<u8>>,
}

impl Pages for MemoryPages<'_> {
    fn next_page(&mut self) -> Result<Vec<Pair>> {
        let effects = self.memory.effects.borrow();
        let pairs = effects.state.iter().filter(|(key, _)| key.starts_with(&self.prefix));
        let beyond = pairs.filter(|(key, _)| self.last.as_ref().is_none_or(|last| *key > last));
        let page: Vec<Pair> = beyond.take(PAGE).map(|(key, value)| (key.clone(), value.clone())).collect();
        if let Some((key, _)) = page.last() {
            self.last = Some(key.clone());
        }
        Ok(page)
    }
}

fn checked(key: &[u8]) -> Result<&[u8]> {
    if key.is_empty() { Err(Error::reject("the state key is empty")) } else { Ok(key) }
}

fn timer_name(name: &str) -> Result<&str> {
    if name.is_empty() { Err(Error::reject("the timer name is empty")) } else { Ok(name) }
}
