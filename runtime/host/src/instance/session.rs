//! What a store holds: the running attempt's context, and what of the guest outlives a host call.
//!
//! The capabilities and WASI work on it. Between attempts it holds no context.

mod evolving;

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use camshaft_event::{AttemptContext, LogLevel};
use wasmtime::{ResourceLimiter, Trap, bail, component::ResourceTable, format_err};

use super::{
    guest_log::{GuestLog, LineBuffer},
    memory::MemoryLimit,
};
use crate::{
    egress::Http,
    ticks::Ticks,
    wasi::{Waits, Written},
};
use evolving::{Evolving, Line};

/// Most resources a guest may hold at a time: cursors, and streams of WASI.
const MAX_RESOURCES: usize = 256;

/// The same of a guest that may send requests: each of its resources may be one with headers and an address.
const MAX_HTTP_RESOURCES: usize = 128;

/// What the runtime's settings allow each instance of every plugin.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Lines that one attempt may log.
    pub log_lines: u32,
    /// Stack of one call, in bytes.
    pub stack_bytes: u64,
}

/// The data of a store.
pub struct Session<C> {
    context: Option<C>,
    /// Set while the guest is in `evolve`; the context is elsewhere then.
    evolving: Option<Evolving>,
    /// Why the attempt has ended, if it named a scope that the context cannot even be asked for.
    refusal: Option<String>,
    attempt_serial: u64,
    ticks: Arc<Ticks>,
    /// The tick at which the running call is late.
    late_at: u64,
    /// The instance's memory limit.
    pub memory: MemoryLimit,
    /// Resources that the guest holds.
    pub resources: ResourceTable,
    /// What it needs to send requests, if it may.
    pub http: Option<Box<Http>>,
    stdout: LineBuffer,
    stderr: LineBuffer,
    /// The same of a guest whose streams are real, until its call has ended.
    written_stdout: Written,
    written_stderr: Written,
    /// What the guest waits for; see [`Session::has_open_work`].
    waits: Waits,
    started: Instant,
    /// What the runtime's settings allow each instance.
    pub bounds: Bounds,
    log: GuestLog,
}

impl<C> Session<C> {
    /// A session of an instance that may use `memory_bytes`, is held to `bounds`, counts its deadlines by
    /// `ticks`, and sends requests with `http`.
    pub fn new(memory_bytes: usize, bounds: Bounds, ticks: Arc<Ticks>, http: Option<Http>) -> Self {
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(if http.is_some() { MAX_HTTP_RESOURCES } else { MAX_RESOURCES });
        Self {
            context: None,
            evolving: None,
            refusal: None,
            attempt_serial: 0,
            ticks,
            late_at: u64::MAX,
            memory: MemoryLimit::new(memory_bytes),
            resources,
            http: http.map(Box::new),
            stdout: LineBuffer::default(),
            stderr: LineBuffer::default(),
            written_stdout: Written::default(),
            written_stderr: Written::default(),
            waits: Waits::default(),
            started: Instant::now(),
            bounds,
            log: GuestLog::new(bounds.log_lines),
        }
    }

    /// An attempt begins, which is late once so many ticks have passed.
    pub fn begin(&mut self, context: C, deadline_ticks: u64) {
        self.context = Some(context);
        self.reset(deadline_ticks);
    }

    /// A call begins. It is late after this number of ticks.
    fn reset(&mut self, deadline_ticks: u64) {
        self.late_at = self.ticks.passed().saturating_add(deadline_ticks);
        self.attempt_serial += 1;
        self.memory.forget_denied();
        self.log.begin();
        if let Some(http) = &mut self.http {
            http.begin();
        }
    }

    /// Ends a host call whose attempt is past its deadline. Host calls that take several steps look here
    /// between them: the guest's own code is interrupted only once it goes on.
    ///
    /// # Errors
    /// The trap that interrupts the guest's code at the deadline.
    pub fn check_time(&self) -> wasmtime::Result<()> {
        if self.ticks.passed() < self.late_at { Ok(()) } else { Err(Trap::Interrupt.into()) }
    }

    /// The number of the attempt within this instance.
    pub const fn attempt_serial(&self) -> u64 {
        self.attempt_serial
    }

    /// How long the instance has been there; real time, for guests that may wait.
    pub fn since_start(&self) -> Duration {
        self.started.elapsed()
    }

    /// Where a guest with real streams writes its standard output to.
    pub const fn written_stdout(&self) -> &Written {
        &self.written_stdout
    }

    /// Where it writes its standard error to.
    pub const fn written_stderr(&self) -> &Written {
        &self.written_stderr
    }

    /// The waits that the guest has begun.
    pub const fn waits(&self) -> &Waits {
        &self.waits
    }

    /// Whether the guest has started something that would go on in its next call: a wait, or a request under
    /// way.
    pub fn has_open_work(&self) -> bool {
        self.waits.any() || self.http.as_ref().is_some_and(|http| http.is_under_way())
    }

    /// What the guest said before it trapped.
    pub fn last_words(&self) -> Option<Cow<'_, str>> {
        self.log.last_words()
    }

    /// Remembers what the guest says before it traps.
    pub fn note_last_words(&mut self, words: &str) {
        self.log.note_last_words(words);
    }
}

impl<C: AttemptContext> Session<C> {
    /// Passes on what a guest with real streams wrote, and logs the requests that were denied to it: those
    /// are given back, for the attempt's error.
    pub fn collect(&mut self) -> Vec<String> {
        let (stdout, stderr) = (self.written_stdout.take(), self.written_stderr.take());
        self.write_stdout(&stdout);
        self.write_stderr(&stderr);
        let denied = self.http.as_mut().map(|http| http.take_denied()).unwrap_or_default();
        for why in &denied {
            self.log_line(LogLevel::Warn, why.clone(), Vec::new());
        }
        denied
    }

    /// The attempt ended; its context goes back to the caller.
    pub fn end(&mut self) -> C {
        self.flush_streams();
        self.context.take().expect("an attempt that ended has begun with a context")
    }

    /// Passes on the lines of the standard streams that have no end yet.
    fn flush_streams(&mut self) {
        let unfinished = [(LogLevel::Info, self.stdout.flush()), (LogLevel::Warn, self.stderr.flush())];
        for (level, line) in unfinished {
            if let Some(line) = line {
                self.log_line(level, line, Vec::new());
            }
        }
    }

    /// The context of the running attempt for the host itself, also after a refusal.
    pub fn attempt(&mut self) -> &mut C {
        self.tell_memory();
        self.context.as_mut().expect("an attempt that runs has a context")
    }

    /// Ends the attempt because of `reason`: any further call of a capability traps.
    pub fn refuse(&mut self, reason: String) {
        self.refusal.get_or_insert(reason);
    }

    /// Why [`Session::refuse`] ended the attempt, if it did.
    pub const fn take_refusal(&mut self) -> Option<String> {
        self.refusal.take()
    }

    /// The attempt's context, for a call of its capabilities.
    ///
    /// # Errors
    /// No attempt is running, or it has ended with a refusal: then the call traps, and only log lines get
    /// through.
    pub fn context(&mut self) -> wasmtime::Result<&mut C> {
        Ok(self.context_and_resources()?.0)
    }

    /// The attempt's context, if an attempt is running. Also after a refusal: a language's own runtime asks
    /// for the time and for random numbers while it unwinds.
    ///
    /// # Errors
    /// The guest is in `evolve`: then the call traps.
    pub fn context_if_running(&mut self) -> wasmtime::Result<Option<&mut C>> {
        if self.evolving.is_some() { Err(not_in_evolve()) } else { Ok(self.context.as_mut()) }
    }

    /// The attempt's context beside the resource table.
    ///
    /// # Errors
    /// As [`Session::context`].
    pub fn context_and_resources(&mut self) -> wasmtime::Result<(&mut C, &mut ResourceTable)> {
        if self.evolving.is_some() {
            return Err(not_in_evolve());
        }
        self.tell_memory();
        let context = self.context.as_mut().ok_or_else(outside)?;
        let refusal = context.refusal().map(ToString::to_string).or_else(|| self.refusal.clone());
        if let Some(refusal) = refusal {
            bail!("the guest continued after a refused effect, which ends its attempt: {refusal}");
        }
        Ok((context, &mut self.resources))
    }

    /// Sets the memory that the instance of the attempt uses.
    fn tell_memory(&mut self) {
        let (used_bytes, limit_bytes) = self.memory.used_and_limit();
        let used_bytes = used_bytes.saturating_add(self.outside_bytes());
        if let Some(context) = self.context.as_mut() {
            context.set_instance_memory(used_bytes, limit_bytes);
        }
    }

    /// Bytes that the host keeps for the instance's requests.
    fn outside_bytes(&self) -> usize {
        self.http.as_ref().map_or(0, |http| http.kept_bytes())
    }

    /// Bytes that the host keeps for the instance: for its attempt and its requests.
    pub fn kept_bytes(&self) -> usize {
        let lent = || self.evolving.as_ref().map_or(0, |evolving| evolving.kept_bytes);
        let attempt = self.context.as_ref().map_or_else(lent, AttemptContext::kept_bytes);
        attempt.saturating_add(self.outside_bytes())
    }

    /// Passes a line on to the plugin's log, within the attempt's bounds. Lines written while no event is
    /// being handled have no log to go to.
    pub fn log_line(&mut self, level: LogLevel, message: String, fields: Vec<(String, String)>) {
        let Self { context, evolving, log, .. } = self;
        pass_on(context.as_mut(), evolving.as_mut(), log, (level, message, fields));
    }

    /// Takes what the guest wrote to its standard output.
    pub fn write_stdout(&mut self, bytes: &[u8]) {
        let Self { context, evolving, stdout, log, .. } = self;
        stdout.write(bytes, |line| {
            pass_on(context.as_mut(), evolving.as_mut(), log, (LogLevel::Info, line, Vec::new()));
        });
    }

    /// Takes what the guest wrote to its standard error, where a panic's message goes.
    pub fn write_stderr(&mut self, bytes: &[u8]) {
        let Self { context, evolving, stderr, log, .. } = self;
        log.note_stderr(bytes);
        stderr.write(bytes, |line| {
            pass_on(context.as_mut(), evolving.as_mut(), log, (LogLevel::Warn, line, Vec::new()));
        });
    }
}

impl<C: AttemptContext + Send> ResourceLimiter for Session<C> {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let kept_bytes = self.kept_bytes();
        Ok(self.memory.may_grow(current, desired, maximum, kept_bytes))
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.memory.may_have_elements(desired))
    }
}

/// Passes a line on to the attempt, or keeps it while the attempt's context is elsewhere.
fn pass_on<C: AttemptContext>(
    context: Option<&mut C>,
    evolving: Option<&mut Evolving>,
    log: &mut GuestLog,
    (level, message, fields): Line,
) {
    match (context, evolving) {
        (Some(context), _) => {
            log.line(level, message, fields, |level, message, fields| context.log(level, message, fields));
        }
        (None, Some(evolving)) => log.line(level, message, fields, |level, message, fields| {
            evolving.lines.push((level, message.to_owned(), fields.to_vec()));
        }),
        (None, None) => {}
    }
}

fn not_in_evolve() -> wasmtime::Error {
    format_err!("`evolve` called an import; besides log lines, it may use only its arguments")
}

fn outside() -> wasmtime::Error {
    format_err!("the guest called the host while no event was being handled")
}
