//! The one wasmtime engine and every choice made for it.
//!
//! The host makes it at start. Whatever changes compiled code also changes the engine's compatibility hash
//! and so the names in the code cache.

use std::sync::Arc;

use camshaft_event::Limit;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, bail};

use crate::{compile::Functions, options::HostOptions};

/// What the stack of one call may be set to, in bytes. A worker's thread has 2 MiB, the host's own part
/// included. The settings are judged by it, too.
pub const STACK_BYTES: std::ops::RangeInclusive<u64> = 64 * 1024..=1024 * 1024;

/// Core instances, memories and tables that one component instance may have. The pool holds as many for each
/// of `max_instances`, so that no plugin takes what another one needs. Python's interpreter with its
/// libraries has 14 core instances, one memory and two tables.
pub const CORE_INSTANCES_EACH: u32 = 64;
/// As above.
pub const MEMORIES_EACH: u32 = 2;
/// As above.
pub const TABLES_EACH: u32 = 4;

/// Entries of one table; interpreters bring large ones.
pub const MAX_TABLE_ELEMENTS: usize = 100_000;

/// Bytes that are kept mapped when a slot of the pool is given back; clearing them costs less than mapping.
const KEEP_RESIDENT_BYTES: usize = 128 * 1024;

/// Stacks of calls that wait for something outside; the runtime has no more of them under way.
const MAX_STACKS: u32 = 256;

/// How instances get their memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// From slots reserved at start.
    Pooled,
    /// Each time anew: the address space for the pool was not to be had.
    OnDemand,
}

/// An engine within the bounds of `options`, pooled where possible.
pub fn build(options: &HostOptions) -> wasmtime::Result<(Engine, Allocation)> {
    let HostOptions { max_instances, max_memory_bytes, max_stack_bytes, .. } = *options;
    if !STACK_BYTES.contains(&max_stack_bytes) {
        bail!(
            "the stack is {max_stack_bytes} bytes; 64 KiB to 1 MiB are allowed ({})",
            Limit::Stack.raised_by()
        );
    }
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(max_instances)
        .total_core_instances(max_instances.saturating_mul(CORE_INSTANCES_EACH))
        .total_memories(max_instances.saturating_mul(MEMORIES_EACH))
        .total_tables(max_instances.saturating_mul(TABLES_EACH))
        .max_core_instances_per_component(CORE_INSTANCES_EACH)
        .max_memories_per_component(MEMORIES_EACH)
        .max_tables_per_component(TABLES_EACH)
        .max_tables_per_module(TABLES_EACH)
        .table_elements(MAX_TABLE_ELEMENTS)
        .max_memory_size(usize::try_from(max_memory_bytes).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES);
    pool.total_stacks(max_instances.min(MAX_STACKS));
    let mut config = configuration(usize::try_from(max_stack_bytes)?);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    match Engine::new(&config) {
        Ok(engine) => Ok((engine, Allocation::Pooled)),
        Err(error) => {
            tracing::warn!(%error, "no address space for the instance pool, allocating instances on demand");
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Ok((Engine::new(&config)?, Allocation::OnDemand))
        }
    }
}

/// An engine that makes code for those of [`build`] and runs none: it reserves no address space, and uses the
/// one thread that calls it unless it may use `all_cores`. With `functions` it compiles only what is not
/// among them, and adds the rest.
pub fn compiling(functions: Option<Arc<Functions>>, all_cores: bool) -> wasmtime::Result<Engine> {
    let mut config = configuration(usize::try_from(*STACK_BYTES.start())?);
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand).parallel_compilation(all_cores);
    if let Some(functions) = functions {
        config.enable_incremental_compilation(functions)?;
    }
    Engine::new(&config)
}

fn configuration(max_stack_bytes: usize) -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        // The deadline. Fuel would cost more and count instructions, which nobody can set sensibly.
        .epoch_interruption(true)
        .max_wasm_stack(max_stack_bytes)
        .memory_init_cow(true)
        // Calls are synchronous; the machinery for concurrent tasks would cost 0.4 µs a call.
        .concurrency_support(false)
        // The same inputs give the same bits on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // Traps name functions, and lines where the guest brought debug information.
        .wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Enable)
        .generate_address_map(true);
    config
}
