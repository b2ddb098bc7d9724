//! What a compiler process may do to the process that started it: nothing. The programs here are shells.

use std::{
    fs,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use super::*;

/// Longest wait for something that has to happen; only a failing test reaches it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A compiler that is the shell's `script`; `$0` is `argument`.
fn shell(script: &str, argument: &Path) -> CompilerProgram {
    CompilerProgram {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into(), argument.into()],
        environment: vec![("A".into(), "b".into())],
    }
}

fn limits(clock: Duration) -> Limits {
    let order = CompileOrder {
        memory_bytes: 1 << 20,
        seconds: 7,
        all_cores: false,
        compatibility: "fit".into(),
        functions: None,
    };
    Limits { order, clock }
}

fn run(script: &str) -> Result<Vec<u8>, End> {
    let limits = limits(Duration::from_secs(300));
    child::compile(&shell(script, Path::new("sh")), &limits, &[7; 1 << 20], &|_| false)
}

fn failed_with(end: Result<Vec<u8>, End>) -> String {
    match end {
        Err(End::Failed(reason)) => reason,
        other => panic!("{:?}", other.map(|image| image.len())),
    }
}

#[test]
fn a_whole_image_is_taken_and_all_of_the_component_was_handed_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image");
    let image = image::seal(b"machine code".to_vec());
    fs::write(&file, &image).unwrap();
    let script = "test $(wc -c) = 1048576 && test \"$*\" = '1048576 7 false fit' && cat \"$0\"";
    let made =
        child::compile(&shell(script, &file), &limits(Duration::from_secs(300)), &[7; 1 << 20], &|_| false);
    assert_eq!(made.map(|made| image::code(&made).map(<[u8]>::to_vec)), Ok(Some(b"machine code".to_vec())));
    for damaged in [&image[..image.len() - 1], &image[1..], b"", b"machine code"] {
        fs::write(&file, damaged).unwrap();
        let made =
            child::compile(&shell("cat \"$0\"", &file), &limits(Duration::from_secs(300)), &[], &|_| false);
        assert_eq!(failed_with(made), "the compiler's output is damaged");
    }
}

#[test]
fn a_process_that_ends_is_told_by_its_end() {
    assert_eq!(run("kill -XCPU $$"), Err(End::Time));
    assert_eq!(run("echo memory allocation of 5 bytes failed >&2; kill -ABRT $$"), Err(End::Memory));
    assert_eq!(run("exit 4"), Err(End::Memory));
    assert_eq!(run("echo bad magic >&2; exit 3"), Err(End::Invalid("bad magic".into())));
    assert_eq!(failed_with(run("echo no such thing >&2; exit 1")), "no such thing");
    assert_eq!(failed_with(run("exit 9")), "the compiler ended with 9");
    assert_eq!(failed_with(run("kill -SEGV $$")), "signal 11 ended the compiler");
    let missing = CompilerProgram { program: "/no/such/program".into(), ..shell("", Path::new("")) };
    let missing = child::compile(&missing, &limits(Duration::from_secs(300)), &[], &|_| false);
    let reason = failed_with(missing);
    assert!(reason.starts_with("the compiler \"/no/such/program\" could not be started: "), "{reason}");
}

#[test]
fn a_process_that_does_nothing_is_killed_when_its_time_is_over_or_another_load_comes_first() {
    let shell = shell("exec sleep 60", Path::new("sh"));
    let made = child::compile(&shell, &limits(Duration::from_millis(50)), &[7; 1 << 20], &|_| false);
    assert_eq!(made, Err(End::Clock));
    let gives_way = |elapsed: Duration| elapsed >= Duration::from_millis(50);
    let made = child::compile(&shell, &limits(Duration::from_secs(30)), &[], &gives_way);
    assert_eq!(made, Err(End::GaveWay));
    // One that closes its output, and stays.
    assert_eq!(failed_with(run("exec >&- 2>&-; exec sleep 60")), "signal 9 ended the compiler");
}

#[test]
fn a_flood_on_stderr_or_stdout_is_cut_off() {
    let reason = failed_with(run("head -c 10000000 /dev/zero | tr '\\0' x >&2; exit 1"));
    assert_eq!(reason, "x".repeat(4 * 1024));
    let reason = failed_with(run("head -c 10000000 /dev/zero"));
    assert_eq!(reason, "the compiler's output is damaged");
}

#[test]
fn a_process_gets_none_of_the_runtimes_environment() {
    let reason = failed_with(run("env >&2; exit 1"));
    assert!(reason.contains("A=b"), "{reason}");
    assert!(!reason.contains("CARGO") && !reason.contains("HOME="), "{reason}");
}

#[test]
fn a_limit_that_is_hit_names_its_setting() {
    let options = HostOptions {
        max_compile_memory_bytes: 1 << 20,
        max_compile_ms: 2_000,
        ..HostOptions::new("/nowhere")
    };
    let engine = Engine::default();
    let compiler = Compiler::new(&options, &engine);
    let said = |end: End| compiler.refuse(end, Path::new("a.wasm"));
    for (end, message, setting) in [
        (End::Memory, "\"a.wasm\" could not be compiled within 1.0 MiB", "limits.max_compile_memory"),
        (
            End::Time,
            "\"a.wasm\" could not be compiled within 2 s of processor time",
            "limits.max_compile_time",
        ),
        (
            End::Clock,
            "\"a.wasm\" could not be compiled within 20 s, 10 times the limit",
            "limits.max_compile_time",
        ),
    ] {
        let refusal = said(end);
        assert_eq!(refusal.code, RefusalCode::CompileFailed);
        assert_eq!(refusal.message, format!("{message} (setting `{setting}`)"));
        assert!(refusal.hint.contains(setting), "{}", refusal.hint);
    }
    assert_eq!(said(End::Invalid("x".into())).code, RefusalCode::InvalidComponent);
}

#[test]
fn a_slow_load_gives_way_and_can_be_abandoned() {
    let options = HostOptions {
        compiler: Some(shell("exec sleep 60", Path::new("sh"))),
        // Ten times as long by the clock: only a failing test reaches it.
        max_compile_ms: 2_000,
        ..HostOptions::new("/nowhere")
    };
    let engine = Engine::default();
    let compiler = Compiler::new(&options, &engine);
    let load = |haste: Haste, is_abandoned: &dyn Fn() -> bool| {
        let loading = Loading { haste, is_abandoned, ..Loading::WHOLE };
        compiler.compile(&engine, &[], Path::new("a.wasm"), &loading)
    };
    assert_eq!(load(Haste::Whole, &|| true), Err(Halt::GaveWay));
    let is_over = AtomicBool::new(false);
    let (load, is_over) = (&load, &is_over);
    thread::scope(|scope| {
        let mut slow: Vec<_> = (0..compiler.turns.at_a_time())
            .map(|_| {
                let (tell, told) = mpsc::channel();
                let slow = scope.spawn(move || {
                    // Asked only while it compiles, so it has its turn.
                    load(Haste::Slow, &|| {
                        _ = tell.send(());
                        is_over.load(Ordering::Acquire)
                    })
                });
                told.recv().unwrap();
                slow
            })
            .collect();
        slow.push(scope.spawn(|| load(Haste::Slow, &|| is_over.load(Ordering::Acquire))));
        thread::sleep(Duration::from_millis(100));
        let none_ended = slow.iter().all(|slow| !slow.is_finished());
        // It waits for a turn, so one of the slow ones is killed.
        let other = scope.spawn(|| load(Haste::Whole, &|| is_over.load(Ordering::Acquire)));
        let one_ended = comes_true(|| slow.iter().any(|slow| slow.is_finished()));
        is_over.store(true, Ordering::Release);
        for load in slow.into_iter().chain([other]) {
            assert_eq!(load.join().unwrap(), Err(Halt::GaveWay));
        }
        assert!(none_ended, "slow ones end no other load");
        assert!(one_ended, "one gives way to the other");
    });
}

#[test]
fn start_code_is_tried_in_a_turn_unless_an_operator_waits_for_it() {
    let compiler = Compiler::new(&HostOptions::new("/nowhere"), &Engine::default());
    let compiler = &compiler;
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let compiled: Vec<_> = (0..compiler.turns.at_a_time()).map(|_| compiler.turns.take(false)).collect();
        let try_out = |haste: Haste| {
            let tell = tell.clone();
            scope.spawn(move || {
                let turn = compiler.turn_to_try(&Loading { haste, ..Loading::WHOLE });
                _ = tell.send((haste, turn.is_some()));
            });
        };
        try_out(Haste::Whole);
        let first = told.recv_timeout(PATIENCE);
        assert_eq!(first, Ok((Haste::Whole, false)), "an operator does not wait for compilers");
        try_out(Haste::Slow);
        assert!(told.recv_timeout(Duration::from_millis(100)).is_err(), "all turns are taken");
        assert!(!compiled[0].is_wanted(), "a slow one ends no other load");
        try_out(Haste::Slice);
        assert!(comes_true(|| compiled[0].is_wanted()), "a first try waits for a turn");
        assert!(told.try_recv().is_err(), "all turns are taken");
        drop(compiled);
        for _ in 0..2 {
            assert!(told.recv_timeout(PATIENCE).unwrap().1);
        }
    });
}

/// Whether this comes true before patience ends.
fn comes_true(is_so: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !is_so() && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(1));
    }
    is_so()
}
