//! Components that import WASI: it is there, and there is nothing in it.

use camshaft_event::{Answer, FailureCause, LogLevel};

use crate::support::{Attempt, Bench, MANIFEST, event, with_manifest};

/// A component whose handler prints, reads the clock and random numbers, and calls `function` of sockets.
#[expect(clippy::too_many_lines, reason = "the text of a component")]
fn guest(after_printing: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
      (import "wasi:io/error@0.2.3" (instance $error (export "error" (type (sub resource)))))
      (alias export $error "error" (type $error-type))
      (import "wasi:io/streams@0.2.3" (instance $streams
        (export "output-stream" (type $stream (sub resource)))
        (alias outer 1 $error-type (type $outer-error))
        (export "error" (type $e (eq $outer-error)))
        (type $stream-error' (variant (case "last-operation-failed" (own $e)) (case "closed")))
        (export "stream-error" (type $stream-error (eq $stream-error')))
        (export "[method]output-stream.blocking-write-and-flush"
          (func (param "self" (borrow $stream)) (param "contents" (list u8))
            (result (result (error $stream-error)))))))
      (alias export $streams "output-stream" (type $stream))
      (import "wasi:cli/stderr@0.2.3" (instance $stderr
        (alias outer 1 $stream (type $outer-stream))
        (export "output-stream" (type $s (eq $outer-stream)))
        (export "get-stderr" (func (result (own $s))))))
      (import "wasi:io/poll@0.2.3" (instance $poll (export "pollable" (type (sub resource)))))
      (alias export $poll "pollable" (type $pollable))
      (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock
        (alias outer 1 $pollable (type $outer-pollable))
        (export "pollable" (type $p (eq $outer-pollable)))
        (export "now" (func (result u64)))
        (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
      (import "wasi:random/random@0.2.3" (instance $random (export "get-random-u64" (func (result u64)))))
      (import "wasi:cli/environment@0.2.3" (instance $environment
        (export "get-arguments" (func (result (list string))))))
      (import "wasi:sockets/tcp-create-socket@0.2.3" (instance $tcp
        (export "tcp-socket" (type $socket (sub resource)))
        (type $code' (enum "unknown" "access-denied" "not-supported"))
        (export "error-code" (type $code (eq $code')))
        (export "create-tcp-socket" (func (result (result (own $socket) (error $code)))))
        (export "poke" (func))))
      (import "camshaft:plugin/types@0.1.0" (instance $types
        (type $event' (record (field "id" string) (field "source" string) (field "event-type" string)
          (field "subject" (option string)) (field "time" (option string))
          (field "datacontenttype" (option string)) (field "dataschema" (option string))
          (field "partitionkey" (option string)) (field "extensions" (list (tuple string string)))
          (field "data" (list u8))))
        (export "event" (type $event (eq $event')))
        (type $retry' (record (field "after-ms" (option u64)) (field "reason" string)))
        (export "retry" (type $retry (eq $retry')))
        (type $failure' (variant (case "retry" $retry) (case "reject" string) (case "other" string)))
        (export "failure" (type $failure (eq $failure')))))
      (alias export $types "event" (type $event))
      (alias export $types "failure" (type $failure))
      (core module $libc
        (memory (export "memory") 1)
        (global $next (mut i32) (i32.const 4096))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local i32)
          (local.set 4 (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
          (global.set $next (i32.add (local.get 4) (local.get 3)))
          (local.get 4)))
      (core instance $libc (instantiate $libc))
      (alias core export $libc "memory" (core memory $memory))
      (alias core export $libc "realloc" (core func $realloc))
      (alias export $streams "[method]output-stream.blocking-write-and-flush" (func $write))
      (alias export $stderr "get-stderr" (func $get-stderr))
      (alias export $clock "now" (func $now))
      (alias export $clock "subscribe-duration" (func $subscribe))
      (alias export $random "get-random-u64" (func $draw))
      (alias export $environment "get-arguments" (func $arguments))
      (alias export $tcp "create-tcp-socket" (func $connect))
      (alias export $tcp "poke" (func $poke))
      (core func $core-write (canon lower (func $write) (memory $memory)))
      (core func $core-get-stderr (canon lower (func $get-stderr)))
      (core func $core-now (canon lower (func $now)))
      (core func $core-subscribe (canon lower (func $subscribe)))
      (core func $core-drop (canon resource.drop $pollable))
      (core func $core-draw (canon lower (func $draw)))
      (core func $core-arguments (canon lower (func $arguments) (memory $memory) (realloc $realloc)))
      (core func $core-connect (canon lower (func $connect) (memory $memory)))
      (core func $core-poke (canon lower (func $poke)))
      (core module $main
        (import "libc" "memory" (memory 1))
        (import "wasi" "write" (func $write (param i32 i32 i32 i32)))
        (import "wasi" "get-stderr" (func $get-stderr (result i32)))
        (import "wasi" "now" (func $now (result i64)))
        (import "wasi" "subscribe" (func $subscribe (param i64) (result i32)))
        (import "wasi" "drop" (func $drop (param i32)))
        (import "wasi" "draw" (func $draw (result i64)))
        (import "wasi" "arguments" (func $arguments (param i32)))
        (import "wasi" "connect" (func $connect (param i32)))
        (import "wasi" "poke" (func $poke))
        (data (i32.const 512) "one\ntwo")
        (func (export "handle") (param i32) (result i32)
          (call $write (call $get-stderr) (i32.const 512) (i32.const 7) (i32.const 600))
          (if (i64.ne (call $now) (i64.const 1357000000123000000)) (then unreachable))
          (if (i64.ne (call $draw) (i64.const 0xabababababababab)) (then unreachable))
          (call $arguments (i32.const 620))
          (if (i32.load (i32.const 624)) (then unreachable))
          (call $connect (i32.const 640))
          (if (i32.ne (i32.load8_u (i32.const 640)) (i32.const 1)) (then unreachable))
          (if (i32.ne (i32.load8_u (i32.const 644)) (i32.const 1)) (then unreachable))
          {after_printing}
          (i32.const 64)))
      (core instance $main (instantiate $main (with "libc" (instance $libc)) (with "wasi" (instance
        (export "write" (func $core-write)) (export "get-stderr" (func $core-get-stderr))
        (export "now" (func $core-now)) (export "subscribe" (func $core-subscribe))
        (export "drop" (func $core-drop)) (export "draw" (func $core-draw))
        (export "arguments" (func $core-arguments)) (export "connect" (func $core-connect))
        (export "poke" (func $core-poke))))))
      (type $handle (func (param "event" $event) (result (result (error $failure)))))
      (func (export "handle") (type $handle)
        (canon lift (core func $main "handle") (memory $memory) (realloc $realloc))))"#
    );
    with_manifest(wat::parse_str(text).unwrap(), &[MANIFEST])
}

#[test]
fn clocks_and_random_numbers_are_the_attempts_and_output_goes_to_the_log() {
    let mut instance = Bench::new().instance(&guest(""));
    let (answer, attempt) = instance.call(&event(), Attempt::default());
    assert_eq!(answer, Answer::Done);
    assert_eq!(attempt.lines, [(LogLevel::Warn, "one".to_owned()), (LogLevel::Warn, "two".to_owned())]);
}

#[test]
fn an_instance_with_a_wait_that_it_has_not_ended_serves_no_other_event() {
    for (body, is_spent) in [
        ("", false),
        ("(call $drop (call $subscribe (i64.const 50000000)))", false),
        ("(drop (call $subscribe (i64.const 50000000)))", true),
        ("(call $drop (call $subscribe (i64.const 1))) (drop (call $subscribe (i64.const 0)))", true),
    ] {
        let mut instance = Bench::new().instance(&guest(body));
        let (answer, _) = instance.call(&event(), Attempt::default());
        assert_eq!((answer, instance.is_spent()), (Answer::Done, is_spent), "{body}");
    }
}

#[test]
fn what_a_guest_wrote_to_standard_error_explains_its_trap() {
    let mut instance = Bench::new().instance(&guest("(unreachable)"));
    match instance.call(&event(), Attempt::default()).0 {
        Answer::Failed { cause: FailureCause::Trap, error } => {
            assert!(error.starts_with("the handler trapped: one\ntwo\nbacktrace"), "{error}");
        }
        other => panic!("a trap was expected, not {other:?}"),
    }
}

#[test]
fn a_function_without_a_way_to_say_no_traps_with_its_name() {
    let mut instance = Bench::new().instance(&guest("(call $poke)"));
    match instance.call(&event(), Attempt::default()).0 {
        Answer::Failed { cause: FailureCause::Trap, error } => {
            let name = "`wasi:sockets/tcp-create-socket@0.2.3#poke`, which a plugin does not have";
            assert!(error.contains(name), "{error}");
        }
        other => panic!("a trap was expected, not {other:?}"),
    }
}
