//! Calls of sinks, step by step: launched, which is all before the handler is called, and landed, which is
//! the rest.

use camshaft_engine::{
    Attempt, Batch, Call, CallStart, Committed, Finished, Handler, Release, WorkerContext,
};
use camshaft_event::{Answer, Delivery, Sequence, Sink};

use super::{Scripted, World, spec};

/// A call that may be made once `after` is durable.
pub struct InFlight {
    call: Box<Call>,
    attempt: Box<Attempt>,
    pub after: Sequence,
}

/// A sink of `types`.
pub fn sink(name: &str, types: &[&str], delivery: Delivery) -> camshaft_engine::ConsumerSpec {
    let mut spec = spec(name, types);
    spec.policy.sink = Some(Sink { delivery, ..Sink::default() });
    spec
}

impl World {
    pub fn take_call(&mut self) -> Option<Batch> {
        let now = self.now();
        self.sequencer().take_call(now).unwrap()
    }

    /// Takes and releases the next call. Events that only have to wait are dealt with on the way.
    pub fn launch(&mut self) -> Option<InFlight> {
        loop {
            let batch = self.take_call()?;
            let context = WorkerContext {
                options: &self.options,
                reader: &self.running.as_ref().unwrap().reader,
                clock: &*self.clock,
                random: &mut self.random,
            };
            let (mut call, attempt) = match Call::begin(batch, context) {
                CallStart::Call(call, attempt) => (call, attempt),
                CallStart::Finished(finished) => {
                    self.commit(*finished);
                    continue;
                }
            };
            let now = self.now();
            let release = self.sequencer().release(&mut call, &attempt, now).unwrap();
            match release {
                Release::After(after) => return Some(InFlight { call, attempt, after }),
                Release::NotNow(_) => {
                    self.commit(call.abandon());
                    return None;
                }
                Release::Stale => panic!("nothing happened since it was taken"),
            }
        }
    }

    /// Gives back a call that found no instance before it was released.
    pub fn give_back_short(&mut self) -> Committed {
        let batch = self.take_call().unwrap();
        let context = WorkerContext {
            options: &self.options,
            reader: &self.running.as_ref().unwrap().reader,
            clock: &*self.clock,
            random: &mut self.random,
        };
        let CallStart::Call(call, attempt) = Call::begin(batch, context) else {
            panic!("there is a call to make")
        };
        let finished = call.run_short(*attempt, &mut self.random);
        self.commit_call(Box::new(finished)).unwrap()
    }

    /// Calls the handler, which must be allowed by now, and commits what comes of it.
    pub fn land(&mut self, in_flight: InFlight) -> Committed {
        self.try_land(in_flight).unwrap()
    }

    /// The same; comes back finished if there is no room to commit it.
    pub fn try_land(&mut self, in_flight: InFlight) -> Result<Committed, Box<Finished>> {
        let finished = self.call(in_flight);
        self.commit_call(finished)
    }

    pub fn call(&mut self, in_flight: InFlight) -> Box<Finished> {
        let InFlight { call, attempt, after } = in_flight;
        assert!(self.sequencer().durable().sequence >= after, "what it can see is durable");
        let (answer, attempt) = self.scripted(*attempt);
        Box::new(call.end(answer, attempt, &mut self.random))
    }

    pub fn commit_call(&mut self, finished: Box<Finished>) -> Result<Committed, Box<Finished>> {
        let now = self.now();
        self.sequencer().commit_call(finished, now).unwrap()
    }

    /// Makes one whole call, if there is one to make.
    pub fn step_call(&mut self) -> Option<Committed> {
        let in_flight = self.launch()?;
        self.sync();
        Some(self.land(in_flight))
    }

    fn scripted(&mut self, attempt: Attempt) -> (Answer, Attempt) {
        let (plugins, calls, clock) = (&mut self.plugins, &self.calls, &self.clock);
        Scripted { plugins, calls, clock, shortages: &self.shortages, consumer: String::new() }.call(attempt)
    }
}
