//! `camshaft plugins retry`: loads a refused file again.

use std::path::Path;

use camshaft_wire::PluginView;

use crate::{client::Client, client::path, failure::Failure, output};

pub fn retry(client: &Client, file: &Path, json: bool) -> Result<(), Failure> {
    let name = name(file);
    let plugin: PluginView =
        client.post_json(&path(&["plugins", &name, "retry"]), &serde_json::Value::Null)?;
    if json {
        return output::json(&plugin);
    }
    let file = plugin.last_refusal.map_or(plugin.file, |refusal| refusal.file);
    output::note(&format!("\"{file}\" is being loaded again"));
    output::hint(&format!("Run `camshaft plugins {}` to see the result.", plugin.name));
    Ok(())
}

/// The stem of a `.wasm` file. Any other text is already a name.
fn name(file: &Path) -> String {
    let is_file = file.extension().is_some_and(|extension| extension == "wasm");
    let name = if is_file { file.file_stem().unwrap_or_default() } else { file.as_os_str() };
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_path_its_name_or_its_stem() {
        for file in ["plugins/stock.wasm", "/srv/plugins/stock.wasm", "stock.wasm", "stock"] {
            assert_eq!(name(Path::new(file)), "stock");
        }
        assert_eq!(name(Path::new("stock-1.2")), "stock-1.2", "a name may have a dot");
    }
}
