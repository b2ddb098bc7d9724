//! However decisions over shared scopes run beside each other, they come to what some serial order gives: the
//! order of the log.

use std::collections::BTreeMap;

use camshaft_engine::{Batch, Finished};
use camshaft_event::{CommandOutcome, Offset};
use proptest::prelude::*;

use crate::promises::harness::{World, list};

/// One step of the runtime's threads.
#[derive(Clone, Copy, Debug)]
enum Step {
    Take,
    Run(usize),
    Commit(usize),
    Sync,
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Take),
        4 => (0..4_usize).prop_map(Step::Run),
        4 => (0..4_usize).prop_map(Step::Commit),
        1 => Just(Step::Sync),
        1 => Just(Step::Flush),
    ]
}

/// The accounts of a command: up to three of five.
fn accounts() -> impl Strategy<Value = String> {
    proptest::sample::subsequence(vec!["1", "2", "3", "4", "5"], 1..=3)
        .prop_shuffle()
        .prop_map(|ids| ids.join(" "))
}

fn run_all(world: &mut World, steps: &[Step]) {
    let (mut taken, mut finished): (Vec<Batch>, Vec<Finished>) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Take => taken.extend(world.take()),
            Step::Run(at) if *at < taken.len() => {
                let batch = taken.swap_remove(*at);
                finished.push(world.run(batch));
            }
            Step::Commit(at) if *at < finished.len() => {
                let batch = finished.swap_remove(*at);
                world.commit(batch);
            }
            Step::Run(_) | Step::Commit(_) => {}
            Step::Sync => world.arrive(),
            Step::Flush => _ = world.flush(),
        }
    }
    for batch in taken {
        finished.push(world.run(batch));
    }
    finished.into_iter().for_each(|finished| _ = world.commit(finished));
    world.settle();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decisions_beside_each_other_equal_a_serial_order_and_folds_equal_all_facts_from_scratch(
        commands in proptest::collection::vec(accounts(), 1..24),
        steps in proptest::collection::vec(step(), 0..60),
        grouping in 1..5_usize,
    ) {
        let mut world = World::with_bank();
        let sent: BTreeMap<Offset, &String> =
            commands.iter().enumerate().map(|(id, to)| (world.transfer(&id.to_string(), to), to)).collect();
        world.arrive();
        run_all(&mut world, &steps);
        // In the order of the log each decision has seen what the ones before it had left.
        let mut decisions: Vec<_> = sent.iter().map(|(at, to)| (world.decided(*at), *to)).collect();
        decisions.sort_by_key(|(decision, _)| decision.first_fact);
        let mut folds: BTreeMap<&str, u64> = BTreeMap::new();
        for (decision, to) in decisions {
            let first = to.split(' ').next().unwrap_or_default();
            let CommandOutcome::Accepted { reply } = decision.outcome else { panic!("it is accepted") };
            let seen = reply.split(|byte| *byte == b' ').filter(|id| !id.is_empty()).count() as u64;
            prop_assert_eq!(seen, folds.get(first).copied().unwrap_or(0));
            to.split(' ').for_each(|account| *folds.entry(account).or_default() += 1);
        }
        for (account, version) in folds {
            let facts: Vec<_> = world.facts(account).into_iter().map(|fact| fact.event).collect();
            prop_assert_eq!(facts.len() as u64, version);
            let groups = facts.chunks(grouping);
            let fold = groups.fold(None, |fold: Option<Vec<u8>>, facts| {
                Some(list(fold.as_deref(), facts).expect("it always folds"))
            });
            prop_assert_eq!(fold, Some(world.account(account).expect("it has facts").fold));
        }
    }
}
