//! Damage to what few consumers need: an old record of the log, or a state value in the store. Whoever meets
//! it pauses, nobody else notices, and an operator lets it go on.

use camshaft_engine::{ConsumerError, ConsumerState, DamagedPart, ResetPlace, ResetTo};
use camshaft_event::Offset;
use camshaft_log::Disk;
use camshaft_tables::TablePart;

use super::Run;
use super::mishaps::find;
use crate::consumers::BANK;
use crate::faults::Fault;

/// Bytes of a record before its payload.
const HEADER_BYTES: usize = 48;

/// A record of the log that was damaged.
#[derive(Clone, Debug)]
pub(super) struct Spoiled {
    file: String,
    position: usize,
    mask: u8,
    from: Offset,
    until: Offset,
}

impl Run {
    /// Damages a record, or a state value, that the next start will not check. One of each at a time.
    pub(super) fn spoil_something(&mut self) {
        if self.random.coin() { self.spoil_a_record() } else { self.spoil_a_state_value() }
    }

    /// Flips a bit of a record that only consumers need that lag behind.
    fn spoil_a_record(&mut self) {
        if self.spoiled.is_some() || self.pending.is_some() {
            return;
        }
        let log = self.process.log();
        let snapshot = self.process.sequencer().tables().snapshot().sequence;
        let first = log.bounds().first_sequence;
        // A start checks what comes after the snapshot, and the last record: nothing behind it tells it from
        // a torn tail.
        let end = snapshot.next().0.min(log.synced());
        let states = self.process.sequencer().consumer_states();
        let least = states.iter().map(|state| state.checkpoint).min().unwrap_or_default();
        let Ok(Some(needed)) = log.find_offset(least.0) else { return };
        let begin = needed.max(first);
        if begin >= end {
            return;
        }
        let sequence = begin + self.random.below((end - begin).min(12));
        let Ok(batch) = log.read_from(sequence, 1) else { return };
        let Some(record) = batch.iter().next() else { return };
        let (from, until) = (record.first_offset, record.first_offset + u64::from(record.count));
        let Some((file, payload)) = find(&self.machine, record.payload) else { return };
        let bit = usize::try_from(self.random.below((HEADER_BYTES + record.payload.len()) as u64 * 8));
        let bit = bit.expect("a record is small");
        let spoiled = Spoiled {
            file,
            position: payload - HEADER_BYTES + bit / 8,
            mask: 1 << (bit % 8),
            from: Offset(from),
            until: Offset(until),
        };
        self.tell(|| format!("record {sequence} is damaged: {spoiled:?}"));
        self.flip(&spoiled);
        self.once_spoiled.push(spoiled.from..spoiled.until);
        self.spoiled = Some(spoiled);
    }

    /// Flips the bit, or flips it back; nothing if its file was trimmed.
    fn flip(&self, spoiled: &Spoiled) {
        let names = self.machine.disk.list().expect("a disk can be listed");
        if names.contains(&spoiled.file) {
            self.machine.disk.edit(&spoiled.file, |bytes| {
                *bytes.get_mut(spoiled.position).expect("the record lies in the file") ^= spoiled.mask;
            });
        }
    }

    /// Damages a value that handlers of some consumer read again and again.
    fn spoil_a_state_value(&mut self) {
        let name = self.some_name();
        // No operator can mend the state of one that decides commands.
        let space = self.process.sequencer().state_space(&name).filter(|_| name != BANK);
        let Some(space) = space else { return };
        let list = self.some_list(&name);
        // Where the tables put it in the store: tag, consumer, generation, key.
        let (consumer, generation) = (space.consumer.0.to_be_bytes(), space.generation.0.to_be_bytes());
        let key = [&[6], &consumer[..], &generation[..], &list[..]].concat();
        if self.machine.store.spoil(key) {
            self.tell(|| format!("the state of {name} is damaged"));
        }
    }

    /// Everything that is said to be damaged was damaged here, so nobody else pauses for it.
    pub(super) fn check_damage(&mut self) {
        let states = self.process.sequencer().consumer_states();
        for ConsumerState { record, damage, .. } in states {
            for damage in damage {
                match damage.part {
                    DamagedPart::Events { from, until } => {
                        let spoiled = self.spoiled.as_ref().expect("only a damaged record is said to be one");
                        let within = spoiled.from <= from && until <= spoiled.until.max(from.next());
                        assert!(within, "{} gives up {from} to {until} for {spoiled:?}", record.name);
                    }
                    DamagedPart::Entries(TablePart::State) => {
                        assert!(
                            self.machine.store.was_spoiled(record.id),
                            "the state of {} is sound",
                            record.name
                        );
                    }
                    DamagedPart::Entries(part) => panic!("{part} of {} was never damaged", record.name),
                }
            }
        }
    }

    /// An operator deals with a damaged consumer: tries again, goes on without the damaged part, or begins
    /// anew.
    pub(super) fn deal_with_damage(&mut self) {
        let damaged = self.process.sequencer().damaged();
        if damaged.is_empty() {
            return self.spoil_something();
        }
        let at = self.pick(damaged.len());
        let Some(name) = damaged.get(at).cloned() else { return };
        if self.random.below(3) == 0 {
            let was_paused = self.is_paused_by_hand(&name);
            let is_resumed = self.resume(&name);
            self.note_if(Fault::Resumed, is_resumed && was_paused);
        } else {
            self.skip_or_reset(&name);
        }
    }

    /// Lets all damaged consumers go on.
    pub(super) fn end_damage(&mut self) {
        let damaged = self.process.sequencer().damaged();
        for name in damaged {
            self.skip_or_reset(&name);
        }
    }

    fn skip_or_reset(&mut self, name: &str) {
        let now = self.now();
        let skipped = self.process.sequencer().skip(name, None, now);
        self.tell(|| format!("skip what {name} cannot read → {skipped:?}"));
        match skipped {
            Ok(_) => self.note(Fault::Skipped),
            Err(ConsumerError::Unready(_)) => self.note(Fault::Unready),
            Err(ConsumerError::NotSkippable { .. }) => {
                let place = ResetPlace::Offset(Offset(self.random.below(self.tail() + 1)));
                let to = ResetTo { place, keep_state: false };
                let reset = self.process.sequencer().reset(name, to, now);
                self.tell(|| format!("reset damaged {name} → {reset:?}"));
                match reset {
                    Ok(_) => {
                        self.delivery.reset(name);
                        self.note(Fault::DamageReset);
                    }
                    Err(ConsumerError::Unready(_)) => self.note(Fault::Unready),
                    Err(error) => panic!("{name}: {error}"),
                }
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }

    /// Undoes all damage: from here on the log alone must tell everything again.
    pub(super) fn mend(&mut self) {
        if let Some(spoiled) = self.spoiled.take() {
            self.flip(&spoiled);
        }
        self.machine.store.mend();
    }
}
