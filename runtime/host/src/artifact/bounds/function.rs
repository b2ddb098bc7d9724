//! Bounds on one function: a compiler's work grows faster than the function's length.

use wasmparser::{FunctionBody, Operator};

use super::{Fault, more};

/// Locals of a function. Interpreters' main loops have a few hundred.
const MAX_LOCALS: u64 = 10_000;
/// Bytes of a function's code. The longest one of Python's interpreter has 420 KiB, of JavaScript's 170 KiB.
const MAX_BYTES: u64 = 2 * 1024 * 1024;
/// Locals times loops: the compiler carries each local through each loop. 1,000 of either in one function of
/// 13 KiB take four seconds and 230 MiB, 2,400 take 43. The interpreters' largest functions have a hundred
/// locals.
const MAX_CARRIED: u64 = 1_000_000;
/// Loops inside each other. People write five, generators some dozens. The compiler's work grows with their
/// cube: 1,000 of them in 11 KiB take two seconds, 5,000 more than 45.
const MAX_LOOPS: usize = 128;
/// Functions below this length cannot hold so many loops, three bytes each, and are not looked into.
const LOOKED_INTO_BYTES: u64 = 3 * MAX_LOOPS as u64;

/// Whether a function may be compiled.
pub fn check(body: &FunctionBody<'_>) -> Result<(), Fault> {
    let bytes = body.range().len() as u64;
    let mut locals = 0_u64;
    for group in body.get_locals_reader()? {
        let (count, _) = group?;
        locals = locals.saturating_add(u64::from(count));
    }
    for (count, max, what) in
        [(locals, MAX_LOCALS, "locals in one function"), (bytes, MAX_BYTES, "bytes of code in one function")]
    {
        if count > max {
            return Err(more(max, what));
        }
    }
    if bytes > LOOKED_INTO_BYTES { check_loops(body, locals) } else { Ok(()) }
}

fn check_loops(body: &FunctionBody<'_>, locals: u64) -> Result<(), Fault> {
    // Which of the blocks that are open are loops.
    let (mut open, mut nested, mut carried) = (Vec::new(), 0, 0_u64);
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        match operators.read()? {
            Operator::Loop { .. } => {
                open.push(true);
                nested += 1;
                carried = carried.saturating_add(locals);
            }
            Operator::Block { .. } | Operator::If { .. } | Operator::TryTable { .. } => open.push(false),
            Operator::End => nested -= usize::from(open.pop().unwrap_or(false)),
            _ => {}
        }
        if nested > MAX_LOOPS {
            return Err(more(MAX_LOOPS as u64, "loops inside each other"));
        }
        if carried > MAX_CARRIED {
            return Err(more(MAX_CARRIED, "locals times loops in one function"));
        }
    }
    Ok(())
}
