//! The plugin around a bomb, in WebAssembly text: the contract's types, a handler that answers `ok`, a
//! manifest.

use super::binary;

/// The contract's types, as a component imports them.
const TYPES: &str = r#"
  (import "camshaft:plugin/types@0.1.0" (instance $types
    (type $event' (record (field "id" string) (field "source" string) (field "event-type" string)
      (field "subject" (option string)) (field "time" (option string))
      (field "datacontenttype" (option string)) (field "dataschema" (option string))
      (field "partitionkey" (option string)) (field "extensions" (list (tuple string string)))
      (field "data" (list u8))))
    (export "event" (type (eq $event')))
    (type $retry' (record (field "after-ms" (option u64)) (field "reason" string)))
    (export "retry" (type $retry (eq $retry')))
    (type $failure' (variant (case "retry" $retry) (case "reject" string) (case "other" string)))
    (export "failure" (type (eq $failure')))))
  (alias export $types "event" (type $event))
  (alias export $types "failure" (type $failure))
"#;

/// A plugin with `manifest`. `component` is text of the component, with imports and lowered functions of its
/// own; `with` is what the handler's module is instantiated with, and `core` the text of that module, which
/// may have a start function. Its memory is the instance `$memory`'s, 64 KiB of which the first two are free
/// to be written to.
#[must_use]
pub fn plugin(component: &str, with: &str, core: &str, manifest: &str) -> Vec<u8> {
    let text = format!(
        r#"(component {TYPES}
          (core module $Memory (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
          (core instance $memory (instantiate $Memory))
          (alias core export $memory "memory" (core memory $bytes))
          (alias core export $memory "realloc" (core func $realloc))
          {component}
          (core module $Main {core}
            (func (export "handle") (param i32) (result i32) (i32.const 2048)))
          (core instance $main (instantiate $Main {with}))
          (type $handle (func (param "event" $event) (result (result (error $failure)))))
          (func $lifted (type $handle) (canon lift (core func $main "handle")
            (memory $bytes) (realloc $realloc) string-encoding=utf8))
          (export "handle" (func $lifted)))"#
    );
    let file = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"));
    binary::with_records(file, &[manifest])
}
