//! Versions of plugins: offered, run, replaced, rolled back and pinned, as whoever watches the plugins
//! directory does.

use camshaft_engine::{ConsumerError, ConsumerSpec, Pause, VerdictOutcome};

use super::Run;
use crate::consumers::{self, COMMANDS};
use crate::faults::Fault;
use crate::model::fails;

impl Run {
    /// Puts newer code in a plugin's place.
    pub(super) fn replace(&mut self) {
        let at = self.pick(self.consumers.len());
        self.versions += 1;
        let version = self.versions;
        let Some(declared) = self.consumers.get_mut(at) else { return };
        declared.spec = consumers::replaced(&declared.spec, version);
        declared.past.push(declared.spec.clone());
        if declared.is_attached {
            let state = self.process.sequencer().consumer_state(&declared.spec.name);
            let is_on_probation = state.is_some_and(|state| state.probation.is_some());
            self.note(Fault::Replaced);
            let is_attached = self.attach(at);
            self.note_if(Fault::ReplacedOnProbation, is_on_probation && is_attached);
        }
    }

    /// Attaches a consumer by what its plugin's file says, or by what took its place; whether there was room
    /// for it.
    pub(super) fn attach(&mut self, at: usize) -> bool {
        let now = self.now();
        let Some(spec) = self.wanted(at) else { return false };
        let predecessor = self.predecessor(at, &spec);
        let (name, policy) = (spec.name.clone(), spec.policy.clone());
        let before = self.process.sequencer().consumer_state(&name);
        let was_attached = self.consumers.get(at).is_some_and(|declared| declared.is_attached);
        let attached = self.process.sequencer().attach_after(spec, predecessor, now);
        self.tell(|| format!("attach {name} → {attached:?}"));
        if attached.is_ok() {
            let state = self.process.sequencer().consumer_state(&name).expect("it is there now");
            self.delivery.attached(&name, &policy, state.record.paused.is_some());
            let begins = attached.as_ref().is_ok_and(|attached| attached.is_new) && state.probation.is_some();
            self.note_if(Fault::OnProbation, begins);
        }
        self.hear_verdicts();
        if let Some(declared) = self.consumers.get_mut(at) {
            declared.is_attached |= attached.is_ok();
        }
        match attached {
            Ok(_) if before.is_none() => self.note(Fault::Created),
            Ok(_) if !was_attached => self.note(Fault::PutBack),
            Ok(_) => {}
            Err(ConsumerError::Unready(_)) => {
                self.note(Fault::Unready);
                return false;
            }
            Err(error) => {
                self.check_undecided(&error);
                // The file of a version that decides all commands is put back.
                let decides_all = |spec: &&ConsumerSpec| spec.role.commands().len() == COMMANDS.len();
                if let Some(declared) = self.consumers.get_mut(at) {
                    let last = declared.past.iter().rev().find(decides_all).cloned();
                    declared.spec = last.expect("the first version decides all commands");
                }
                return self.attach(at);
            }
        }
        true
    }

    /// What is to run: what the file says, unless that was rolled back; then what runs, or ran last.
    fn wanted(&self, at: usize) -> Option<ConsumerSpec> {
        let declared = self.consumers.get(at)?;
        let name = &declared.spec.name;
        let sequencer = self.process.sequencer();
        let rolled_back = sequencer.rolled_back(&declared.spec).expect("the tables can be read");
        let is_known = sequencer.consumer_state(name).is_some();
        let current = sequencer.current_activation(name).expect("the tables can be read");
        let current = current.filter(|_| rolled_back.is_some() && is_known);
        let digest = current.map_or(declared.spec.digest.clone(), |activation| activation.digest);
        declared.past.iter().find(|spec| spec.digest == digest).cloned()
    }

    /// The code that a consumer would go back to, unless nobody has kept it.
    fn predecessor(&mut self, at: usize, spec: &ConsumerSpec) -> Option<ConsumerSpec> {
        let is_lost = self.random.below(8) == 0;
        let activation = self.process.sequencer().predecessor(spec).expect("the tables can be read");
        let digest = activation.filter(|_| !is_lost)?.digest;
        self.consumers.get(at)?.past.iter().find(|spec| spec.digest == digest).cloned()
    }

    /// Takes back what a consumer runs, or pins it, or lets it go.
    pub(super) fn choose_version(&mut self) {
        let at = self.pick(self.consumers.len());
        let Some(declared) = self.consumers.get(at) else { return };
        let versions = declared.past.len();
        let (name, is_attached) = (declared.spec.name.clone(), declared.is_attached);
        let chosen = self.pick(versions);
        let chosen = self.consumers.get(at).and_then(|declared| declared.past.get(chosen)).cloned();
        let Some(chosen) = chosen else { return };
        let now = self.now();
        let done = match self.random.below(4) {
            0 if is_attached => {
                let policy = chosen.policy.clone();
                let digest = chosen.digest.clone();
                let back = self.process.sequencer().roll_back(chosen, now);
                self.tell(|| format!("roll {name} back to {digest} → {back:?}"));
                if back.is_ok() {
                    let state = self.process.sequencer().consumer_state(&name);
                    let is_paused = state.is_some_and(|state| state.record.paused.is_some());
                    self.delivery.attached(&name, &policy, is_paused);
                }
                back.map(|_| Fault::RolledBackByHand)
            }
            1 | 2 => {
                let pinned = self.process.sequencer().pin(&name, Some(chosen.digest), now);
                pinned.map(|_| Fault::Pinned)
            }
            _ => self.process.sequencer().pin(&name, None, now).map(|_| Fault::Unpinned),
        };
        self.tell(|| format!("version of {name}: {done:?}"));
        self.hear_verdicts();
        match done {
            Ok(fault) => self.note(fault),
            Err(ConsumerError::Unready(_)) => self.note(Fault::Unready),
            Err(ConsumerError::NotFound { .. }) => {}
            Err(error) => self.check_undecided(&error),
        }
    }

    /// Learns how probations ended.
    pub(super) fn hear_verdicts(&mut self) {
        let verdicts = self.process.sequencer().take_verdicts();
        for verdict in verdicts {
            self.tell(|| format!("{verdict:?}"));
            let name = &verdict.consumer;
            match verdict.outcome {
                VerdictOutcome::Accepted => self.note(Fault::Accepted),
                VerdictOutcome::Stopped => {
                    self.delivery.paused(name);
                    self.note(Fault::Stopped);
                }
                VerdictOutcome::RolledBack(told) => {
                    self.note_if(Fault::FailedAtTheEnd, !fails(told.measured, told.before));
                    let state = self.process.sequencer().consumer_state(name);
                    let is_paused = state.is_some_and(|state| state.record.paused.is_some());
                    let policy = self.consumers.iter().find(|declared| declared.spec.name == *name);
                    if let Some(policy) = policy.map(|declared| declared.spec.policy.clone()) {
                        self.delivery.attached(name, &policy, is_paused);
                    }
                    self.note(Fault::RolledBack);
                }
            }
        }
    }

    /// Notes which probations a crash has met.
    pub(super) fn note_probations(&mut self) {
        let states = self.process.sequencer().consumer_states();
        let survived = |state: &camshaft_engine::ConsumerState| {
            let is_stopped = state.pauses.iter().any(|pause| matches!(pause, Pause::Probation { .. }));
            state.probation.is_some_and(|probation| probation.measured.events > 0) && !is_stopped
        };
        let survived = states.iter().any(survived);
        self.note_if(Fault::ProbationSurvived, survived);
    }
}
