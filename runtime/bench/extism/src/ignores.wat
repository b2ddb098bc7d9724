;; Copies its input into its own memory and succeeds.
(module
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_load_u64" (func $load_u64 (param i64) (result i64)))
  (import "extism:host/env" "input_load_u8" (func $load_u8 (param i64) (result i32)))
  (memory (export "memory") 2)
  (func (export "handle") (result i32)
    (local $at i64)
    (local $end i64)
    (local.set $end (call $length))
    (block $words_done
      (loop $words
        (br_if $words_done (i64.gt_u (i64.add (local.get $at) (i64.const 8)) (local.get $end)))
        (i64.store (i32.wrap_i64 (local.get $at)) (call $load_u64 (local.get $at)))
        (local.set $at (i64.add (local.get $at) (i64.const 8)))
        (br $words)))
    (block $bytes_done
      (loop $bytes
        (br_if $bytes_done (i64.ge_u (local.get $at) (local.get $end)))
        (i32.store8 (i32.wrap_i64 (local.get $at)) (call $load_u8 (local.get $at)))
        (local.set $at (i64.add (local.get $at) (i64.const 1)))
        (br $bytes)))
    (i32.const 0)))
