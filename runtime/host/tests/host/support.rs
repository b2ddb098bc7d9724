//! Guests in WebAssembly text, a host in a temporary folder, and a context that remembers everything.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use camshaft_event::{
    AttemptContext, EffectError, Event, Generation, LogLevel, NewEvent, NewFact, Offset, Scope, StatePage,
    Timestamp, TouchedScope,
};
use camshaft_host::{Host, HostOptions, Instance, OperatorFile, Plugin, Refusal};
use tempfile::TempDir;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The manifest of most guests.
pub const MANIFEST: &str = r#"
manifest = 1
name = "probe"
version = "1.0.0"
publishes = ["probe.done"]
[[subscriptions]]
handler = "probe"
types = ["thing.done"]
[config]
greeting = "hello"
"#;

/// The manifest of aggregates.
pub const AGGREGATE: &str = "
manifest = 1
name = 'probe'
version = '1.0.0'
[[commands]]
type = 'thing.do'
scope = 'thing'
records = ['thing.done']
";

/// What every guest has: memory, an allocator that never frees, and room for an answer at 64, which is `ok`.
const PRELUDE: &str = r#"
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 4096))
  (func $alloc (param $bytes i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get $bytes)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
      (br_if $fits (i32.ne (i32.const -1) (memory.grow (i32.add (i32.const 1)
        (i32.div_u (local.get $bytes) (i32.const 65536))))))
      (unreachable))
    (local.get $at))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (call $alloc (local.get 3)))
"#;

/// A core module of the world `handler` with `imports` and `body`, without a manifest.
pub fn module(imports: &str, body: &str) -> Vec<u8> {
    in_world("handler", &format!("(module {imports} {PRELUDE} {body})"))
}

/// An aggregate with these bodies of `decide` and `evolve`. Its answer is at 64: a decision without facts.
/// Its fold, at 256, is empty.
pub fn aggregate(imports: &str, decide: &str, evolve: &str) -> Vec<u8> {
    let parameters = "(param i32 i32 i32 i32 i32 i32 i32 i32 i32)";
    let text = format!(
        r#"(module {imports} {PRELUDE}
          (func (export "decide") (param $event i32) (result i32) {decide} (i32.const 64))
          (func (export "evolve") {parameters} (result i32) {evolve} (i32.const 256)))"#
    );
    with_manifest(in_world("aggregate", &text), &[AGGREGATE])
}

/// A module in `text`, marked as of `world` of the contract.
pub fn in_world(world: &str, text: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let [first, second] = ["v0.1", "v0.2"].map(|folder| resolve.push_dir(wit.join(folder)).unwrap().0);
    let package = if world == "aggregate" { second } else { first };
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut bytes = wat::parse_str(text).unwrap();
    embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8).unwrap();
    bytes
}

/// `module` with a section of manifest records.
pub fn with_manifest(mut module: Vec<u8>, records: &[&str]) -> Vec<u8> {
    let name = "camshaft:manifest";
    let mut content = leb(name.len());
    content.extend_from_slice(name.as_bytes());
    for record in records {
        content.extend_from_slice(&u32::try_from(record.len()).unwrap().to_le_bytes());
        content.extend_from_slice(record.as_bytes());
    }
    module.push(0);
    module.extend(leb(content.len()));
    module.extend(content);
    module
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 128 {
        bytes.push(u8::try_from(number % 128).unwrap() | 128);
        number /= 128;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

/// A guest whose handler has `body` and answers `ok` if it gets to its end.
pub fn handler(imports: &str, body: &str) -> Vec<u8> {
    let body = format!(r#"(func (export "handle") (param $event i32) (result i32) {body} (i32.const 64))"#);
    with_manifest(module(imports, &body), &[MANIFEST])
}

/// A host whose files are in a temporary folder.
pub struct Bench {
    pub folder: TempDir,
    pub host: Host,
}

impl Bench {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let host =
            Host::new(HostOptions { max_instances: 16, ..HostOptions::new(folder.path().join("code")) })
                .unwrap();
        Self { folder, host }
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn load(&self, bytes: &[u8]) -> Result<Plugin, Refusal> {
        self.host.load(&self.file("probe.wasm", bytes), None)
    }

    pub fn load_with(&self, bytes: &[u8], operator: &str) -> Result<Plugin, Refusal> {
        let operator = OperatorFile::parse(&self.folder.path().join("probe.toml"), operator)?;
        self.host.load(&self.file("probe.wasm", bytes), Some(&operator))
    }

    pub fn refusal(&self, bytes: &[u8]) -> Refusal {
        self.load(bytes).err().expect("the plugin should be refused")
    }

    /// An instance of a guest that is in order.
    pub fn instance(&self, bytes: &[u8]) -> Instance<Attempt> {
        self.load(bytes).unwrap().prepare().unwrap().instantiate().unwrap()
    }

    /// `text` without the name of the temporary folder.
    pub fn scrub(&self, text: &str) -> String {
        text.replace(&self.folder.path().display().to_string(), "plugins")
    }
}

/// Does `work` while the host ticks, as it does in the runtime, only faster.
pub fn ticking<T>(host: &Host, work: impl FnOnce() -> T) -> T {
    let (done, until) = mpsc::channel::<()>();
    let host = host.clone();
    let ticker = thread::spawn(move || {
        while until.recv_timeout(Duration::from_millis(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
            host.tick();
        }
    });
    let result = work();
    drop(done);
    ticker.join().unwrap();
    result
}

/// The event of most tests.
pub fn event() -> Event {
    let mut event = Event {
        id: "e-1".into(),
        source: "/tests".into(),
        event_type: "thing.done".into(),
        subject: Some("thing-7".into()),
        data: b"{\"n\":1}".to_vec(),
        ..Event::default()
    };
    event.set_extension("correlationid", "c-1");
    event
}

/// An attempt that keeps all effects.
#[derive(Debug, Default)]
pub struct Attempt {
    pub state: BTreeMap<Vec<u8>, Vec<u8>>,
    pub published: Vec<NewEvent>,
    pub timers: BTreeMap<String, (NewEvent, u64)>,
    pub lines: Vec<(LogLevel, String)>,
    /// What a call is refused with, and whether one was.
    pub refuse: Option<EffectError>,
    pub is_refused: bool,
    /// What is kept for it, in bytes.
    pub kept_bytes: usize,
    /// Whether a scan passes over deleted keys without end.
    pub has_deleted: bool,
    /// The configuration, beside a greeting.
    pub settings: BTreeMap<String, String>,
    /// The folds of scopes, before and after.
    pub folds: BTreeMap<Scope, Vec<u8>>,
    pub facts: Vec<NewFact>,
    /// Fact types that may be recorded; all of them, if it is empty.
    pub records: Vec<String>,
    /// How many facts one scope gets for each that is recorded about it; 1, if it is 0.
    pub repeated: usize,
    /// The scopes that have a new fold.
    pub folded: BTreeSet<Scope>,
    pub answer: Option<Result<Vec<u8>, camshaft_event::Refusal>>,
}

impl Attempt {
    fn refused<T>(&mut self, error: EffectError) -> Result<T, EffectError> {
        self.is_refused = true;
        self.refuse = Some(error.clone());
        Err(error)
    }

    /// A fact as it is stored: its subject is the id of its first scope.
    fn stored(fact: &NewFact) -> Event {
        Event {
            event_type: fact.event.event_type.clone(),
            subject: Some(fact.about[0].id()),
            data: fact.event.data.clone(),
            ..Event::default()
        }
    }
}

impl AttemptContext for Attempt {
    fn attempt(&self) -> u32 {
        3
    }
    fn offset(&self) -> Offset {
        Offset(42)
    }
    fn now(&self) -> Timestamp {
        Timestamp(1_357_000_000_123)
    }
    fn consumer(&self) -> &str {
        "probe"
    }
    fn generation(&self) -> Generation {
        Generation(2)
    }
    fn hops(&self) -> u32 {
        0
    }
    fn random(&mut self, buffer: &mut [u8]) {
        buffer.fill(0xab);
    }
    fn config(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str).or((key == "greeting").then_some("hello"))
    }
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, EffectError> {
        match &self.refuse {
            Some(error) => {
                self.is_refused = true;
                Err(error.clone())
            }
            None => Ok(self.state.get(key).cloned()),
        }
    }
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), EffectError> {
        self.state.insert(key.to_vec(), value.to_vec());
        Ok(())
    }
    fn delete(&mut self, key: &[u8]) -> Result<(), EffectError> {
        self.state.remove(key);
        Ok(())
    }
    fn scan_page(
        &mut self,
        prefix: &[u8],
        after: Option<&[u8]>,
        max: usize,
    ) -> Result<StatePage, EffectError> {
        if let Some(error) = &self.refuse {
            self.is_refused = true;
            return Err(error.clone());
        }
        if self.has_deleted {
            return Ok(StatePage { entries: Vec::new(), after: Some(Vec::new()) });
        }
        let within = |key: &[u8]| key.starts_with(prefix) && after.is_none_or(|after| key > after);
        let entries = self.state.iter().filter(|(key, _)| within(key)).take(max);
        let entries: Vec<_> = entries.map(|(key, value)| (key.clone(), value.clone())).collect();
        let after = entries.last().map(|(key, _)| key.clone());
        Ok(StatePage { entries, after })
    }
    fn publish(&mut self, event: NewEvent) -> Result<(), EffectError> {
        self.published.push(event);
        Ok(())
    }
    fn schedule(&mut self, name: &str, event: NewEvent, at: Timestamp) -> Result<(), EffectError> {
        self.timers.insert(name.to_owned(), (event, at.0));
        Ok(())
    }
    fn cancel(&mut self, name: &str) -> Result<(), EffectError> {
        match &self.refuse {
            Some(error) => {
                self.is_refused = true;
                Err(error.clone())
            }
            None => {
                self.timers.remove(name);
                Ok(())
            }
        }
    }
    fn answer(&mut self, answer: Result<Vec<u8>, camshaft_event::Refusal>) -> Result<(), EffectError> {
        self.answer = Some(answer);
        Ok(())
    }
    fn load(&mut self, scope: &Scope) -> Result<Option<Vec<u8>>, EffectError> {
        match self.refuse.clone() {
            Some(error) => self.refused(error),
            None => Ok(self.folds.get(scope).cloned()),
        }
    }
    fn record(&mut self, fact: NewFact) -> Result<(), EffectError> {
        let event_type = &fact.event.event_type;
        if !self.records.is_empty() && !self.records.contains(event_type) {
            let event_type = event_type.clone();
            return self.refused(EffectError::UndeclaredType { event_type });
        }
        self.facts.push(fact);
        Ok(())
    }
    fn touched_scopes(&mut self) -> Vec<TouchedScope> {
        let scopes: BTreeSet<&Scope> = self.facts.iter().flat_map(|fact| &fact.about).collect();
        let waiting = scopes.into_iter().filter(|scope| !self.folded.contains(scope));
        let facts_about = |scope: &Scope| {
            let about = self.facts.iter().filter(|fact| fact.about.contains(scope));
            about.flat_map(|fact| vec![Self::stored(fact); self.repeated.max(1)]).collect()
        };
        let touched = waiting.map(|scope| TouchedScope {
            scope: scope.clone(),
            fold: self.folds.get(scope).cloned(),
            facts: facts_about(scope),
        });
        touched.collect()
    }
    fn set_fold(&mut self, scope: &Scope, fold: Vec<u8>) -> Result<(), EffectError> {
        self.folded.insert(scope.clone());
        self.folds.insert(scope.clone(), fold);
        Ok(())
    }
    fn refusal(&self) -> Option<&EffectError> {
        self.refuse.as_ref().filter(|_| self.is_refused)
    }
    fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }
    fn log(&mut self, level: LogLevel, message: &str, fields: &[(String, String)]) {
        let fields: String = fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        self.lines.push((level, format!("{message}{fields}")));
    }
}
