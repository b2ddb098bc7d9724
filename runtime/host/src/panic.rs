//! A panic of ours over what a guest wrote is a message, and the process goes on.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use crate::{Refusal, RefusalCode};

/// Runs `work` and turns a panic of it into its message. Only for code that reads what a guest wrote.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic: Box<dyn Any + Send>| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
        format!("internal error: {}", message.unwrap_or("panic without a message"))
    })
}

/// Turns a panic of ours into a refusal of the file whose content led there, so that all else runs on.
pub fn guarded<T, E: From<Refusal>>(file: &Path, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_panic(work).unwrap_or_else(|panic| {
        let refusal = Refusal::new(
            RefusalCode::Internal,
            format!("\"{}\" could not be loaded: {panic}", file.display()),
            "This is a bug in camshaft, not in the plugin: report it with the file.",
        );
        Err(refusal.into())
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_panic_of_ours_while_a_file_is_loaded_is_a_refusal_of_that_file() {
        let file = Path::new("plugins/odd.wasm");
        let panics: [fn() -> Result<(), Refusal>; 2] = [
            || panic!("index 7 is out of range"),
            // What tokio says outside a runtime.
            || {
                drop(tokio::time::sleep(Duration::from_millis(1)));
                Ok(())
            },
        ];
        for (panics, said) in panics.into_iter().zip(["index 7", "reactor"]) {
            let refusal = guarded(file, panics).unwrap_err();
            assert_eq!(refusal.code, RefusalCode::Internal);
            let start = "\"plugins/odd.wasm\" could not be loaded: internal error: ";
            assert!(refusal.message.starts_with(start) && refusal.message.contains(said), "{refusal}");
            assert!(refusal.hint.contains("report it with the file"), "{}", refusal.hint);
        }
    }
}
