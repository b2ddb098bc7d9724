//! Functions of WASI that would lead out of the sandbox: each answers with its interface's "no".
//!
//! They are made from the component's own types, so every version of every interface is covered.

use wasmtime::{
    bail,
    component::{LinkerInstance, Type, Val},
};

/// Error codes that say no, in the order of preference. Which of them exists depends on the interface.
const REFUSALS: [&str; 4] = ["access-denied", "access", "not-permitted", "not-supported"];

/// Defines `function` of `interface` so that it does nothing. Where the interface has no answer for that, the
/// guest traps; `why` then completes the sentence that the guest called a function that ….
pub fn function<T: 'static>(
    instance: &mut LinkerInstance<'_, T>,
    interface: &str,
    function: &str,
    why: &'static str,
) -> wasmtime::Result<()> {
    let full_name = format!("{interface}#{function}");
    instance.func_new(function, move |_, signature, _, results| {
        let answer = signature.results().next().and_then(|result| refusal(&result));
        match (results, answer) {
            ([result], Some(answer)) => {
                *result = answer;
                Ok(())
            }
            _ => bail!("the guest called `{full_name}`, which {why}"),
        }
    })
}

/// The value of type `result` that says no, if it has one.
fn refusal(result: &Type) -> Option<Val> {
    let Type::Result(result) = result else { return None };
    let Some(Type::Enum(codes)) = result.err() else { return None };
    let code = REFUSALS.into_iter().find(|code| codes.names().any(|name| name == *code))?;
    Some(Val::Result(Err(Some(Box::new(Val::Enum(code.to_owned()))))))
}
